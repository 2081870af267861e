"""The table of codings: the label that each coder gave to each item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

MISSING = -1


@dataclass(frozen=True, eq=False)
class CodingTable:
    """Items by coders. codes: int (n_items, n_coders), the index of a class, or MISSING if no label was given."""

    items: tuple[str, ...]
    coders: tuple[str, ...]
    classes: tuple[str, ...]
    codes: np.ndarray

    def __post_init__(self) -> None:
        if self.codes.shape != (len(self.items), len(self.coders)):
            raise ValueError(f"codes have shape {self.codes.shape}; expected {(len(self.items), len(self.coders))}")
        if self.codes.size and not MISSING <= self.codes.min() <= self.codes.max() < len(self.classes):
            raise ValueError(f"codes from {self.codes.min()} to {self.codes.max()} for {len(self.classes)} classes")

    @classmethod
    def of(cls, labels: Mapping[tuple[str, str], str], classes: Sequence[str]) -> CodingTable:
        """Build a table from labels by (item, coder), both sorted; raises KeyError if a label is not a class."""
        items, coders = (sorted({key[place] for key in labels}) for place in (0, 1))
        rows, columns = ({name: number for number, name in enumerate(names)} for names in (items, coders))
        numbers = {name: number for number, name in enumerate(classes)}
        codes = np.full((len(items), len(coders)), MISSING)
        for (item, coder), label in labels.items():
            codes[rows[item], columns[coder]] = numbers[label]
        return cls(tuple(items), tuple(coders), tuple(classes), codes)

    @cached_property
    def given(self) -> np.ndarray:
        """Where a label was given, bool (n_items, n_coders)."""
        return np.asarray(self.codes != MISSING)

    @cached_property
    def indicators(self) -> np.ndarray:
        """The labels, one-hot encoded, float (n_items, n_coders, n_classes); all 0 if none was given."""
        return np.asarray(self.codes[:, :, None] == np.arange(len(self.classes)), dtype=float)

    @cached_property
    def votes(self) -> np.ndarray:
        """How many coders chose each class, float (n_items, n_classes)."""
        return np.asarray(self.indicators.sum(axis=1))

    def restrict(self, rows: np.ndarray) -> CodingTable:
        """The table of a subset of the items. rows: their row numbers, or a mask, bool (n_items,)."""
        places = np.flatnonzero(rows) if rows.dtype == bool else rows
        return CodingTable(tuple(self.items[row] for row in places), self.coders, self.classes, self.codes[places])
