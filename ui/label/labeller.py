"""The labelling desk: the current item with its buttons, as a component in the browser."""

from __future__ import annotations

from autotl.checks.label_queues import Task
from autotl_ui.label.labelling_session import KEY, LabellingSession, keep_report
from autotl_ui.widgets.components import component
from autotl_ui.widgets.items import places_of
from autotl_ui.widgets.words import counted

PIXELS = 900
N_AHEAD, N_BEHIND = 30, 5
mount = component("labeller")
"""Draws the desk; `data` is what `show_labeller` gives it."""


def show_labeller(session: LabellingSession, *, blind: bool) -> None:
    """Draw the current item with the buttons; the browser also gets those before and after it."""
    tasks = session.queue.tasks
    first = max(session.position - N_BEHIND, 0)
    window = tasks[first : session.position + N_AHEAD]
    data = {
        "queue": session.name,
        "position": session.position,
        "total": len(tasks),
        "first": first,
        "tasks": [
            {**places_of(task.file, PIXELS), "reason": _reason(task, session)}
            # The name of the folder it lies in may be that of its class.
            | ({} if blind else {"item": task.item, "given": task.given, "guess": task.guess})
            for task in window
        ],
        "labelled": len(session.labelled),
        "blind": blind,
        "excludes": True,
        "classes": list(session.keys),
        "kept": session.kept,
        "problem": session.problem or _say_disputes(len(session.disputes)),
    }
    mount(data=data, key=KEY, default={"report": None}, on_report_change=keep_report)


def _say_disputes(n: int) -> str:
    return f"{counted(n, 'answer is', 'answers are')} not saved: decide below." if n else ""


def _reason(task: Task, session: LabellingSession) -> str:
    return "labelled already" if task.item in session.labelled else task.reason
