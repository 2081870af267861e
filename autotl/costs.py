"""What a trial will cost before it starts, learned from the trials before it."""

from __future__ import annotations

import statistics
from collections import defaultdict

_RECENT = 12
_CAUTION = 1.3
"""A trial's cost varies with its parameters, and one that does not end in time is lost."""
_UNKNOWN_HEAD = 8.0
_UNKNOWN_NETWORK = 80.0
"""How many times the default head's cost a head is taken to need until it has been seen; networks need far more."""


class FoldCosts:
    """Seconds that each kind of head took for one fold of cross-validation.

    reference: the head whose cost stands for those not yet seen.
    """

    def __init__(self, reference: str) -> None:
        self._reference = reference
        self._seen: dict[str, list[float]] = defaultdict(list)

    def learn(self, head: str, seconds: float) -> None:
        """Add what one fold took."""
        self._seen[head] = [*self._seen[head][-_RECENT:], seconds]

    def per_fold(self, head: str, *, network: bool = False) -> float:
        """Expected seconds of one fold, with some caution; 0 while nothing at all is known."""
        if self._seen[head]:
            return _CAUTION * _upper_quartile(self._seen[head])
        if not self._seen[self._reference]:
            return 0.0
        return _upper_quartile(self._seen[self._reference]) * (_UNKNOWN_NETWORK if network else _UNKNOWN_HEAD)


def _upper_quartile(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=4)[2] if len(seconds) > 1 else seconds[0]
