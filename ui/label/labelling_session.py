"""A sitting: one person goes through one queue, and what the browser reports is kept, once each and nothing lost."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from autotl.data.patch import Decision
from autotl.errors import AutoTLError
from autotl_ui.label.labelling import Coding, coder_name, decisions_about, store
from autotl_ui.label.queues import Queue, Task
from autotl_ui.widgets.components import component
from autotl_ui.widgets.images import picture_address
from autotl_ui.workspace.subjects import Subject

KEY = "labeller"
CODER = "coder"
_SITTING = "sitting"
PIXELS = 900
N_AHEAD, N_BEHIND = 30, 5
N_NAMED = 3
_mount = component("labeller")


@dataclass
class LabellingSession:
    """Where somebody stands in a queue.

    name: tells it from every other. classes: in the order of their keys, which stays. position: the number of the task
    that is looked at. kept: by log of the browser, the number of the last action that was kept. before: by log and
    action, the item and what was in force about it before. labelled: the items that got a class, or were left out.
    problem: why the last could not be kept; it is tried again with the next.
    """

    name: str
    subject: Subject
    queue: Queue
    classes: tuple[str, ...]
    position: int = 0
    kept: dict[str, int] = field(default_factory=dict)
    before: dict[tuple[str, int], tuple[str, Decision | None]] = field(default_factory=dict)
    labelled: set[str] = field(default_factory=set)
    problem: str = ""

    @property
    def n_left(self) -> int:
        """The pictures of which nothing was said."""
        return len({task.item for task in self.queue.tasks} - self.labelled)


def sit_down(subject: Subject, queue: Queue, classes: tuple[str, ...]) -> LabellingSession:
    """Begin a queue."""
    sitting = LabellingSession(uuid.uuid4().hex, subject, queue, classes)
    st.session_state[_SITTING] = sitting
    return sitting


def present_sitting() -> LabellingSession | None:
    """The queue that this browser is at."""
    found = st.session_state.get(_SITTING)
    return found if isinstance(found, LabellingSession) else None


def stand_up() -> None:
    """Leave the queue; the next one is made of what is left."""
    st.session_state.pop(_SITTING, None)


def keep_report() -> None:
    """Keep what the browser has reported. Called whenever it reports, and before a page could forget what it did."""
    sitting = present_sitting()
    state = st.session_state.get(KEY)
    if sitting is None or not isinstance(state, Mapping):
        return
    try:
        gone = take(sitting, state.get("report"), coder=coder_name(str(st.session_state.get(CODER) or "")))
        sitting.problem = _say_gone(gone) if gone else ""
    except AutoTLError as error:
        sitting.problem = f"{error} What you said is kept here meanwhile, and saved with your next answer."


def take(sitting: LabellingSession, report: object, *, coder: str) -> tuple[str, ...]:
    """Keep what is reported and is not kept yet; returns the items that are gone, of which nothing can be kept.

    Raises DatasetError where that cannot be done, and nothing is kept then.
    report: {"log": name, "queue": name, "position": number, "actions": [{"n", "kind", "index", "label" or "of"}, ...]}.
    It comes from outside, so that whatever does not fit is passed over.
    """
    if not isinstance(report, Mapping) or report.get("queue") != sitting.name:
        return ()
    log, position = str(report.get("log")), report.get("position")
    if isinstance(position, int):
        sitting.position = min(max(position, 0), len(sitting.queue.tasks))
    actions = sorted(
        (action for action in _actions(report) if action["n"] > sitting.kept.get(log, 0)),
        key=lambda action: action["n"],
    )  # fmt: skip
    if not actions:
        return ()
    known = decisions_about(sitting.subject)
    changes: dict[str, Decision | None] = {}
    before, labelled = dict(sitting.before), set(sitting.labelled)
    for action in actions:
        if action.get("kind") == "undo":
            item, decision = before.get((log, _number(action, "of")), ("", None))
        else:
            item, decision = _said(action, sitting, coder)
        if not item:
            continue
        before[log, action["n"]] = (item, changes.get(item, known.get(item)))
        changes[item] = decision
        (labelled.discard if action.get("kind") == "undo" else labelled.add)(item)
    gone = store(sitting.subject, changes)
    sitting.before, sitting.labelled = before, labelled.difference(gone)
    sitting.kept[log] = actions[-1]["n"]
    return gone


def _say_gone(items: tuple[str, ...]) -> str:
    named = ", ".join(items[:N_NAMED]) + (f" and {len(items) - N_NAMED} more" if len(items) > N_NAMED else "")
    return f"Nothing was kept about {named}: no longer in the data. Everything else is saved."


def show_labeller(sitting: LabellingSession, *, blind: bool) -> None:
    """Draw the picture that is looked at, with the buttons; the browser gets those around it as well."""
    tasks = sitting.queue.tasks
    first = max(sitting.position - N_BEHIND, 0)
    window = tasks[first : sitting.position + N_AHEAD]
    data = {
        "queue": sitting.name,
        "position": sitting.position,
        "total": len(tasks),
        "first": first,
        "tasks": [
            {"src": picture_address(task.file, PIXELS), "reason": _reason(task, sitting)}
            # The name of the folder it lies in may be that of its class.
            | ({} if blind else {"item": task.item, "given": task.given, "guess": task.guess})
            for task in window
        ],
        "labelled": len(sitting.labelled),
        "blind": blind,
        "classes": list(sitting.classes),
        "kept": sitting.kept,
        "problem": sitting.problem,
    }
    _mount(data=data, key=KEY, default={"report": None}, on_report_change=keep_report)


def _reason(task: Task, sitting: LabellingSession) -> str:
    return "labelled already" if task.item in sitting.labelled else task.reason


def _actions(report: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    actions = report.get("actions")
    actions = actions if isinstance(actions, list) else []
    return [action for action in actions if isinstance(action, Mapping) and _number(action, "n") > 0]


def _number(action: Mapping[str, Any], name: str) -> int:
    """A number in an action, -1 where there is none."""
    number = action.get(name)
    return number if isinstance(number, int) else -1


def _said(action: Mapping[str, Any], sitting: LabellingSession, coder: str) -> tuple[str, Decision | None]:
    """The item that an action is about and what is now said of it; no item where nothing is."""
    kind, index, label = action.get("kind"), _number(action, "index"), ""
    if kind not in ("label", "exclude") or not 0 <= index < len(sitting.queue.tasks):
        return "", None
    if kind == "label" and not (label := str(action.get("label") or "")).strip():
        return "", None
    item = sitting.queue.tasks[index].item
    return item, Coding(coder, item, label, time.time()).decision
