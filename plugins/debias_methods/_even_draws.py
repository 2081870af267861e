"""Items drawn evenly from their subgroups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autotl.interfaces import DebiasTask


@dataclass(frozen=True, eq=False)
class Subgroups:
    """The subgroups of some items.

    members: the items of each subgroup, each int (n_members,). number: int (n_items of the dataset,), the place in
    `members` of each item's subgroup, -1 for the other items.
    """

    members: tuple[np.ndarray, ...]
    number: np.ndarray

    @property
    def items(self) -> np.ndarray:
        """All of them, in rising order."""
        return np.sort(np.concatenate(self.members))

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw n items with replacement, from each subgroup as often."""
        chosen, places = rng.integers(len(self.members), size=n), rng.random(n)
        sizes = np.array([len(items) for items in self.members])
        starts = np.cumsum(sizes) - sizes
        return np.asarray(np.concatenate(self.members)[starts[chosen] + (places * sizes[chosen]).astype(int)])


def subgroups_of(task: DebiasTask, items: np.ndarray) -> Subgroups:
    """The subgroups of some items, without those whose subgroup is not known."""
    names = np.unique(task.groups[items])
    members = tuple(items[task.groups[items] == name] for name in names[names >= 0])
    number = np.full(len(task.groups), -1)
    for place, own in enumerate(members):
        number[own] = place
    return Subgroups(members, number)
