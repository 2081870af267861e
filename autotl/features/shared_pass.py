"""One pass over items that several processes make at the same time, each a part of it; without locks."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

FEWEST_ITEMS = 64
"""Parts are no smaller: each becomes a file."""
FIRST_ITEMS = 32
"""The first part is small, so that two processes that begin at the same place soon notice it; then it doubles."""
_SHARES = 32
_IN_FLIGHT = 2
"""Parts that a process has taken and has not kept yet, at most: one that it computes and one that is decoded ahead."""
_PATIENCE_SECONDS, _LOOK_SECONDS = 2.0, 0.1
_OPEN, _TAKEN, _KEPT = range(3)


class SharedPass:
    """Says which items this process is to compute next, given what the others have kept by now.

    Each process begins at a place of its own, the first one at the beginning, and goes on from there part by part.
    Before each part it looks at what has been kept. Where it meets what another process has read, it goes on in the
    longest stretch that is left; where two find that they compute the same, one of them does so, too. The items just
    ahead of another process are left to it, unless they do not come in the time that this one would need for them. A
    process that is alone computes everything in the order given.

    part_items: the most items in a part. kept_together: so many items are to be computed before they are kept. n_kept:
    how many have been kept by now, by any process; computed: how many this one has computed.

    digests: of the items, all different, bytes (n,). arrivals: the digests that have been kept since its last call, and
    all of them at first. number: of the process, from 0; no two need to differ.
    """

    def __init__(
        self, digests: np.ndarray, arrivals: Callable[[], np.ndarray], *, number: int = 0, most_items: int = 512,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        n = len(digests)
        self.part_items = min(most_items, max(FEWEST_ITEMS, n // _SHARES))
        self.kept_together = self._taken_together = min(FIRST_ITEMS, self.part_items)
        self.computed = self.n_kept = 0
        self._arrivals = arrivals
        self._order = np.argsort(digests, kind="stable")
        self._sorted = digests[self._order]
        self._state = np.full(n, _OPEN, dtype=np.int8)
        self._next = int(_fraction(number) * n)
        self._random = random.Random(f"{number} {os.getpid()}")
        self._arrived = np.full(n, -np.inf)  # when another process was found to have kept an item
        self._clock = clock
        self._busy_seconds, self._busy_since = 0.0, clock()
        self._look()
        self._arrived[:] = -np.inf  # that was before

    @property
    def rate(self) -> float:
        """Items that this process has computed per second; waiting does not count."""
        return self.computed / max(self._busy_seconds, 1e-6)

    def parts(self) -> Iterator[Sequence[int]]:
        """The positions of the items to compute, part by part; they end where the rest is left to other processes."""
        while True:
            self._look()
            start, stop = self._stretch()
            if start == stop:
                return
            self._next = min(stop, start + self._taken_together)
            self._taken_together = min(2 * self._taken_together, self.part_items)
            self._state[start : self._next] = _TAKEN
            yield range(start, self._next)

    def keep(self, positions: Sequence[int]) -> np.ndarray:
        """Take note that items have been computed; returns which of them no other process has kept, bool (n,)."""
        self._look()
        places = np.asarray(positions)
        first = np.asarray(self._state[places] == _TAKEN)
        self._note(places)
        self.computed += len(places)
        now = self._clock()
        self._busy_seconds, self._busy_since = self._busy_seconds + now - self._busy_since, now
        self.kept_together = min(2 * self.kept_together, self.part_items)
        return first

    def wait(self, out_of_time: Callable[[], bool]) -> bool:
        """Wait for what was left to other processes; returns whether something is left to compute here after all."""
        n = len(self._state)
        while self.n_kept < n and not out_of_time():
            start, stop = self._stretch()
            if start != stop:
                break
            time.sleep(_LOOK_SECONDS)
            self._look()
        self._busy_since = self._clock()
        return self.n_kept < n and not out_of_time()

    def _note(self, places: np.ndarray) -> None:
        new = np.unique(places[self._state[places] != _KEPT])
        self._state[new] = _KEPT
        self.n_kept += len(new)

    def _look(self) -> None:
        """Take note of what has been kept since."""
        arrived = self._arrivals()
        if not len(arrived) or not len(self._sorted):
            return
        found = np.searchsorted(self._sorted, arrived).clip(max=len(self._sorted) - 1)
        places = self._order[found[self._sorted[found] == arrived]]
        before = self._state[places]
        self._note(places)
        self._arrived[places[before != _KEPT]] = self._clock()
        if (before == _TAKEN).any():
            self._next = len(self._state)

    def _stretch(self) -> tuple[int, int]:
        """The beginning and the end of what to compute next; equal where nothing is."""
        is_open = np.concatenate([[False], self._state == _OPEN, [False]])
        if self._next < len(self._state) and is_open[self._next + 1]:
            return self._next, self._next + int(np.argmin(is_open[self._next + 1 :]))
        edges = np.flatnonzero(is_open[1:] != is_open[:-1])
        starts, stops = edges[::2], edges[1::2]
        if not len(starts):
            return 0, 0
        if np.isneginf(self._arrived).all():  # no other process has been heard of
            return int(starts[0]), int(stops[0])
        # Of what another process has just begun it leaves the first half, or all.
        lengths = stops - starts
        claimed = (starts > 0) & (self._clock() - self._arrived[starts - 1] < self._patience())
        short = lengths <= 2 * _IN_FLIGHT * self.part_items
        skipped = np.where(claimed, np.where(short, 1.0, self._random.uniform(0.5, 0.75)), 0.0)
        begins = starts + (skipped * lengths).astype(int)
        longest = int(np.argmax(stops - begins))
        start, stop = int(begins[longest]), int(stops[longest])
        if not claimed[longest]:  # two that come here at once take different places
            start += self.part_items * int(self._random.uniform(0, 0.5) * (stop - start) / self.part_items)
        return start, stop

    def _patience(self) -> float:
        """Seconds in which another process should have kept what it has begun, if it is no slower than this one."""
        needed = 2 * _IN_FLIGHT * self.part_items / self.rate if self.computed else 0.0
        return _PATIENCE_SECONDS + needed


def _fraction(number: int) -> float:
    """0, 1/2, 1/4, 3/4, 1/8, ... for 0, 1, 2, 3, 4: far from each other, however many there are (van der Corput)."""
    fraction, step = 0.0, 0.5
    while number:
        fraction, number, step = fraction + step * (number & 1), number >> 1, step / 2
    return fraction
