"""Jobs: processes of the command line that outlive the page, the browser and the app.

Heavy commands wait for their turn, in a queue that all workspaces of one app share: see `lanes` and `tickets`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import psutil

from autotl.runtime.atomic_files import write_atomically
from autotl_ui.jobs import tickets
from autotl_ui.jobs.lanes import LANES, MOST_JOBS, Lane

PYTHON = (sys.executable, "-P", "-m")
"""Without the current folder on the path: what people have there may be called like a package."""
AUTOTL = (*PYTHON, "autotl.cli")
_MARK = "== autotl "
"""Begins the line of the log that says which command the lines after it are from."""


_END_OF_TIME = 2.0**33
_NUMBERS = ("created", "started", "budget_seconds", "stop_requested", "since_boot")


class BusyError(OSError):
    """A job that was not started, and why, in words for people. An OSError, because callers handle those."""


@dataclass(frozen=True)
class Job:
    """A command of `autotl` that this app has started.

    kind: its name, such as "fit". about: what it works on, for people. created: the process's own birth time, which
    tells it from a later one with the same number; since_boot: the same, in seconds since the machine was started.
    started, stop_requested: seconds since the epoch, the latter None until a stop is requested. budget_seconds:
    how long it may take, None for no limit. ticket: its place in the queue, empty where it need not wait.
    """

    pid: int
    created: float
    kind: str
    about: str
    started: float
    budget_seconds: float | None = None
    stop_requested: float | None = None
    ticket: str = ""
    since_boot: float | None = None

    @property
    def alive(self) -> bool:
        """Whether its process is still there."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < 1
            # Linux derives the time of day from that since boot, so that it moves when the clock is put right.
            if self.since_boot is not None:
                same = same or abs(_since_boot(process) - self.since_boot) < 1
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False

    @property
    def place(self) -> int:
        """Its place in the queue, 1 for the next to begin; 0 where it does not wait, or no longer."""
        if not self.ticket or self.kind not in LANES or not self.alive or tickets.began(Path(self.ticket)):
            return 0
        return max(0, tickets.count_ahead(Path(self.ticket)) - LANES[self.kind].n_slots + 1)

    @property
    def began(self) -> float:
        """When its turn came, in seconds since the epoch; where that is not known, when it was started."""
        return (tickets.began(Path(self.ticket)) if self.ticket else None) or self.started


@dataclass(frozen=True)
class JobOwner:
    """The person who starts jobs.

    name: tells them from others. queue: the folder of the tickets, which all people of one app share. hidden: variables
    of the app's environment that their jobs must not see.
    """

    name: str
    queue: Path
    hidden: tuple[str, ...] = ()


def start(
    target: Path,
    arguments: Sequence[str],
    *,
    owner: JobOwner,
    about: str = "",
    budget_seconds: float | None = None,
    output: Path | None = None,
) -> Job:
    """Start `autotl ARGUMENTS`, or put it in the queue where others are before it.

    target: the file or folder that it makes; what is known of the job, and what it prints, goes to files beside it.
    output: where its standard output goes, if not to the log; complete only once the job has ended.
    Raises BusyError if a job already works on the target, or the owner has as many as one may have.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    job = Job(0, 0, arguments[0], about, time.time(), budget_seconds)
    command = [*AUTOTL, *arguments]
    lane = LANES.get(job.kind) if os.name == "posix" else None
    with tickets.alone(owner.queue):
        former = read(target)
        if former and former.alive:
            raise BusyError(f"{target.name} is being worked on already; wait until that is done, or stop it first")
        if lane is None:
            return _run(target, job, command, output=output, hidden=owner.hidden)
        ticket = _take(owner, lane)
        try:
            options = [str(ticket.path), str(lane.n_slots), str(lane.niceness), "--"]
            command = [*PYTHON, "autotl_ui.jobs.waiting", *options, *command]
            job = replace(job, ticket=str(ticket.path))
            inherited = (ticket.descriptor,)
            return _run(target, job, command, output=output, hidden=owner.hidden, inherited=inherited)
        finally:
            os.close(ticket.descriptor)  # from here on the job alone holds it


def _take(owner: JobOwner, lane: Lane) -> tickets.Ticket:
    if tickets.count_of(owner.queue, owner.name) >= MOST_JOBS:
        raise BusyError(
            f"{MOST_JOBS} jobs of yours are running or waiting already, which is the most that one may have; "
            "start this one when another has ended, or stop one of them"
        )
    return tickets.take(owner.queue / lane.name, owner=owner.name)


def _run(
    target: Path,
    job: Job,
    command: Sequence[str],
    *,
    output: Path | None,
    hidden: Sequence[str],
    inherited: tuple[int, ...] = (),
) -> Job:
    """Start the process, and write down what is known of it."""
    with log_file(target).open("ab") as log, (output or log_file(target)).open("wb" if output else "ab") as printed:
        log.write(f"{_MARK}{job.kind}\n".encode())
        log.flush()
        # Its own session: neither closing the terminal nor Ctrl+C in it ends the job.
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=printed, stderr=log, start_new_session=True, pass_fds=inherited,
            env={name: value for name, value in os.environ.items() if name not in hidden},
        )  # fmt: skip
    try:
        born = psutil.Process(process.pid)
        job = replace(job, pid=process.pid, created=born.create_time(), since_boot=_since_boot(born))
        _write(target, job)
    except BaseException:  # it could not be found again, nor stopped
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        raise
    finally:
        # A child that is not waited for stays in the process table after its end.
        threading.Thread(target=process.wait, daemon=True).start()
    return job


def _since_boot(process: psutil.Process) -> float:
    return float(process.create_time() - psutil.boot_time())


def stop(target: Path) -> None:
    """Ask a job to end, a search with the best model so far; nothing happens where it is over or was asked already."""
    job = read(target)
    if job is None or not job.alive or job.stop_requested:
        return
    with contextlib.suppress(OSError):  # a full disk is a reason to stop, not to go on
        _write(target, replace(job, stop_requested=time.time()))
    with contextlib.suppress(ProcessLookupError):  # it has just ended
        os.killpg(job.pid, signal.SIGINT)


def read(target: Path) -> Job | None:
    """The job that makes or made this; None if this app has not started it."""
    try:
        found = json.loads(_job_file(target).read_text(encoding="utf-8"))
        numbers = {name: float(found[name]) for name in _NUMBERS if found.get(name) is not None}
        pid = int(found["pid"])
        if not (0 <= pid < 2**31 and "started" in numbers and all(abs(n) < _END_OF_TIME for n in numbers.values())):
            return None  # edited by hand
        return Job(**{**found, **numbers, "pid": pid, "about": str(found["about"])})
    except (OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return None


def events_file(target: Path) -> Path:
    """Where a job that is told so with `--events` writes what it is doing."""
    return target.with_name(f"{target.name}.events.jsonl")


def last_words(target: Path) -> str:
    """The error message the latest job ended with, empty where it printed none."""
    try:
        lines = log_file(target).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    began = max((i for i, line in enumerate(lines) if line.startswith(_MARK)), default=0)
    starts = [i for i, line in enumerate(lines) if i >= began and line.startswith(("Error: ", "AutoTL failed"))]
    return "\n".join(lines[starts[-1] :]).removeprefix("Error: ").strip() if starts else ""


def tail(target: Path, *, n_bytes: int = 8_000) -> str:
    """The end of what a job printed, without the places in our code that an unexpected error may list."""
    try:
        with log_file(target).open("rb") as file:
            file.seek(max(0, log_file(target).stat().st_size - n_bytes))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return re.sub(r"^Traceback .*\n(?:[ \t].*\n)*", "", text, flags=re.MULTILINE)


def log_file(target: Path) -> Path:
    """Where a job's messages go."""
    return target.with_name(f"{target.name}.log")


def _job_file(target: Path) -> Path:
    return target.with_name(f"{target.name}.job.json")


def _write(target: Path, job: Job) -> None:
    write_atomically(_job_file(target), json.dumps(asdict(job)).encode())
