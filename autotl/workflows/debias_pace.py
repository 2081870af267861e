"""When all fits of methods against bias will be made."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Iterable


class Pace:
    """How many fits are made, and how long the others will take: as long as earlier ones of their method.

    planned: the method of each fit.
    """

    def __init__(self, planned: Iterable[str]) -> None:
        self._left = Counter(planned)
        self.total, self.done = self._left.total(), 0
        self._seconds: dict[str, list[float]] = {}
        self._current, self._began = "", 0.0

    def begin(self, method: str) -> None:
        """A fit begins."""
        self._current, self._began = method, time.monotonic()

    def end(self) -> None:
        """It is made."""
        self._seconds.setdefault(self._current, []).append(time.monotonic() - self._began)
        self._left[self._current] -= 1
        self.done, self._current = self.done + 1, ""

    def fail(self) -> None:
        """No more fits of the method are made."""
        self.total -= self._left.pop(self._current)
        self._current = ""

    def eta_seconds(self) -> float | None:
        """Seconds until all are made; None until each method that is left has made a fit."""
        left = {method: n for method, n in self._left.items() if n}
        if not left.keys() <= self._seconds.keys():
            return None
        means = {method: statistics.mean(self._seconds[method]) for method in left}
        expected = sum(n * means[method] for method, n in left.items())
        return expected - (min(time.monotonic() - self._began, means[self._current]) if self._current else 0.0)
