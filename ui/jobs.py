"""Searches as processes of their own: they outlive the page, the browser and the app."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import psutil

from autotl.files import write_atomically


@dataclass(frozen=True)
class Job:
    """A search this app has started.

    created: the process's own birth time, which tells it from a later one with the same number; stop_requested:
    seconds since the epoch, None as long as nobody pressed stop.
    """

    pid: int
    created: float
    data: str
    budget_seconds: float
    started: float
    stop_requested: float | None = None

    @property
    def alive(self) -> bool:
        """Whether its process is still at work."""
        try:
            process = psutil.Process(self.pid)
            return abs(process.create_time() - self.created) < 1 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False


def start(run: Path, *, data: Path, budget_seconds: float, objective: str, strategy: str) -> Job:
    """Start `autotl fit`; what it prints goes to a log file beside the run folder."""
    run.parent.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable, "-m", "autotl.cli", "fit", str(data), "--run", str(run), "--budget", f"{budget_seconds:g}s",
        "--objective", objective, "--strategy", strategy,
    ]  # fmt: skip
    with log_file(run).open("ab") as log:
        # Its own session: neither closing the terminal nor Ctrl+C in it ends the search.
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    job = Job(process.pid, psutil.Process(process.pid).create_time(), str(data), budget_seconds, time.time())
    _write(run, job)
    # Somebody has to wait for a child, or it stays in the process table after its end.
    threading.Thread(target=process.wait, daemon=True).start()
    return job


def stop(run: Path) -> None:
    """Ask a search to conclude with the best model so far; nothing happens where it is over or was asked already."""
    job = read(run)
    if job is None or not job.alive or job.stop_requested:
        return
    _write(run, replace(job, stop_requested=time.time()))
    os.killpg(job.pid, signal.SIGINT)


def read(run: Path) -> Job | None:
    """The job that works or worked on a run; None where this app has not started it."""
    try:
        return Job(**json.loads(_job_file(run).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def last_words(run: Path) -> str:
    """The error message a job ended with, empty where it printed none."""
    try:
        lines = log_file(run).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    starts = [i for i, line in enumerate(lines) if line.startswith(("Error: ", "AutoTL failed"))]
    return "\n".join(lines[starts[-1] :]).removeprefix("Error: ").strip() if starts else ""


def log_file(run: Path) -> Path:
    """Where a job's output goes."""
    return run.with_name(f"{run.name}.log")


def _job_file(run: Path) -> Path:
    return run.with_name(f"{run.name}.job.json")


def _write(run: Path, job: Job) -> None:
    write_atomically(_job_file(run), json.dumps(asdict(job)).encode())
