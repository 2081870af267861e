"""Leases of running trials: a counter that the process of a trial moves, and that the others watch.

A counter, and not a time: every storage of Optuna can hold it, and the clock of another machine is not trusted.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial

log = logging.getLogger(__name__)

RENEWAL_SECONDS = 60.0
GRACE_SECONDS = 150.0
"""A trial is given up whose lease has not been renewed for so long."""
LEASE = "autotl_lease"
"""The user attribute of a trial that holds its lease."""


class LeaseKeeper:
    """Renews the leases of the trials that this process runs, in a thread of its own.

    worker: the number of the process, 0 for the leading one.
    """

    def __init__(self, *, worker: int = 0, renewal_seconds: float = RENEWAL_SECONDS) -> None:
        self._holder = {"worker": worker, "machine": this_machine(), "pid": os.getpid()}
        self._seconds = renewal_seconds
        self._held: dict[int, tuple[optuna.Trial, int]] = {}
        self._lock, self._wake = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_leading(self) -> bool:
        """Whether this process leads the search."""
        return self._holder["worker"] == 0

    def hold(self, trial: optuna.Trial) -> None:
        """Begin the lease of a trial, and renew it until it is released."""
        self._write(trial, 0)
        with self._lock:
            self._held[trial.number] = trial, 0
            if self._thread is None:
                self._wake.clear()
                self._thread = threading.Thread(target=self._renew_held, name="leases", daemon=True)
                self._thread.start()

    def release(self, trial: optuna.Trial) -> None:
        """Renew a lease no more, for its trial has ended."""
        with self._lock:
            self._held.pop(trial.number, None)

    def holds(self, number: int) -> bool:
        """Whether a trial's lease is held."""
        with self._lock:
            return number in self._held

    def close(self) -> None:
        """Renew no lease any more."""
        with self._lock:
            self._held.clear()
            thread = self._thread
        self._wake.set()
        if thread:
            thread.join()

    def _renew_held(self) -> None:
        while True:
            self._wake.wait(self._seconds)
            with self._lock:
                held = list(self._held.values())
                if not held:  # `hold` starts another thread
                    self._thread = None
                    return
            for trial, count in held:
                self._renew(trial, count + 1)

    def _renew(self, trial: optuna.Trial, count: int) -> None:
        try:
            self._write(trial, count)
        except UpdateFinishedTrialError:  # it was given up; its result will be kept as a new trial
            self.release(trial)
            return
        except Exception as error:  # the storage cannot be reached for a moment
            log.debug("the lease of trial %d could not be renewed: %s", trial.number, error)
            return
        with self._lock:
            if trial.number in self._held:
                self._held[trial.number] = trial, count

    def _write(self, trial: optuna.Trial, count: int) -> None:
        # Not by `Trial.set_user_attr`, which changes what the thread that runs the trial reads.
        trial.storage.set_trial_user_attr(trial._trial_id, LEASE, {"count": count, **self._holder})


@dataclass(frozen=True)
class _Seen:
    """A lease as it was when last looked at. unmoved: how many looks found it as it was at the one before."""

    lease: object
    at: float
    unmoved: int = 0


class LeaseObserver:
    """Tells which running trials have lost their process, by how their leases move.

    A lease is stale when two looks in a row, each at least half of the grace after the one before, have found it
    unmoved: an observer that was suspended together with the process it watches gives that the time to renew it.
    clock: in seconds; the observer's own, which other machines need not share.
    """

    def __init__(
        self, *, grace_seconds: float = GRACE_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:  # fmt: skip
        self.grace_seconds, self._clock = grace_seconds, clock
        self._seen: dict[int, _Seen] = {}

    def stale(self, running: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        """Look at all trials that run; return those whose lease is stale."""
        self._seen = {trial.number: self._look(trial) for trial in running}
        return [trial for trial in running if self._seen[trial.number].unmoved >= 2]

    def _look(self, trial: FrozenTrial) -> _Seen:
        now, lease, before = self._clock(), trial.user_attrs.get(LEASE), self._seen.get(trial.number)
        if before is None or before.lease != lease:
            return _Seen(lease, now)
        return _Seen(lease, now, before.unmoved + 1) if now - before.at >= self.grace_seconds / 2 else before


def held_by_leader(trial: FrozenTrial) -> bool:
    """Whether the process that led the search ran a trial."""
    return _lease(trial).get("worker") == 0


def has_lease(trial: FrozenTrial) -> bool:
    """Whether the lease of a trial was ever written."""
    return bool(_lease(trial))


def process_ended(trial: FrozenTrial) -> bool:
    """Whether the process of a trial ran on this machine, and has ended."""
    import psutil

    lease = _lease(trial)
    if lease.get("machine") != this_machine():
        return False
    try:
        return bool(psutil.Process(lease["pid"]).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


@cache
def this_machine() -> str:
    """The machine since it was started, and the processes it numbers together, of which a container has its own."""
    parts = [socket.gethostname()]
    try:
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(os.readlink("/proc/self/ns/pid"))  # noqa: PTH115
    except OSError:  # no Linux
        import uuid

        parts.append(f"{uuid.getnode():012x}")
    return " ".join(parts)


def _lease(trial: FrozenTrial) -> Mapping[str, Any]:
    lease: Mapping[str, Any] = trial.user_attrs.get(LEASE) or {}
    return lease
