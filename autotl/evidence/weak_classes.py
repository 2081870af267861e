"""Which classes a model recognises worst."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autotl.interfaces import ScoreInterval


@dataclass(frozen=True)
class ClassRecall:
    """How well a class is recognised. n_items: number of its test images; None if it is not known."""

    name: str
    recall: ScoreInterval
    n_items: int | None

    @property
    def is_tested(self) -> bool:
        """Whether the class has test images."""
        return self.recall.is_defined and self.n_items != 0


@dataclass(frozen=True)
class ClassRecalls:
    """The recall of every class.

    ranked: classes with test images, lowest recall first. untested: classes without, whose recall is unknown.
    """

    ranked: tuple[ClassRecall, ...]
    untested: tuple[ClassRecall, ...]

    @property
    def imperfect(self) -> tuple[ClassRecall, ...]:
        """The classes of which at least one test image was classified wrongly, lowest recall first."""
        return tuple(one for one in self.ranked if one.recall.value < 1)


def rank_by_recall(recalls: Mapping[str, ScoreInterval], n_items: Mapping[str, int]) -> ClassRecalls:
    """Rank the classes; classes of equal recall keep their order.

    recalls: by class. n_items: number of test images by class, as far as it is known.
    """
    rows = [ClassRecall(name, recall, n_items.get(name)) for name, recall in recalls.items()]
    return ClassRecalls(
        ranked=tuple(sorted((row for row in rows if row.is_tested), key=lambda row: row.recall.value)),
        untested=tuple(row for row in rows if not row.is_tested),
    )
