"""The part of the Label page on which people code a sample of a run, blind and each under a name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import streamlit as st

from autotl.data.coding_sheet import name_problem
from autotl.data.codings import coder_name
from autotl.data.item_kinds import ItemKind
from autotl.errors import AutoTLError
from autotl.runs.validation import read_sample, require_sample, validation_folder
from autotl_ui.label.coding_session import (
    KEY,
    CodingSession,
    coding_session,
    current_coding,
    end_coding,
    keep_codings,
)
from autotl_ui.label.labeller import N_AHEAD, N_BEHIND, PIXELS, mount
from autotl_ui.server.pages import RESULTS
from autotl_ui.widgets.error_boundary import live
from autotl_ui.widgets.items import places_of
from autotl_ui.widgets.study import current_study
from autotl_ui.widgets.words import plain
from autotl_ui.workspace.evidence import find_evidence, has_evidence
from autotl_ui.workspace.runs import RunView, has_classes
from autotl_ui.workspace.workspace import Workspace

CORRECT, CODE = "Correct labels", "Code a sample, blind"
_CODER = "coding-as"
_SECONDS = 120
_USUAL_SAMPLE, _MOST = 100, 10_000


def choose_purpose(workspace: Workspace) -> bool:
    """Ask what to do if there is a model to compare people with; returns whether to code a sample."""
    if not any(has_evidence(run.folder) for run in workspace.list_runs() if run.result and has_classes(run)):
        return False
    chosen = st.segmented_control(
        "What to do", (CORRECT, CODE), key="label-purpose", default=CORRECT, required=True,
        help="To compare a model with people, several people label the same items independently.",
    )  # fmt: skip
    return chosen == CODE


def show_coding(workspace: Workspace) -> None:
    """Draw the choice of run and coder, and the desk."""
    keep_codings()
    runs = [run for run in workspace.list_runs() if run.result and has_classes(run) and has_evidence(run.folder)]
    names, wanted = [run.name for run in runs], current_study().run
    name = st.selectbox("Model", names, index=names.index(wanted) if wanted in names else 0, key="coded-run", width=400)
    run = next(run for run in runs if run.name == name)
    evidence = find_evidence(run.folder)
    if evidence is None:
        st.error("The evidence of this run is damaged.", icon=":material/error:")
        return
    try:
        require_sample(validation_folder(run.folder))
        n_drawn = len(read_sample(validation_folder(run.folder)).items)
        if not n_drawn:
            _offer_draw(run, f"No {run.kind.plural} were drawn for people to label yet.")
        elif coder := _ask_name(n_drawn, run.kind):
            coding_session(run.folder, evidence.run.dataset.root, coder, evidence.test.classes)
            _desk(run)
    except AutoTLError as error:
        st.error(plain(str(error)), icon=":material/error:")


def _ask_name(n_drawn: int, kind: ItemKind) -> str:
    """The coder's name, empty until entered. The field is then removed, since it would capture the desk's keys."""
    coder = str(st.session_state.get(_CODER) or "")
    if coder:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"Coding as **{plain(coder)}**", width="content")
            if st.button("Somebody else", key="other-coder", type="tertiary"):
                st.session_state[_CODER] = ""
                end_coding()
                st.rerun()
        return coder
    with st.form("who-codes", border=False, width=400):
        st.caption(f"{kind.of(n_drawn)} {'was' if n_drawn == 1 else 'were'} drawn for people to code.")
        said = st.text_input(
            "Your name", key="coder-name", max_chars=60, autocomplete="off",
            help="Your answers are saved under this name. Use the same one when you come back.",
        )  # fmt: skip
        if st.form_submit_button("Begin", key="begin-coding", type="primary") and (name := coder_name(said)):
            if problem := name_problem(name):
                st.error(plain(f"{problem}."), icon=":material/error:")
            else:
                st.session_state[_CODER] = name
                st.rerun()
    return ""


@live
def _desk(run: RunView) -> None:
    """The part that is redrawn at every keystroke."""
    session = current_coding()
    if session is None:
        return
    keep_codings()
    st.caption(
        f"{run.kind.of(len(session.items))} to code, {session.n_before} coded before as {plain(session.coder)}. "
        f"Judge by the {run.kind.name} alone: neither its label nor any model's or other person's answer is shown."
    )
    _show(session)
    if session.position < len(session.items):
        return
    left = len(session.items) - sum(bool(label) for label in session.labels.values())
    if left and st.button(f"Go through the remaining {left}", key="code-again", icon=":material/refresh:"):
        end_coding()
        st.rerun()
    _offer_comparison(run)


def _show(session: CodingSession) -> None:
    first = max(session.position - N_BEHIND, 0)
    window = range(first, min(session.position + N_AHEAD, len(session.items)))
    reasons = ["coded already" if session.labels.get(session.items[n]) else "what do you see?" for n in window]
    data = {
        "queue": session.name, "position": session.position, "total": len(session.items), "first": first,
        "tasks": [
            {**places_of(session.files[n], PIXELS), "reason": reason} for n, reason in zip(window, reasons, strict=True)
        ],
        "labelled": sum(bool(label) for label in session.labels.values()), "blind": True, "excludes": False,
        "classes": list(session.classes), "kept": session.kept, "problem": session.problem,
    }  # fmt: skip
    mount(data=data, key=KEY, default={"report": None}, on_report_change=keep_codings)


def _offer_draw(run: RunView, why: str) -> None:
    st.info(why, icon=":material/casino:")
    n = st.number_input(f"{run.kind.plural.capitalize()} to draw", 1, _MOST, _USUAL_SAMPLE, key="n-drawn", width=200)
    if st.button("Draw", key="draw", type="primary"):
        sheet = validation_folder(run.folder) / "sheet.csv"
        _ask(run.folder, "--sample", str(int(n)), "--out", str(sheet))


def _offer_comparison(run: RunView) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Compare people and model", key="compare", type="primary", icon=":material/balance:"):
            _ask(run.folder)
        st.page_link(RESULTS, label="See it among the results", query_params={"run": run.name})


def _ask(run: Path, *options: str) -> None:
    """Run a command and redraw the page; shows why if the command fails."""
    command = [sys.executable, "-m", "autotl.cli", "validate", str(run), *options, "--json"]
    with st.spinner("Working"):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            st.error(f"It took more than {_SECONDS} seconds and was stopped. Your answers are kept; try again.")
            return
    if done.returncode:
        st.error(plain(done.stderr.strip().removeprefix("Error: ")), icon=":material/error:")
    elif options:
        st.rerun()
    else:
        st.success("Done. It is among the results of this run.", icon=":material/check_circle:")
