"""Which heads the time that is left allows."""

from __future__ import annotations

import numpy as np

from autotl.evidence.leaderboard import Leaderboard
from autotl.search.costs import TrialCosts
from autotl.search.limits import Limits
from autotl.search.space import Space
from autotl.trial import DEFAULT_HEAD, PROBE

HEAD_SHARE, NEW_HEAD_SHARE = 0.05, 0.12
"""A head that needs a larger share of the time left for one trial is left alone; one not yet seen may take more."""
_FAVOURITE_SHARE = 0.4


class HeadChoice:
    """Decides by costs and time; heads are named."""

    def __init__(self, space: Space, costs: TrialCosts, limits: Limits, rng: np.random.Generator) -> None:
        self._space, self._costs, self._limits, self._rng = space, costs, limits, rng

    def names(self) -> list[str]:
        """The heads of the space that any probe may have; the default where there are none."""
        free = [name for name, head in self._space.heads.items() if not (head.recipe and head.recipe.strategy)]
        return free or [DEFAULT_HEAD]

    def cost(self, head: str) -> float:
        """Expected seconds of cross-validating a head."""
        return self._costs.probe_cost(head, network=head in self._space.networks)

    def least_cost(self) -> float:
        """Of the cheapest one."""
        return min(self.cost(head) for head in self.names())

    def is_cheap(self, head: str) -> bool:
        """Whether one trial of a head takes a small share of the time left; the default head always counts as cheap."""
        share = HEAD_SHARE if self._costs.has_seen(head) else NEW_HEAD_SHARE
        return head == DEFAULT_HEAD or self.cost(head) <= share * self._limits.seconds_left()

    def may_try(self, head: str) -> bool:
        """Whether a trial of a head is worth its share of the time left; the cheapest one always is."""
        return self.is_cheap(head) or head == min(self.names(), key=self.cost)

    def to_read_with(self) -> str | None:
        """The head that is tried first on a new reading; None where all are recipes, which fix theirs."""
        free = [name for name in self.names() if name in self._space.heads and not self._space.heads[name].recipe]
        return DEFAULT_HEAD if DEFAULT_HEAD in free else min(free, key=self.cost, default=None)

    def pinned(self, board: Leaderboard) -> dict[str, str]:
        """A head that the time left allows, where it does not allow them all, by Optuna's key."""
        left, heads = self._limits.seconds_left(), self.names()
        cheap = [name for name in heads if self.is_cheap(name) and self.cost(name) <= left]
        if len(cheap) == len(heads):
            return {}
        cheap = cheap or [min(heads, key=self.cost)]
        best = board.best(PROBE)
        favourite = best.head if best and best.head in cheap and self._rng.random() < _FAVOURITE_SHARE else None
        return {f"strategy={PROBE}/head": favourite or cheap[self._rng.integers(len(cheap))]}
