"""Conformance checks for executors."""

from __future__ import annotations

import math
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from autotl.errors import WorkerLostError
from autotl.interfaces import Crew, Executor, Perform
from autotl.testing import made_up_worker
from autotl.testing.support import doing, named, require

N_WORKERS = 2
SHORT_SECONDS, LONG_SECONDS = 0.5, 120.0
BEGIN_SECONDS, END_SECONDS = 60.0, 30.0
"""Workers have so long to begin, and to end where the search was interrupted."""


class _InterruptedError(Exception):
    """In place of what ends a search."""


@dataclass
class _Trial:
    """A crew whose workers leave files in a folder, and what became of the threads that led some of them."""

    folder: Path
    option: str
    seconds: float
    problems: list[str] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def crew(self) -> Crew:
        """The crew that is given to an executor."""
        program = (sys.executable, "-P", made_up_worker.__file__)

        def arguments(number: int) -> tuple[str, ...]:
            return str(self.folder), str(number), str(self.seconds)

        return Crew(
            n_workers=N_WORKERS, option=self.option, command=lambda number: (*program, *arguments(number)),
            environment={}, lead=self._lead, log=self.folder / "workers.log", tell=lambda _text: None,
            perform=f"{made_up_worker.__name__}:perform", program=program, remote_arguments=arguments, first_line="sqlite://\n",
            seconds_left=lambda: 0.0 if self.is_over.is_set() else math.inf,
        )  # fmt: skip

    def numbers(self, what: str) -> set[int]:
        """The workers that have begun, or are done."""
        return {int(file.stem) for file in self.folder.glob(f"*.{what}")}

    def wait_until_all_began(self) -> bool:
        """Whether they have, in the time they are given."""
        until = time.monotonic() + BEGIN_SECONDS
        while len(self.numbers("begun")) < N_WORKERS and time.monotonic() < until:
            time.sleep(0.05)
        return len(self.numbers("begun")) == N_WORKERS

    def _lead(self, number: int, perform: Perform) -> None:
        document = {"folder": str(self.folder), "number": number, "seconds": self.seconds, "seconds_left": None}
        try:
            answer = perform(document)
        except (KeyboardInterrupt, WorkerLostError):
            if not self.is_over.is_set():
                self.problems.append("perform(document) gave a trial up though nothing ended its worker")
            return
        if answer.get("number") != number:
            self.problems.append(f"perform(document) returned {dict(answer)!r} for the trial of worker {number}")


def check_executor(executor: Executor, *, option: str = "") -> None:
    """Check that an executor runs all its workers, waits for their last trials, and ends them with the search.

    Parameters
    ----------
    executor
        The executor to check. Where it cannot be used on this machine, or not with this option, only what it says
        of that is checked.
    option
        What a user writes after its name and a colon.

    Raises
    ------
    AssertionError
        Where the executor breaks its contract.
    """
    subject = named(executor, "executor")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary).resolve()
        with doing(f"{subject}: obstacle({option!r}, run)"):
            why = executor.obstacle(option, str(folder / "run"))
        require(isinstance(why, str), f"{subject}: obstacle returned {why!r}; expected a text, empty for no obstacle")
        left = [path.name for path in folder.iterdir()]
        require(not left, f"{subject}: obstacle left {left} beside the run folder, which it may only look at")
        if why:
            return
        for name in ("ended", "interrupted"):
            (folder / name).mkdir()
        _check_end(subject, executor, _Trial(folder / "ended", option, SHORT_SECONDS))
        _check_interruption(subject, executor, _Trial(folder / "interrupted", option, LONG_SECONDS))


def _check_end(subject: str, executor: Executor, trial: _Trial) -> None:
    """A search that ends: every worker ran, and the end has waited for it."""
    with doing(f"{subject}: start(crew)"), executor.start(trial.crew()):
        began = trial.wait_until_all_began()
        trial.is_over.set()
    require(
        began,
        f"{subject}: of {N_WORKERS} workers {sorted(trial.numbers('begun'))} began; expected start(crew) to start "
        "crew.command(number), or to call crew.lead(number, perform) in a thread, for every number from 1",
    )
    done = trial.numbers("done")
    require(
        len(done) == N_WORKERS,
        f"{subject}: when its context had ended, the trials of workers {sorted(done)} were done; expected it to wait "
        f"for those of all {N_WORKERS}",
    )
    require(not trial.problems, f"{subject}: {'; '.join(trial.problems)}")


def _check_interruption(subject: str, executor: Executor, trial: _Trial) -> None:
    """A search that an exception ends: it is passed on, and no worker goes on."""
    import psutil

    raised = None
    try:
        with executor.start(trial.crew()):
            trial.wait_until_all_began()
            trial.is_over.set()
            raise _InterruptedError
    except _InterruptedError as error:
        raised = error
    require(raised is not None, f"{subject}: start(crew) swallowed the exception that ended the search")
    processes = [int(file.read_text() or 0) for file in trial.folder.glob("*.begun")]
    until = time.monotonic() + END_SECONDS
    while (alive := [pid for pid in processes if psutil.pid_exists(pid)]) and time.monotonic() < until:
        time.sleep(0.1)
    require(not alive, f"{subject}: an exception ended the search, and {len(alive)} of its workers went on")
