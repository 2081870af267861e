"""Subgroups: the values of attributes and of pairs of attributes, as masks over items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

MOST_VALUES = 30
"""An attribute with more values than this identifies items rather than groups."""
FEWEST_ITEMS = 10
"""With fewer answers than this in a group, a rate is not informative."""


@dataclass(frozen=True, eq=False)
class Subgroup:
    """Items that share the values of one attribute or of two. members: bool (n_items,)."""

    attributes: tuple[str, ...]
    values: tuple[str, ...]
    members: np.ndarray

    @property
    def name(self) -> str:
        """The name, such as "age=old" or "age=old, sex=f"."""
        return ", ".join(f"{key}={value}" for key, value in zip(self.attributes, self.values, strict=True))

    @property
    def n_items(self) -> int:
        """Number of its items."""
        return int(self.members.sum())


@dataclass(frozen=True)
class Subgroups:
    """The groups of an audit.

    large: those that are compared, single attributes first; small: those with too few items. not_auditable: attributes
    that cannot be audited, with their number of values.
    """

    large: tuple[Subgroup, ...]
    small: tuple[Subgroup, ...]
    not_auditable: Mapping[str, int]

    @property
    def families(self) -> dict[tuple[str, ...], list[int]]:
        """For each attribute and each pair of attributes, the indices of its groups in `large`."""
        found: dict[tuple[str, ...], list[int]] = {}
        for place, group in enumerate(self.large):
            found.setdefault(group.attributes, []).append(place)
        return found


def find_subgroups(attributes: Mapping[str, np.ndarray], *, fewest: int = FEWEST_ITEMS) -> Subgroups:
    """Divide items by each attribute and by each pair of attributes.

    attributes: the values of each attribute, one text per item. If the value is unknown, the text is empty, and the
    item is in no group of that attribute. An attribute with a single value, or with more than MOST_VALUES, is not
    auditable. A pair of values with the same items as one of the values alone is left out.
    """
    values = {name: sorted(set(column.tolist()) - {""}) for name, column in attributes.items()}
    usable = [name for name in attributes if 2 <= len(values[name]) <= MOST_VALUES]
    single = {
        name: [Subgroup((name,), (value,), attributes[name] == value) for value in values[name]] for name in usable
    }
    crossed = [
        Subgroup((*a.attributes, *b.attributes), (*a.values, *b.values), a.members & b.members)
        for first, second in combinations(usable, 2)
        for a in single[first]
        for b in single[second]
        if 0 < (a.members & b.members).sum() < min(a.n_items, b.n_items)
    ]
    found: Sequence[Subgroup] = [*(group for groups in single.values() for group in groups), *crossed]
    return Subgroups(
        large=tuple(group for group in found if group.n_items >= fewest),
        small=tuple(group for group in found if group.n_items < fewest),
        not_auditable={name: len(values[name]) for name in attributes if name not in usable},
    )
