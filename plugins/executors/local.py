"""Workers as processes on this machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from autotl.hookspecs import hookimpl
from autotl.interfaces import Crew, Executor


@contextmanager
def start(crew: Crew) -> Iterator[None]:
    """Start a process for each worker; they share the cores of this machine."""
    with crew.log.open("ab") as log:
        started = [
            subprocess.Popen(crew.command(number), stdout=log, stderr=log, env={**os.environ, **crew.environment})
            for number in range(1, crew.n_workers + 1)
        ]
    try:
        yield
    except BaseException:
        for worker in started:
            worker.terminate()
            worker.wait()
        raise
    for worker in started:
        if worker.wait():
            crew.tell(f"a worker failed; {crew.log} says why")


@hookimpl
def register_executors() -> Iterable[Executor]:
    """Offer processes on this machine."""
    return [Executor("local", start)]
