"""The limits of a search: time, and number of trials."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

READING_SHARE = 0.5
"""Reading all images for the untuned default may take this share of the time; with more of them, some are left out."""


@dataclass(frozen=True)
class Limits:
    """When to stop. seconds_left: until the end of the search, infinite without a budget; trials: None for any."""

    seconds_left: Callable[[], float]
    budget_seconds: float | None
    trials: int | None


class Deadline:
    """Seconds until the end of the search, for whatever would cut a trial short; `hard` is never lifted."""

    def __init__(self, seconds_left: Callable[[], float]) -> None:
        self.hard = seconds_left
        self._lifted = False

    def __call__(self) -> float:
        """Seconds left; infinite while it is lifted."""
        return math.inf if self._lifted else self.hard()

    @contextmanager
    def lifted(self, *, when: bool = True) -> Iterator[None]:
        """Let a trial that was asked for by name take as long as it takes."""
        self._lifted = when
        try:
            yield
        finally:
            self._lifted = False
