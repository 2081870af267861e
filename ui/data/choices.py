"""Decisions that are made on a page: exclude, relabel, merge, and undoing any of these."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import streamlit as st

from autotl.data.patch import Decision
from autotl.data.patch_edits import decide
from autotl.errors import AutoTLError
from autotl.settings import settings
from autotl_ui.data.contents import Contents
from autotl_ui.widgets.words import plain
from autotl_ui.workspace.data_sets import DataSet

MOST_STEPS = 50
_HISTORY, _PROBLEM = "decided", "decide-problem"


@dataclass(frozen=True)
class Step:
    """What was decided in one go, and what had been decided about the same things before."""

    data_set: str
    said: str
    items: tuple[str, ...]
    before: tuple[Decision, ...]


def choose(data_set: DataSet, contents: Contents, new: Sequence[Decision], said: str) -> bool:
    """Note decisions, to be undone as one; said: what was done, for the undo button. False if it failed."""
    items = tuple(dict.fromkeys(decision.item for decision in new))
    return _apply(data_set, contents, new, (), items, said)


def take_back(data_set: DataSet, contents: Contents, items: Iterable[str], said: str) -> bool:
    """Undo the decisions about these items; those without one are ignored."""
    known = {decision.item for decision in contents.decisions}
    gone = tuple(item for item in dict.fromkeys(items) if item in known)
    return _apply(data_set, contents, (), gone, gone, said) if gone else True


def last_step(data_set: DataSet) -> Step | None:
    """What was decided last on this page, None if nothing was."""
    return next((step for step in reversed(_history()) if step.data_set == data_set.name), None)


def undo_last(data_set: DataSet, contents: Contents) -> None:
    """Put everything back that the last step changed."""
    step = last_step(data_set)
    if step is None:
        return
    known = {decision.item for decision in contents.decisions}
    restored = {decision.item for decision in step.before}
    gone = [item for item in step.items if item in known and item not in restored]
    if _note(data_set, contents, step.before, gone):
        _history().remove(step)


def show_problem() -> None:
    """Say why the last decision could not be noted, once."""
    problem = st.session_state.pop(_PROBLEM, "")
    if problem:
        st.error(plain(problem))


def _apply(
    data_set: DataSet,
    contents: Contents,
    new: Sequence[Decision],
    undo: Sequence[str],
    items: tuple[str, ...],
    said: str,
) -> bool:
    before = tuple(decision for decision in contents.decisions if decision.item in set(items))
    if not _note(data_set, contents, new, undo):
        return False
    history = _history()
    history.append(Step(data_set.name, said, items, before))
    del history[:-MOST_STEPS]
    return True


def _note(data_set: DataSet, contents: Contents, new: Sequence[Decision], undo: Sequence[str]) -> bool:
    known = {decision.item: decision for decision in contents.decisions}
    seen = {item: known.get(item) for item in (*undo, *(decision.item for decision in new))}
    try:
        decide(
            data_set.path, new, undo=undo, label=data_set.label, patch=data_set.patch, cache=settings().cache,
            source=contents.source, seen=seen,
        )  # fmt: skip
    except AutoTLError as error:
        st.session_state[_PROBLEM] = str(error)
        return False
    return True


def _history() -> list[Step]:
    history: list[Step] = st.session_state.setdefault(_HISTORY, [])
    return history
