"""Workers as processes on this machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from autotl.hookspecs import hookimpl
from autotl.interfaces import Crew, Executor
from autotl.runtime.gpus import VARIABLE, visible_gpus
from autotl_plugins.executors._processes import worker_processes


@contextmanager
def start(crew: Crew) -> Iterator[None]:
    """Start a process for each worker; they share the cores of this machine, and each has one of its GPUs.

    The first GPU is the one that the process that leads the search computes on; it is the turn of the next ones first.
    """
    gpus = [gpu.name for gpu in visible_gpus()]

    def environment(number: int) -> dict[str, str]:
        own = {VARIABLE: gpus[number % len(gpus)]} if gpus else {}
        return {**crew.environment, **own}

    with worker_processes(crew, crew.command, environment):
        yield


def obstacle(option: str, _run: str) -> str:
    """It takes no option."""
    return f"it takes no option, and {option!r} was given; write --executor local" if option else ""


@hookimpl
def register_executors() -> Iterable[Executor]:
    """Offer processes on this machine."""
    return [Executor("local", start, obstacle)]
