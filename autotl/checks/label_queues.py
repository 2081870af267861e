"""Labelling queues: which images a person should look at, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from autotl.data.current_labels import CurrentLabels
from autotl.data.patch import Decision

N_UNSURE = 200
"""At most so many images are called unsure; beyond that a look at one is worth little."""


@dataclass(frozen=True)
class Task:
    """An image to look at.

    item: its path, as the dataset lists it. reason: why it is in the queue. given: its current class, empty where it
    has none. guess: the model's answer in words, empty where there is none.
    """

    item: str
    file: Path
    reason: str
    given: str = ""
    guess: str = ""


@dataclass(frozen=True)
class Queue:
    """Tasks of one kind, the most telling first. title, meaning: for people. n_known: tasks, omitted ones included."""

    name: str
    title: str
    meaning: str
    tasks: tuple[Task, ...]
    n_known: int = 0

    @property
    def size(self) -> str:
        """How many tasks there are, in words."""
        n = len(self.tasks)
        return f"{n:,} of {self.n_known:,}" if self.n_known > n else f"{n:,}"


@dataclass(frozen=True)
class _Kind:
    """A kind of queue. reason: for each of its tasks. most: how many of them are listed, None for all."""

    name: str
    title: str
    meaning: str
    reason: str
    most: int | None = None


_UNLABELLED = _Kind("unlabelled", "No label", "Images without a class.", "no label yet")
_CONTRADICTED = _Kind(
    "contradicted",
    "Model disagrees",
    "Images whose label the model contradicts, the most confident first. The model was not trained on the image that "
    "it judges.",
    "the model contradicts the label",
)
_SUSPECTS = _Kind(
    "suspects",
    "Found by the check",
    "Labels that the last check of the data doubts, the worst first.",
    "the check doubts the label",
)
_UNSURE = _Kind(
    "unsure", "Model unsure", "Images that the model is least sure of.", "the model is unsure", most=N_UNSURE
)
_CHANGED = _Kind(
    "changed",
    "Changed",
    "Images that have been labelled or excluded already; look again, or undo.",
    "changed before",
)


def make_queues(
    labels: CurrentLabels,
    decisions: Mapping[str, Decision],
    *,
    suspects: Sequence[str] = (),
    answers: pd.DataFrame | None = None,
) -> list[Queue]:
    """All queues that are not empty.

    decisions: by item; an item that has one is in the queue of changed images only. suspects: items whose label the
    last check doubts, worst first. answers: of a finished run, with the columns path, predicted and confidence.
    """
    undecided = [item for item in labels.files if item not in decisions]
    given = {item: labels.given[item] for item in undecided}
    contradicted, unsure = _doubts(answers, {item: label for item, label in given.items() if label})
    found = {
        _UNLABELLED: [item for item, label in given.items() if not label],
        _CONTRADICTED: contradicted,
        _SUSPECTS: [item for item in suspects if item not in decisions],
        _UNSURE: unsure,
        _CHANGED: [item for item, decision in decisions.items() if decision.decision != "merge"],
    }
    guesses = _guesses(answers)
    queues = (_queue(kind, items, labels, guesses) for kind, items in found.items())
    return [queue for queue in queues if queue.tasks]


def _queue(kind: _Kind, items: Iterable[str], labels: CurrentLabels, guesses: Mapping[str, str]) -> Queue:
    known = [item for item in items if item in labels.files]
    tasks = tuple(
        Task(item, labels.files[item], kind.reason, labels.given[item], guesses.get(item, ""))
        for item in known[: kind.most]
    )
    return Queue(kind.name, kind.title, kind.meaning, tasks, len(known))


def _guesses(answers: pd.DataFrame | None) -> dict[str, str]:
    if answers is None:
        return {}
    rows = zip(answers["path"], answers["predicted"], answers["confidence"], strict=True)
    return {str(path): f"{predicted}, {100 * confidence:.0f} %" for path, predicted, confidence in rows}


def _doubts(answers: pd.DataFrame | None, given: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """The items that the model contradicts, and of the others those it is least sure of, both most telling first."""
    if answers is None:
        return [], []
    mine = answers[answers["path"].isin(given.keys())]
    wrong = mine["predicted"] != mine["path"].map(given)
    contradicted = mine[wrong].sort_values("confidence", ascending=False, kind="stable")
    unsure = mine[~wrong].sort_values("confidence", kind="stable")
    return list(contradicted["path"]), list(unsure["path"])
