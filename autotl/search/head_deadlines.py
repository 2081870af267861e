"""How long a head of another author may take for an answer."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

TRIAL_SHARE = 0.5
"""A head may take this share of the time left for one answer, so that one that sleeps leaves time for the others."""
SPARE_SECONDS, SPARE_FACTOR = 20.0, 10.0
"""Without a deadline, as in a refit: these seconds plus this factor times the longest answer so far."""
DESCRIBE_SECONDS, DESCRIBE_SHARE = 10.0, 0.15
"""A head may take the smaller of these seconds and this share of the budget to be built once for inspection."""


class HeadDeadlines:
    """Deadlines for the answers of heads, and how long the answers so far took.

    budget_seconds: of the whole run; None for no limit.
    """

    def __init__(self, budget_seconds: float | None) -> None:
        self._budget_seconds = budget_seconds or math.inf
        self._longest: dict[str, float] = {}

    def took(self, head: str, seconds: float) -> None:
        """Remember how long an answer took."""
        self._longest[head] = max(self._longest.get(head, 0.0), seconds)

    def for_a_look(self) -> Callable[[], float]:
        """Return the seconds left for building a head once for inspection."""
        limit = time.monotonic() + min(DESCRIBE_SECONDS, DESCRIBE_SHARE * self._budget_seconds)
        return lambda: limit - time.monotonic()

    def for_an_answer(self, head: str, seconds_left: Callable[[], float]) -> Callable[[], float]:
        """Return the seconds left for one answer.

        seconds_left: until the end of the search; infinite if nothing is cut short.
        """
        began, left = time.monotonic(), seconds_left()
        if left < math.inf:
            limit = TRIAL_SHARE * left
        elif head in self._longest:
            limit = SPARE_SECONDS + SPARE_FACTOR * self._longest[head]
        else:
            limit = self._budget_seconds
        return lambda: min(limit - (time.monotonic() - began), seconds_left())
