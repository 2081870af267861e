"""The time a run has used and the time left of its budget, in wall-clock seconds."""

from __future__ import annotations

import math
import os
import time

STARTED = "AUTOTL_CLOCK_STARTED"
_EPOCH_SECONDS, _MONOTONIC_SECONDS = time.time(), time.monotonic()
"""Both clocks when this process began."""


def steady_time() -> float:
    """Return the seconds since the epoch, by a clock that cannot be set while this process runs: for durations."""
    return _EPOCH_SECONDS + time.monotonic() - _MONOTONIC_SECONDS


def seconds_since_process_began() -> float:
    """Return how long this process has run, including the imports before this call.

    A process that waited in the queue before it became this command sets AUTOTL_CLOCK_STARTED to PID:EPOCH_SECONDS, the
    moment from which time counts; the PID keeps its children from taking that moment for theirs.
    """
    pid, _, started = os.environ.get(STARTED, "").partition(":")
    if pid == str(os.getpid()):
        return max(0.0, time.time() - float(started))
    import psutil

    return max(0.0, time.time() - psutil.Process().create_time())


class Clock:
    """The wall-clock seconds of one run, including those of earlier attempts at it."""

    def __init__(self, budget_seconds: float | None, spent_seconds: float = 0.0) -> None:
        self.budget_seconds = budget_seconds
        self._started = time.monotonic() - spent_seconds

    def spent(self) -> float:
        """Return the seconds used so far."""
        return time.monotonic() - self._started

    def left(self) -> float:
        """Return the seconds left of the budget; infinite without one."""
        return math.inf if self.budget_seconds is None else self.budget_seconds - self.spent()
