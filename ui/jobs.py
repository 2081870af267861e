"""Work as processes of the command line: they outlive the page, the browser and the app."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import psutil

from autotl.files import write_atomically


@dataclass(frozen=True)
class Job:
    """A command of `autotl` that this app has started.

    kind: its name, such as "fit". about: what it works on, for people. created: the process's own birth time, which
    tells it from a later one with the same number. started, stop_requested: seconds since the epoch, the latter None
    as long as nobody pressed stop. budget_seconds: how long it may take, None if nobody said.
    """

    pid: int
    created: float
    kind: str
    about: str
    started: float
    budget_seconds: float | None = None
    stop_requested: float | None = None

    @property
    def alive(self) -> bool:
        """Whether its process is still there."""
        try:
            process = psutil.Process(self.pid)
            return abs(process.create_time() - self.created) < 1 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False


def start(
    target: Path,
    arguments: Sequence[str],
    *,
    about: str = "",
    budget_seconds: float | None = None,
    output: Path | None = None,
) -> Job:
    """Start `autotl ARGUMENTS`.

    target: the file or folder that it makes; what is known of the job, and what it prints, goes to files beside it.
    output: where its standard output goes, if not to the log; complete only once the job has ended.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "autotl.cli", *arguments]
    with log_file(target).open("ab") as log, (output or log_file(target)).open("wb" if output else "ab") as printed:
        # Its own session: neither closing the terminal nor Ctrl+C in it ends the job.
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=printed, stderr=log, start_new_session=True
        )
    created = psutil.Process(process.pid).create_time()
    job = Job(process.pid, created, arguments[0], about, time.time(), budget_seconds)
    _write(target, job)
    # Somebody has to wait for a child, or it stays in the process table after its end.
    threading.Thread(target=process.wait, daemon=True).start()
    return job


def stop(target: Path) -> None:
    """Ask a job to end, a search with the best model so far; nothing happens where it is over or was asked already."""
    job = read(target)
    if job is None or not job.alive or job.stop_requested:
        return
    _write(target, replace(job, stop_requested=time.time()))
    os.killpg(job.pid, signal.SIGINT)


def read(target: Path) -> Job | None:
    """The job that makes or made this; None where this app has not started it."""
    try:
        return Job(**json.loads(_job_file(target).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def last_words(target: Path) -> str:
    """The error message a job ended with, empty where it printed none."""
    try:
        lines = log_file(target).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    starts = [i for i, line in enumerate(lines) if line.startswith(("Error: ", "AutoTL failed"))]
    return "\n".join(lines[starts[-1] :]).removeprefix("Error: ").strip() if starts else ""


def log_file(target: Path) -> Path:
    """Where a job's messages go."""
    return target.with_name(f"{target.name}.log")


def _job_file(target: Path) -> Path:
    return target.with_name(f"{target.name}.job.json")


def _write(target: Path, job: Job) -> None:
    write_atomically(_job_file(target), json.dumps(asdict(job)).encode())
