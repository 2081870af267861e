"""Worker processes on this machine, beside the main one: started, waited for, ended."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from autotl.runs.events import Message
from autotl.runs.run import STORAGE_VARIABLE, Run
from autotl.search.limits import Limits


@contextmanager
def workers(run: Run, limits: Limits) -> Iterator[None]:
    """Run `config.workers - 1` processes on the same study; waits for their last trials, or ends them on an error."""
    seconds = limits.seconds_left()
    deadline = "" if math.isinf(seconds) else str(time.time() + seconds)
    command = [sys.executable, "-P", "-m", "autotl.workflows.worker", str(run.folder), deadline]
    # Not among the arguments, which every user of the machine sees.
    environment = {**os.environ, STORAGE_VARIABLE: run.config.storage} if run.config.storage else None
    log = run.folder / "workers.log"
    with log.open("ab") as file:
        started = [
            subprocess.Popen([*command, str(number)], stdout=file, stderr=file, env=environment)
            for number in range(1, run.config.workers)
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
            run.emit(Message(f"a worker failed; {log} says why"))
