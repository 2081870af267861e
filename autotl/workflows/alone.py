"""Working on a run folder alone, and leaving in run.json how that ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import filelock

from autotl.errors import RunError
from autotl.runs.events import SearchBegun
from autotl.runs.new_folder import LOCK_FILE
from autotl.runs.run import Run
from autotl.runtime.addresses import without_secrets
from autotl.runtime.atomic_files import remove_leftovers
from autotl.runtime.clock import Clock


@contextmanager
def alone(run: Run, clock: Clock) -> Iterator[None]:
    """Begin a search that no other process works on; RunError if one does."""
    lock = filelock.FileLock(run.folder / LOCK_FILE)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise RunError(f"another process is working on {run.folder}; wait for it, or stop it first") from None
    with lock:
        began = time.time()
        run.log.repair()
        run.emit(SearchBegun(round(clock.spent(), 2)))
        run.update(status="running", error=None, spent_seconds=clock.spent())
        try:
            yield
        finally:  # a worker of this attempt may still be writing
            remove_leftovers(run.folder, before=began)


@contextmanager
def failure_recorded(run: Run, clock: Clock, *, then: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Where something is raised, record that the run failed or was interrupted, and call `then`."""
    try:
        yield
    except BaseException as error:
        ended = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        with suppress(OSError):  # such as a full disk, which may be the error itself
            run.update(status=ended, error=without_secrets(str(error)), spent_seconds=clock.spent())
        then()
        raise
