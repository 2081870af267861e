"""The workers of a search beside the process that leads it, started by an executor, which is a plugin."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from autotl.interfaces import Crew, Executor, Perform
from autotl.runs.events import Message
from autotl.runs.run import STORAGE_VARIABLE
from autotl.search.context import SearchContext, open_context
from autotl.search.feature_reader import tell_of_sharing
from autotl.search.limits import Limits
from autotl.search.study_loop import StudyLoop
from autotl.workflows.default_features import read_elsewhere
from autotl.workflows.outside_workers import open_to_workers
from autotl.workflows.perform_trial import Elsewhere
from autotl.workflows.worker import FROM_INPUT

FLUSH_SECONDS = 10.0
"""How long the end of a search waits for features that are still being sent to where they are shared."""
WORKERS_LOG = "workers.log"
"""In the run folder: what workers print."""
_PROGRAM = (sys.executable, "-P", "-m", "autotl.cli")


@contextmanager
def workers(context: SearchContext, limits: Limits, *, read_first: bool = False) -> Iterator[None]:
    """Have an executor run `config.workers - 1` workers on the study; waits for their last trials.

    read_first: whether the first trials are not queued yet, and workers are to help to read what these need. If an
    exception ends the search, workers are ended.
    """
    run = context.run
    with open_to_workers(run):
        if run.config.workers == 1:
            yield
        else:
            with _crew(context, limits, read_first=read_first):
                yield
    tell_of_sharing(run, flush_seconds=min(FLUSH_SECONDS, max(0.0, limits.seconds_left())))


@contextmanager
def _crew(context: SearchContext, limits: Limits, *, read_first: bool) -> Iterator[None]:
    run = context.run
    name, option = run.config.executor_and_option
    over = threading.Event()

    def seconds_left() -> float:
        return 0.0 if over.is_set() else limits.seconds_left()

    def lead(number: int, perform: Perform) -> None:
        own = Limits(seconds_left, limits.budget_seconds, limits.trials)
        if read_first:  # processes do so by themselves
            read_elsewhere(run, Elsewhere(run, perform), number, own)
        _lead(context, own, number, perform)

    crew = Crew(
        n_workers=run.config.workers - 1, option=option, environment={STORAGE_VARIABLE: run.storage}, lead=lead,
        command=lambda number: (*_PROGRAM, *_arguments(str(run.folder), limits, number), "--with-parent"),
        remote_arguments=lambda number: (
            *_arguments(run.config.share or str(run.folder), limits, number), "--storage", FROM_INPUT,
        ),
        program=_PROGRAM, first_line=f"{run.storage}\n", log=run.folder / WORKERS_LOG,
        tell=lambda text: run.emit(Message(text)), seconds_left=limits.seconds_left,
    )  # fmt: skip
    with context.plugins.pick(Executor, name).start(crew):
        try:
            yield
        except BaseException:
            over.set()
            raise


def _arguments(run: str, limits: Limits, number: int) -> tuple[str, ...]:
    """What makes `autotl` a worker, without the address of the store: every user of a machine sees arguments."""
    seconds = limits.seconds_left()
    # By the clock as it is now, from which a process that starts now counts; it may have been set since this one began.
    until = () if math.isinf(seconds) else ("--until", f"{time.time() + seconds:.0f}")
    return "worker", "--run", run, "--number", str(number), *until


def _lead(context: SearchContext, limits: Limits, number: int, perform: Perform) -> None:
    """Take trials from the study, in a thread of this process, and have each performed elsewhere."""
    own = open_context(context.run, context.plugins, settings=context.settings, seconds_left=limits.seconds_left)
    try:
        # Closed, for as long as this process lives the lease of a trial that it had begun would be renewed.
        with closing(StudyLoop(own, limits, worker=number, performer=Elsewhere(context.run, perform))) as loop:
            loop.search()
    finally:
        own.processes.close()
