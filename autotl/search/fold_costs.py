"""What one fold of cross-validating a head will cost, learned from the folds before it."""

from __future__ import annotations

import statistics
from collections import defaultdict

_RECENT = 12
_CAUTION = 1.2
"""A trial's cost varies with its parameters, and one that does not end in time is lost."""
_UNKNOWN = 4.0
_UNKNOWN_NETWORK = 60.0
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

    def has_seen(self, head: str) -> bool:
        """Whether a fold of it was learned."""
        return bool(self._seen[head])

    def per_fold(self, head: str, *, network: bool = False) -> float:
        """Expected seconds of one fold, with some caution; 0 while nothing at all is known."""
        if self._seen[head]:
            return _CAUTION * _usual(self._seen[head])
        return _usual(self._seen[self._reference]) * (_UNKNOWN_NETWORK if network else _UNKNOWN)


def _usual(seconds: list[float]) -> float:
    """The mean of the two upper quarters; the first is left out where there are others, for it imports libraries."""
    rest = sorted(seconds[1:] or seconds)
    upper = rest[len(rest) // 2 :]
    return statistics.fmean(upper) if upper else 0.0
