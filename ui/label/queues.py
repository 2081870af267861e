"""Which pictures are worth a person's look, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from autotl.data.patch import Decision, as_named, merged_classes
from autotl.data.source import Source
from autotl.errors import DatasetError

N_UNSURE = 200
"""So many pictures at most are called unsure; among those that the model is surer of a look is worth little."""


@dataclass(frozen=True)
class Task:
    """A picture to look at.

    item: its path, as the data set lists it. reason: why it is in the queue. given: its present class, empty where it
    has none. guess: what the model says, in words; empty where nobody asked it.
    """

    item: str
    file: Path
    reason: str
    given: str = ""
    guess: str = ""


@dataclass(frozen=True)
class Queue:
    """Tasks of one kind, the most telling first. title, meaning: for people. n_known: tasks, with those left away."""

    name: str
    title: str
    meaning: str
    tasks: tuple[Task, ...]
    n_known: int = 0

    @property
    def size(self) -> str:
        """How many there are, in words."""
        n = len(self.tasks)
        return f"{n:,} of {self.n_known:,}" if self.n_known > n else f"{n:,}"


@dataclass(frozen=True)
class Labels:
    """Every picture of a data set with its present class, after the decisions so far."""

    files: Mapping[str, Path]
    given: Mapping[str, str]
    classes: tuple[str, ...]


def present_labels(source: Source, decisions: Iterable[Decision]) -> Labels:
    """What the labels are now. Merged classes count as what they were merged into."""
    paths, labels = set(source.table["path"]), set(source.table["label"])
    decisions = tuple(as_named(decision, paths, labels) for decision in decisions)
    try:
        merges = merged_classes(decisions)
    except DatasetError:  # whoever edited the patch file into a circle is told by the next check
        merges = {}
    there = source.table[source.table["missing"] == ""]
    given = {str(p): str(label) for p, label in zip(there["path"], there["label"], strict=True)}
    # A class stays one to choose, even when its last picture got another.
    classes = {merges.get(label, label) for label in given.values()}
    given |= {d.item: d.label for d in decisions if d.decision == "relabel" and d.item in given}
    given = {item: merges.get(label, label) for item, label in given.items()}
    return Labels(
        {item: source.root / item for item in given}, given, tuple(sorted((classes | {*given.values()}) - {""}))
    )


def make_queues(
    labels: Labels,
    decisions: Mapping[str, Decision],
    *,
    suspects: Sequence[str] = (),
    answers: pd.DataFrame | None = None,
) -> list[Queue]:
    """All queues that hold something.

    decisions: by item; what somebody has decided about already is in no queue but that of what was changed.
    suspects: items whose label the last check doubts, worst first. answers: see `evidence`, of a finished run.
    """
    guesses = _guesses(answers)

    def task(item: str, reason: str) -> Task:
        return Task(item, labels.files[item], reason, labels.given[item], guesses.get(item, ""))

    def queue(
        name: str, title: str, meaning: str, items: Iterable[str], reason: str, most: int | None = None
    ) -> Queue:  # fmt: skip
        known = [item for item in items if item in labels.files]
        return Queue(name, title, meaning, tuple(task(item, reason) for item in known[:most]), len(known))

    fresh = [item for item in labels.files if item not in decisions]
    bare = [item for item in fresh if not labels.given[item]]
    contradicted, unsure = _doubts(answers, {item: labels.given[item] for item in fresh if labels.given[item]})
    changed = [item for item, decision in decisions.items() if decision.decision != "merge"]
    found = (
        queue("unlabelled", "No label", "Pictures that no class was given to.", bare, "no label yet"),
        queue(
            "contradicted", "Model disagrees",
            "Pictures whose label the model contradicts, the most confident first. It never learned from the very "
            "picture that it judges.", contradicted, "the model contradicts the label",
        ),
        queue(
            "suspects", "Found by the check", "Labels that the last check of the data doubts, the worst first.",
            [item for item in suspects if item not in decisions], "the check doubts the label",
        ),
        queue(
            "unsure", "Model unsure", "Pictures that the model is least sure of.", unsure, "the model is unsure",
            N_UNSURE,
        ),
        queue(
            "changed", "Changed", "Pictures that somebody has labelled or excluded already; look again, or undo.",
            changed, "changed before",
        ),
    )  # fmt: skip
    return [one for one in found if one.tasks]


def _guesses(answers: pd.DataFrame | None) -> dict[str, str]:
    if answers is None:
        return {}
    rows = zip(answers["path"], answers["predicted"], answers["confidence"], strict=True)
    return {str(path): f"{predicted}, {100 * confidence:.0f} %" for path, predicted, confidence in rows}


def _doubts(answers: pd.DataFrame | None, given: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """What the model contradicts, and of the rest what it is least sure of."""
    if answers is None:
        return [], []
    mine = answers[answers["path"].isin(given.keys())]
    wrong = mine["predicted"] != mine["path"].map(given)
    contradicted = mine[wrong].sort_values("confidence", ascending=False, kind="stable")
    unsure = mine[~wrong].sort_values("confidence", kind="stable")
    return list(contradicted["path"]), list(unsure["path"])
