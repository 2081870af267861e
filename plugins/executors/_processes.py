"""Workers as processes: those that die are started again, and all of them end with the search."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from autotl.interfaces import Crew

RESTARTS = 2
"""A worker that dies is started again so often."""
REFUSED = 2
"""The exit code of a worker that says what is wrong with what it was given; to start it again would not help."""
LOOK_SECONDS = 0.2
LAST_SECONDS = 30.0
"""After the time of a search is over, workers have so long to end."""
PATIENCE_SECONDS = 10.0
"""A worker that was asked to end has so long to give up its trial."""


@contextmanager
def worker_processes(
    crew: Crew, command: Callable[[int], Sequence[str]], environment: Callable[[int], Mapping[str, str | None]],
    first_line: str = "",
) -> Iterator[None]:  # fmt: skip
    """Run a process for each worker of a crew; waits for their last trials, or ends them where the search ends badly.

    command, environment: of a worker, by its number; variables come on top of those of this process, and those that are
    None are left out. first_line: what each of them reads on its standard input, which stays open as long as this
    process lives.
    """
    workers = [Worker(crew, number, command, environment, first_line) for number in range(1, crew.n_workers + 1)]
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(workers, over), name="workers", daemon=True)
    try:
        for worker in workers:
            worker.start()
        watch.start()
        yield
        over.set()
        watch.join()
        _await_end(workers, crew)
    except BaseException:
        over.set()
        if watch.is_alive():
            watch.join()  # it may be starting a worker again
        _end(workers)
        raise
    finally:
        for worker in workers:
            worker.close()


class Worker:
    """A process that is started again where it dies."""

    def __init__(
        self, crew: Crew, number: int, command: Callable[[int], Sequence[str]],
        environment: Callable[[int], Mapping[str, str | None]], first_line: str,
    ) -> None:  # fmt: skip
        self.crew, self.number = crew, number
        self._command, self._environment, self._first_line = command, environment, first_line
        self._restarts = 0
        self.process: subprocess.Popen[bytes] | None = None
        self._told: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process, in a session of its own: it is this process that a Ctrl-C is for."""
        self.close()
        variables = {**os.environ, **self._environment(self.number)}
        with self.crew.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command(self.number), stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True,
                env={name: value for name, value in variables.items() if value is not None},
            )  # fmt: skip
        assert self.process.stdin
        with suppress(BrokenPipeError):  # it has ended already
            self.process.stdin.write(self._first_line.encode())
            self.process.stdin.flush()

    @property
    def is_running(self) -> bool:
        """Whether its process has not ended."""
        return self.process is not None and self.process.poll() is None

    def look(self) -> None:
        """Start it again if it died."""
        code = self._death()
        if code is None:
            return
        what = f"worker {self.number} {_ending(code)}"
        if code == REFUSED:
            self.crew.tell(f"{what}; the search goes on without it, and {self.crew.log} says why")
        elif self._restarts == RESTARTS:
            self.crew.tell(f"{what}, a third time; the search goes on without it, and {self.crew.log} may say why")
        else:
            self._restarts += 1
            self.crew.tell(f"{what} and is started again; {self.crew.log} may say why")
            self.start()

    def tell_death(self) -> None:
        """Say that it died, if it did so and nothing was said of it."""
        code = self._death()
        if code is not None:
            self.crew.tell(
                f"worker {self.number} {_ending(code)} at the end of the search; {self.crew.log} may say why"
            )

    def close(self) -> None:
        """Close the standard input of its process."""
        if self.process and self.process.stdin:
            with suppress(BrokenPipeError):
                self.process.stdin.close()

    def signal(self, number: int) -> None:
        """Send a signal to the process, and to all that it started."""
        if self.is_running:
            assert self.process
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def _death(self) -> int | None:
        """The exit code of a process that died since the last look; None if it did not."""
        if self.process is None or self.process is self._told or not (code := self.process.poll()):
            return None
        self._told = self.process
        return code


def _watch(workers: Sequence[Worker], over: threading.Event) -> None:
    while not over.wait(LOOK_SECONDS):
        for worker in workers:
            if over.is_set():
                return
            try:
                worker.look()
            except OSError as error:  # no memory, no process: the others go on
                worker.crew.tell(f"worker {worker.number} could not be started again: {error}")


def _await_end(workers: Sequence[Worker], crew: Crew) -> None:
    while any(worker.is_running for worker in workers):
        if crew.seconds_left() < -LAST_SECONDS:
            for worker in workers:
                if worker.is_running:
                    crew.tell(f"worker {worker.number} did not end with the search, so it is ended")
            _end(workers)
            return
        time.sleep(LOOK_SECONDS)
    for worker in workers:
        worker.tell_death()


def _end(workers: Sequence[Worker]) -> None:
    """Ask the workers to end, and kill those that do not."""
    for worker in workers:
        worker.signal(signal.SIGTERM)
    until = time.monotonic() + PATIENCE_SECONDS
    while any(worker.is_running for worker in workers) and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
    for worker in workers:
        worker.signal(signal.SIGKILL)
        if worker.process:
            worker.process.wait()


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
