"""How much of this machine other programs take, measured again and again while a search goes on."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

LOOK_SECONDS = 2.0
"""A look at every process of the machine takes some milliseconds."""
MEMORY_SECONDS = 6.0
"""What was seen so long ago counts a third of what is seen now."""
SATURATED = 0.9
"""From this share of busy cores on, threads have to wait for one another."""
MOST_THREADS_PER_CORE = 10.0


@dataclass(frozen=True)
class Usage:
    """CPU seconds used so far. seconds: the time of the look; busy: by everything; own: by this process and its
    children."""

    seconds: float
    busy: float
    own: float


def look() -> Usage:
    """The CPU seconds that the machine, and this process with its children, have used."""
    import psutil

    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    guest = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)  # counted among the others already
    me, own = psutil.Process(), 0.0
    for process in (me, *me.children(recursive=True)):
        try:
            used = process.cpu_times()
        except psutil.Error:  # it has just ended
            continue
        own += used.user + used.system + (used.children_user + used.children_system if process == me else 0.0)
    return Usage(time.monotonic(), sum(times) - idle - guest, own)


class Contention:
    """How many threads of other programs want to run, on average of the last seconds.

    read: where the CPU seconds come from; n_cores: of the machine.
    """

    def __init__(self, read: Callable[[], Usage] = look, n_cores: int | None = None) -> None:
        self._read, self._n_cores = read, n_cores or os.cpu_count() or 1
        self._latest = read()
        self._seconds, self._busy, self._own = 0.0, 0.0, 0.0

    def threads(self) -> float:
        """Threads of others that run or wait for a core; 0 where nothing else runs.

        Where every core is busy, a fair scheduler gives each thread the same: what the others get, against what this
        process gets with a thread for every core, tells how many they are.
        """
        self._look_again()
        if not self._seconds:
            return 0.0
        busy, own = self._busy / self._seconds, self._own / self._seconds
        others = max(0.0, busy - own)
        if busy < SATURATED * self._n_cores:
            return others
        mine = max(self._n_cores - others, self._n_cores / (1 + MOST_THREADS_PER_CORE))
        return self._n_cores * others / mine

    def slowdown(self) -> float:
        """How many times longer one thread takes for its work than it would alone, 1 or more."""
        return self.slowdown_by(self.threads())

    def slowdown_by(self, threads: float) -> float:
        """The same beside so many threads of others."""
        return max(1.0, (1 + threads) / self._n_cores)

    def _look_again(self) -> None:
        if time.monotonic() - self._latest.seconds < LOOK_SECONDS:
            return
        now = self._read()
        seconds = now.seconds - self._latest.seconds
        if seconds <= 0:
            return
        kept = math.exp(-seconds / MEMORY_SECONDS)
        self._seconds = kept * self._seconds + seconds
        self._busy = kept * self._busy + max(0.0, now.busy - self._latest.busy)
        self._own = kept * self._own + max(0.0, now.own - self._latest.own)
        self._latest = now
