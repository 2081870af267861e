"""A labelling session: one person works through one queue, and each action the browser reports is kept exactly once."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from autotl.checks.label_queues import Queue
from autotl.data.coding_sheet import name_problem
from autotl.data.codings import Coding, NotKept, coder_name, decisions_by_image
from autotl.data.current_labels import CurrentLabels
from autotl.data.patch import Decision
from autotl.errors import AutoTLError, DatasetError
from autotl_ui.label.queues import keep, keep_classes
from autotl_ui.workspace.subjects import Subject

KEY = "labeller"
CODER = "coder"
_SESSION = "labelling-session"
N_NAMED = 3


@dataclass(frozen=True)
class Dispute:
    """An answer that was not kept, because somebody else had decided about the image meanwhile.

    file: the image. theirs: what is in force, None if they undid a decision. answer: what was said here, None for
    taking a decision back.
    """

    file: Path
    theirs: Decision | None
    answer: Decision | None


@dataclass
class LabellingSession:
    """Where a person is in a queue.

    name: unique. classes: in the order of their keys, which stays; merged: those that were merged, and into which one.
    position: the number of the task on the screen.
    kept: by log of the browser, the number of the last action that was kept. before: by log and action, the item and
    the decision that was in force before. labelled: the items that got a class or were excluded. problem: why the last
    actions could not be kept; they are tried again with the next. run: the one that the address named, if any.
    began: the decisions when the queue was made. mine: those made or accepted here since. disputes: by item, what is
    still to be decided because somebody else decided meanwhile.
    """

    name: str
    subject: Subject
    queue: Queue
    classes: tuple[str, ...]
    merged: Mapping[str, str] = field(default_factory=dict)
    position: int = 0
    kept: dict[str, int] = field(default_factory=dict)
    before: dict[tuple[str, int], tuple[str, Decision | None]] = field(default_factory=dict)
    labelled: set[str] = field(default_factory=set)
    problem: str = ""
    run: str = ""
    began: dict[str, Decision] = field(default_factory=dict)
    mine: dict[str, Decision | None] = field(default_factory=dict)
    disputes: dict[str, Dispute] = field(default_factory=dict)

    @property
    def n_left(self) -> int:
        """The number of images without a decision in this session."""
        return len({task.item for task in self.queue.tasks} - self.labelled)

    @property
    def keys(self) -> tuple[str, ...]:
        """The class of each key; empty where it was merged into another."""
        return tuple("" if name in self.merged else name for name in self.classes)

    def follow(self, labels: CurrentLabels) -> None:
        """Take note of classes that were added or merged elsewhere; no key changes its class."""
        self.classes, self.merged = tuple(dict.fromkeys((*self.classes, *labels.classes))), labels.merged

    def known(self, item: str) -> Decision | None:
        """The decision about an image that the person at the desk knows of."""
        return self.mine[item] if item in self.mine else self.began.get(item)


@dataclass(frozen=True)
class Action:
    """Something a person did in the browser.

    n: its number in the browser's log, from 1. index: of the task. label: the class. of: the number of the action that
    is undone. Numbers are -1 where the browser sent none.
    """

    n: int
    kind: str
    index: int
    label: str
    of: int


def begin_session(subject: Subject, queue: Queue, labels: CurrentLabels, *, run: str = "") -> LabellingSession:
    """Begin a queue."""
    began = decisions_by_image(subject.patch_file)
    session = LabellingSession(uuid.uuid4().hex, subject, queue, labels.classes, labels.merged, run=run, began=began)
    st.session_state[_SESSION] = session
    return session


def current_session() -> LabellingSession | None:
    """The labelling session of this browser."""
    found = st.session_state.get(_SESSION)
    return found if isinstance(found, LabellingSession) else None


def end_session() -> None:
    """Leave the queue; the next one is made of what is left."""
    st.session_state.pop(_SESSION, None)


def keep_report() -> None:
    """Keep what the browser has reported. Called at each report, and before a page could lose the widget's state."""
    session = current_session()
    state = st.session_state.get(KEY)
    if session is None or not isinstance(state, Mapping):
        return
    try:
        gone = take(session, state.get("report"), coder=coder_name(str(st.session_state.get(CODER) or "")))
        session.problem = _say_gone(gone) if gone else ""
    except AutoTLError as error:
        session.problem = f"{error} Your answers are kept here meanwhile, and saved with the next one."


def take(session: LabellingSession, report: object, *, coder: str) -> tuple[str, ...]:
    """Keep the reported actions that are not kept yet; returns the items that are no longer in the data.

    Raises DatasetError if they cannot be kept, as with control characters in the name; then none of them is.
    report: {"log": name, "queue": name, "position": number, "actions": [{"n", "kind", "index", "label" or "of"}, ...]}.
    It is untrusted input, so anything invalid is ignored.
    """
    if not isinstance(report, Mapping) or report.get("queue") != session.name:
        return ()
    log, position = str(report.get("log")), report.get("position")
    if isinstance(position, int):
        session.position = min(max(position, 0), len(session.queue.tasks))
    actions = [action for action in actions_in(report.get("actions")) if action.n > session.kept.get(log, 0)]
    if not actions:
        return ()
    if problem := name_problem(coder):
        raise DatasetError(f"{problem}.")
    known = decisions_by_image(session.subject.patch_file)
    changes: dict[str, Decision | None] = {}
    before, labelled = dict(session.before), set(session.labelled)
    for action in actions:
        if action.kind == "undo":
            item, decision = before.get((log, action.of), ("", None))
        else:
            item, decision = _decision(action, session, coder)
        if not item:
            continue
        before[log, action.n] = (item, changes.get(item, known.get(item)))
        changes[item] = decision
        (labelled.discard if action.kind == "undo" else labelled.add)(item)
    not_kept = keep(session.subject, changes, seen={item: session.known(item) for item in changes})
    _note(session, changes, not_kept)
    if any(decision and decision.label for decision in changes.values()):
        session.classes = keep_classes(session.subject, session.classes)
    session.before, session.labelled = before, labelled.difference(not_kept.gone, not_kept.changed)
    session.kept[log] = actions[-1].n
    return not_kept.gone


def settle(session: LabellingSession, item: str, *, keep_theirs: bool) -> None:
    """Decide a dispute. Raises DatasetError if the answer cannot be kept; then it is still to be decided."""
    dispute = session.disputes[item]
    if keep_theirs:
        _note(session, {item: dispute.theirs}, NotKept())
    else:
        changes = {item: dispute.answer}
        _note(session, changes, keep(session.subject, changes, seen={item: dispute.theirs}))
    session.labelled.add(item)


def _note(session: LabellingSession, changes: Mapping[str, Decision | None], not_kept: NotKept) -> None:
    files = {task.item: task.file for task in session.queue.tasks}
    for item, decision in changes.items():
        if item in not_kept.changed:
            session.disputes[item] = Dispute(files[item], not_kept.changed[item], decision)
        elif item not in not_kept.gone:
            session.mine[item] = decision
            session.disputes.pop(item, None)


def actions_in(reported: object) -> list[Action]:
    """The actions that can be understood, in the order of their numbers."""
    found = [_action(one) for one in reported if isinstance(one, Mapping)] if isinstance(reported, list) else []
    return sorted((action for action in found if action.n > 0), key=lambda action: action.n)


def _action(reported: Mapping[object, object]) -> Action:
    def number(name: str) -> int:
        value = reported.get(name)
        return value if isinstance(value, int) else -1

    label = str(reported.get("label") or "")
    return Action(number("n"), str(reported.get("kind")), number("index"), label, number("of"))


def _decision(action: Action, session: LabellingSession, coder: str) -> tuple[str, Decision | None]:
    """The item that an action is about and the decision about it; an empty item where the action does not fit."""
    if action.kind not in ("label", "exclude") or not 0 <= action.index < len(session.queue.tasks):
        return "", None
    if action.kind == "label" and not action.label.strip():
        return "", None
    item = session.queue.tasks[action.index].item
    label = action.label if action.kind == "label" else ""
    return item, Coding(coder, item, label, time.time()).decision


def _say_gone(items: tuple[str, ...]) -> str:
    named = ", ".join(items[:N_NAMED]) + (f" and {len(items) - N_NAMED} more" if len(items) > N_NAMED else "")
    return f"Nothing was kept about {named}: no longer in the data. Everything else is saved."
