"""When all fits of methods against bias will be made."""

from __future__ import annotations

import math
import statistics
import time
from collections import Counter
from collections.abc import Iterable


class Pace:
    """How many fits are made, and how long the others will take: as long as earlier ones of their method.

    planned: the method of each fit. current: the method of the fit that is being made, empty for none.
    """

    def __init__(self, planned: Iterable[str]) -> None:
        self._left = Counter(planned)
        self.total, self.done = self._left.total(), 0
        self._seconds: dict[str, list[float]] = {}
        self.current, self._began = "", 0.0
        self._step, self._first_step, self._first_began = math.inf, 0, 0.0

    def begin(self, method: str) -> None:
        """A fit begins."""
        self.current, self._began = method, time.monotonic()

    def end(self) -> None:
        """It is made."""
        self._seconds.setdefault(self.current, []).append(time.monotonic() - self._began)
        self._left[self.current] -= 1
        self.done, self.current = self.done + 1, ""

    def fail(self) -> None:
        """No more fits of the method are made."""
        self.total -= self._left.pop(self.current)
        self.current = ""

    def step(self, done: int, total: int) -> float | None:
        """Seconds until a stage of the fit is done; None at its first step.

        A stage begins where `done` does not rise.
        """
        now = time.monotonic()
        if done <= self._step:
            self._first_step, self._first_began = done, now
        self._step = done
        steps = done - self._first_step
        return (total - done) * (now - self._first_began) / steps if steps else None

    def eta_seconds(self) -> float | None:
        """Seconds until all are made; None until each method that is left has made a fit."""
        left = {method: n for method, n in self._left.items() if n}
        if not left.keys() <= self._seconds.keys():
            return None
        means = {method: statistics.mean(self._seconds[method]) for method in left}
        expected = sum(n * means[method] for method, n in left.items())
        return expected - (min(time.monotonic() - self._began, means[self.current]) if self.current else 0.0)
