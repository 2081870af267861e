"""A short queue of real processes: the command line is replaced by a script that waits for a file, or for a stop."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from autotl_ui.jobs import jobs
from autotl_ui.jobs.lanes import LANES, Lane
from autotl_ui.server.access import current

# It answers a stop as a search does: with a word, and the exit code of an interruption.
COMMAND = """
import pathlib, subprocess, sys, time
target = pathlib.Path(sys.argv[2])
target.with_suffix(".begun").touch()
if "--child" in sys.argv:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"], start_new_session=True)
    target.with_suffix(".child").write_text(str(child.pid))
deadline = time.monotonic() + 30
try:
    while not target.with_suffix(".go").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
except KeyboardInterrupt:
    print("Error: interrupted", file=sys.stderr)
    sys.exit(130)
"""


def one_at_a_time(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let `jobs.start(target, ["fit", str(target)])` run the script, one at a time."""
    script = folder / "command.py"
    script.write_text(COMMAND)
    monkeypatch.setattr(jobs, "AUTOTL", (sys.executable, str(script)))
    monkeypatch.setitem(LANES, "fit", Lane("search", 1, 0))
    monkeypatch.setitem(LANES, "resume", Lane("search", 1, 0))


def begin(target: Path, *more: str) -> jobs.Job:
    return jobs.start(target, ["fit", str(target), *more], owner=current().job_owner, budget_seconds=60)


def wait_until(true: Callable[[], object], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def has_begun(target: Path) -> bool:
    return target.with_suffix(".begun").exists()


def end(target: Path) -> None:
    """Let the script end by itself."""
    target.with_suffix(".go").touch()


def clear(*targets: Path) -> None:
    """End whatever is left."""
    for target in targets:
        job = jobs.read(target)
        if job and job.alive:
            psutil.Process(job.pid).kill()
