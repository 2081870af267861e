"""Which classes a model recognises worst."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autotl.interfaces import ScoreInterval


@dataclass(frozen=True)
class ClassRecalls:
    """The recall of every class.

    ranked: classes with test images, lowest recall first. untested: classes without, whose recall is unknown.
    """

    ranked: tuple[tuple[str, ScoreInterval], ...]
    untested: tuple[str, ...]

    @property
    def imperfect(self) -> tuple[tuple[str, ScoreInterval], ...]:
        """The classes of which at least one test image was classified wrongly, lowest recall first."""
        return tuple((name, recall) for name, recall in self.ranked if recall.value < 1)


def rank_by_recall(recalls: Mapping[str, ScoreInterval]) -> ClassRecalls:
    """Rank the classes; classes of equal recall keep their order. recalls: by class."""
    tested = [(name, recall) for name, recall in recalls.items() if recall.is_defined and recall.has_interval]
    known = {name for name, _ in tested}
    return ClassRecalls(
        tuple(sorted(tested, key=lambda one: one[1].value)), tuple(name for name in recalls if name not in known)
    )
