"""The form that registers the champion of a finished run under a name."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from autotl.deploy.registry import MAX_NAME_LENGTH, gate_obstacle, obstacle_of_targets, require_name
from autotl.errors import AutoTLError, ConfigError
from autotl.interfaces import CHAMPION
from autotl_ui.jobs import jobs
from autotl_ui.models.naming import doubts, proposed_name
from autotl_ui.models.registered_models import SHOW_MODEL
from autotl_ui.models.registry import Registry, forget
from autotl_ui.server.access import current
from autotl_ui.widgets.error_boundary import live
from autotl_ui.widgets.study import choose, turn_to_run
from autotl_ui.widgets.words import duration, moment, plain, sentence
from autotl_ui.workspace.runs import RunView, results_of, title_of
from autotl_ui.workspace.workspace import Workspace

USUAL_SECONDS = 15
SECONDS_SHOWN = 300
"""How long the outcome of a registration stays on the page."""
_DOUBTED = "register-doubted"
"""In the session: the run and the name for which a confirmation was requested."""


@dataclass(frozen=True)
class _Registered:
    """The version that a registration made."""

    name: str
    version: int


def show(workspace: Workspace, finished: Sequence[RunView], found: Registry, wanted: RunView | None) -> None:
    """Draw the form, and the progress or the outcome of the latest registration. wanted: the run of the address."""
    target = _target(workspace)
    job = jobs.read(target)
    if job and job.alive:
        live(_watch, run_every=1)(target)
        return
    _say_how_it_ended(target, job, found)
    with st.expander("Register a finished run", icon=":material/add_box:", expanded=not found.models):
        _form(workspace, finished, found, target, wanted)


def _form(
    workspace: Workspace, finished: Sequence[RunView], found: Registry, target: Path, run: RunView | None
) -> None:  # fmt: skip
    titles = {run.name: f"{title_of(run)} ({moment(run.started)})" for run in finished}
    choose("Run", titles, run.name if run else None, key="register-run", turn=turn_to_run)
    if run is None:
        return
    with st.form("register", border=False):
        typed = st.text_input(
            "Name of the model", proposed_name(workspace, run, finished, found.models),
            key=f"register-name-{run.name}", max_chars=MAX_NAME_LENGTH,
            placeholder="such as pet-photos", autocomplete="off",
            help="An existing name gets a new version; a new name starts with version 1.",
        )  # fmt: skip
        pressed = st.form_submit_button("Register", key="register", icon=":material/inventory_2:")
    st.caption("The new version becomes the champion of its name; the champion before gets the alias `previous`.")
    name = str(typed or "").strip()
    if pressed or st.session_state.get(_DOUBTED) == (run.name, name):
        _register(workspace, run, name, found, target, pressed=pressed)


def _register(
    workspace: Workspace, run: RunView, name: str, found: Registry, target: Path, *, pressed: bool
) -> None:  # fmt: skip
    """Start the registration; where something speaks against it, only once that is confirmed."""
    try:
        require_name(name)
    except ConfigError as error:
        message = str(error) if name else "Enter a name for the model first, such as pet-photos."
        st.error(plain(sentence(message)))
        return
    why = doubts(workspace, run, name, found.models)
    obstacle = _obstacle(run)
    if why or obstacle:
        st.session_state[_DOUBTED] = (run.name, name)
    if why:
        st.warning(plain(why), icon=":material/warning:")
    reason = ""
    if obstacle:
        reason, pressed = _overrule(run, obstacle)
    elif why:
        pressed = st.button("Register anyway", key="register-anyway")
    if not pressed:
        return
    st.session_state.pop(_DOUBTED, None)
    try:
        _start(run, name, found, target, reason)
    except (AutoTLError, OSError) as error:  # too many jobs, a full disk
        st.error(f"The registration could not be started: {plain(str(error))}")
        return
    st.rerun()


def _obstacle(run: RunView) -> str:
    """Why an audit prevents the registration; empty if none does."""
    if run.result:
        return gate_obstacle(run.state.max_gap, run.result)
    return obstacle_of_targets(run.state.max_gap, results_of(run))


def _overrule(run: RunView, obstacle: str) -> tuple[str, bool]:
    """Say why the audit speaks against registering the model, and ask for a reason to register it anyway."""
    st.error(
        plain(f"{sentence(obstacle)} The audit of groups speaks against registering this model."),
        icon=":material/block:",
    )
    reason = st.text_input(
        "Reason for registering it all the same", key=f"register-reason-{run.name}", autocomplete="off",
        help="The reason is recorded in the run and on the registered version.",
    )  # fmt: skip
    pressed = st.button("Register with this reason", key="register-force", disabled=not str(reason or "").strip())
    return str(reason or "").strip(), pressed


def _start(run: RunView, name: str, found: Registry, target: Path, reason: str = "") -> None:
    store = ["--tracking-uri", found.address] if found.database else []  # an address of a server may hold a password
    forced = [f"--force={reason}"] if reason else []
    target.parent.mkdir(parents=True, exist_ok=True)
    jobs.log_file(target).unlink(missing_ok=True)
    jobs.start(
        target, ["register", str(run.folder), f"--name={name}", *store, *forced, "--json"], owner=current().job_owner,
        about=f"{run.name} as {name}", output=_answer_file(target),
    )  # fmt: skip


def _watch(target: Path) -> None:
    """Follow the registration until it ends; then redraw the whole page."""
    job = jobs.read(target)
    if job is None or not job.alive:
        forget()
        if done := _read_answer(target):
            st.session_state[SHOW_MODEL] = done.name
        st.rerun()
    seconds = time.time() - job.started
    text = f"Registering {plain(job.about)} for {duration(seconds)}; it usually takes about {USUAL_SECONDS} s"
    st.progress(min(seconds / USUAL_SECONDS, 0.95), text=text)


def _say_how_it_ended(target: Path, job: jobs.Job | None, found: Registry) -> None:
    """The outcome of the latest registration, for a while; another version may have become the champion since."""
    if job is None or time.time() - max(job.started, _written(jobs.log_file(target))) > SECONDS_SHOWN:
        return
    if done := _read_answer(target):
        champion = next((model.version_with_alias(CHAMPION) for model in found.models if model.name == done.name), None)
        now = ", now the champion" if champion and champion.version == done.version else ""
        message = f"Registered: {plain(done.name)}, version {done.version}{now}."
        st.success(message, icon=":material/check_circle:")
    else:
        why = jobs.last_words(target) or "it was interrupted. Try again."
        st.error(f"{plain(job.about)} was not registered: {plain(why)}", icon=":material/error:")


def _read_answer(target: Path) -> _Registered | None:
    """What the command printed at its end; None if it did not get there."""
    try:
        answer = json.loads(_answer_file(target).read_text(encoding="utf-8"))
        return _Registered(str(answer["name"]), int(answer["version"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _written(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def _target(workspace: Workspace) -> Path:
    return workspace.root / "autotl-models" / "register"


def _answer_file(target: Path) -> Path:
    return target.with_name(f"{target.name}.answer")
