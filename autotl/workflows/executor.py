"""The workers of a search beside the process that leads it, started by an executor, which is a plugin."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from autotl.interfaces import Crew, Executor, Perform
from autotl.runs.events import Message
from autotl.runs.run import STORAGE_VARIABLE, Run
from autotl.search.context import SearchContext, open_context
from autotl.search.limits import Limits
from autotl.search.study_loop import StudyLoop
from autotl.workflows.perform_trial import Elsewhere

WORKERS_LOG = "workers.log"
"""In the run folder: what workers print."""


@contextmanager
def workers(context: SearchContext, limits: Limits) -> Iterator[None]:
    """Have an executor run `config.workers - 1` workers on the study; waits for their last trials.

    If an exception ends the search, they are ended.
    """
    run = context.run
    if run.config.workers == 1:
        yield
        return
    name, option = run.config.executor_and_option
    over = threading.Event()

    def seconds_left() -> float:
        return 0.0 if over.is_set() else limits.seconds_left()

    def lead(number: int, perform: Perform) -> None:
        _lead(context, Limits(seconds_left, limits.budget_seconds, limits.trials), number, perform)

    crew = Crew(
        n_workers=run.config.workers - 1, option=option, command=lambda number: _command(run, limits, number),
        environment={STORAGE_VARIABLE: run.storage}, lead=lead, log=run.folder / WORKERS_LOG,
        tell=lambda text: run.emit(Message(text)),
    )  # fmt: skip
    with context.plugins.pick(Executor, name).start(crew):
        try:
            yield
        except BaseException:
            over.set()
            raise


def _command(run: Run, limits: Limits, number: int) -> tuple[str, ...]:
    """What starts a worker; the address of the store is not among the arguments, which every user of a machine sees."""
    seconds = limits.seconds_left()
    until = "" if math.isinf(seconds) else f"{time.time() + seconds:.0f}"
    return sys.executable, "-P", "-m", "autotl.workflows.worker", str(run.folder), until, str(number)


def _lead(context: SearchContext, limits: Limits, number: int, perform: Perform) -> None:
    """Take trials from the study, in a thread of this process, and have each performed elsewhere."""
    own = open_context(context.run, context.plugins, settings=context.settings, seconds_left=limits.seconds_left)
    try:
        StudyLoop(own, limits, worker=number, performer=Elsewhere(context.run, perform)).search()
    finally:
        own.processes.close()
