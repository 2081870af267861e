"""The budget, in wall-clock seconds."""

from __future__ import annotations

import math
import os
import time

STARTED = "AUTOTL_CLOCK_STARTED"


def seconds_since_process_began() -> float:
    """Seconds that this process has run, the imports before this call included.

    A process that waited for its turn before it became this command says in AUTOTL_CLOCK_STARTED, as PID:EPOCH_SECONDS,
    since when it counts; the number keeps its children from taking that for theirs.
    """
    pid, _, started = os.environ.get(STARTED, "").partition(":")
    if pid == str(os.getpid()):
        return max(0.0, time.time() - float(started))
    import psutil

    return max(0.0, time.time() - psutil.Process().create_time())


class Clock:
    """Wall-clock seconds of one job, those of earlier attempts at the same run included."""

    def __init__(self, budget_seconds: float | None, spent_seconds: float = 0.0) -> None:
        self.budget_seconds = budget_seconds
        self._started = time.monotonic() - spent_seconds

    def spent(self) -> float:
        """Seconds used so far."""
        return time.monotonic() - self._started

    def left(self) -> float:
        """Seconds left of the budget; infinite without one."""
        return math.inf if self.budget_seconds is None else self.budget_seconds - self.spent()
