"""A coding session: one person labels the images drawn from a run, and sees neither the model's answers nor others'."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from autotl.data.codings import coder_name
from autotl.errors import AutoTLError
from autotl.runs.validation import in_force, keep_answers, read_codings, read_sample, spelled, validation_folder
from autotl_ui.label.labelling_session import actions_in

KEY = "coding-desk"
_SESSION = "coding-session"


@dataclass
class CodingSession:
    """One person's progress through the images of a sample.

    name: unique. run: the run's folder. items, files: paths of the images to code, in the dataset and on disk,
    without those that this person coded earlier. n_before: number of images coded earlier. position: the number of the
    image on the screen. kept: by log of the browser, the number of the last saved action. labels: this person's labels
    by item. before: by log and action, the item and its previous label. problem: why the last actions could not be
    saved.
    """

    name: str
    run: Path
    coder: str
    classes: tuple[str, ...]
    items: tuple[str, ...]
    files: tuple[Path, ...]
    n_before: int = 0
    position: int = 0
    kept: dict[str, int] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    before: dict[tuple[str, int], tuple[str, str]] = field(default_factory=dict)
    problem: str = ""


def coding_session(run: Path, root: Path, coder: str, classes: tuple[str, ...]) -> CodingSession:
    """This browser's session for a run and a coder, started if there is none. RunError for damaged files."""
    own = validation_folder(run)
    coder = spelled(read_codings(own), coder_name(coder))
    found = st.session_state.get(_SESSION)
    if isinstance(found, CodingSession) and (found.run, found.coder) == (run, coder):
        return found
    drawn = read_sample(own).items
    done = {item for item, name in in_force(read_codings(own)) if name == coder}
    items = tuple(item for item in drawn if item not in done)
    session = CodingSession(
        uuid.uuid4().hex, run, coder, classes, items, tuple(root / item for item in items), len(set(drawn) & done)
    )
    st.session_state[_SESSION] = session
    return session


def current_coding() -> CodingSession | None:
    """The coding session of this browser."""
    found = st.session_state.get(_SESSION)
    return found if isinstance(found, CodingSession) else None


def end_coding() -> None:
    """Leave the session; the next one continues with the remaining images."""
    st.session_state.pop(_SESSION, None)


def keep_codings() -> None:
    """Save the actions reported by the browser."""
    session, state = current_coding(), st.session_state.get(KEY)
    if session is None or not isinstance(state, Mapping):
        return
    try:
        take_codings(session, state.get("report"))
        session.problem = ""
    except AutoTLError as error:
        session.problem = f"{error} Your answers are kept here for now and saved with the next one."


def take_codings(session: CodingSession, report: object) -> None:
    """Save the reported actions that are not saved yet, all or none; invalid input is ignored, since it is untrusted.

    report: as in `labelling_session.take`. Raises RunError if they cannot be saved.
    """
    if not isinstance(report, Mapping) or report.get("queue") != session.name:
        return
    log, position = str(report.get("log")), report.get("position")
    if isinstance(position, int):
        session.position = min(max(position, 0), len(session.items))
    actions = [action for action in actions_in(report.get("actions")) if action.n > session.kept.get(log, 0)]
    if not actions:
        return
    labels, before = dict(session.labels), dict(session.before)
    for action in actions:
        if action.kind == "undo":
            item, label = before.get((log, action.of), ("", ""))
        elif action.kind == "label" and 0 <= action.index < len(session.items) and action.label in session.classes:
            item, label = session.items[action.index], action.label
        else:
            continue
        if item:
            before[log, action.n] = (item, labels.get(item, ""))
            labels[item] = label
    changed = [(item, session.coder, label) for item, label in labels.items() if session.labels.get(item) != label]
    keep_answers(validation_folder(session.run), changed)
    session.labels, session.before = labels, before
    session.kept[log] = actions[-1].n
