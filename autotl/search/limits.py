"""The limits of a search: time, and number of trials."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """When to stop. seconds_left: until the end of the search, infinite without a budget; trials: None for any."""

    seconds_left: Callable[[], float]
    budget_seconds: float | None
    trials: int | None
