"""Workers that give way: processes of this machine with a low priority, so that other work there is not held up."""

import os
import shutil
import subprocess
from contextlib import contextmanager

import autotl
from autotl.interfaces import Executor


def obstacle(option, run):
    if shutil.which("nice") is None:
        return "this machine has no program `nice`; use --executor local"
    if option and option not in map(str, range(1, 20)):
        return f"{option!r} is not a priority; write --executor nice, or nice:15, from 1 to 19"
    return ""


@contextmanager
def start(crew):
    with crew.log.open("ab") as log:
        workers = [
            subprocess.Popen(
                ["nice", "-n", crew.option or "10", *crew.command(number)], stdout=log, stderr=log,
                env={**os.environ, **crew.environment},
            )
            for number in range(1, crew.n_workers + 1)
        ]  # fmt: skip
    try:
        yield
        for worker in workers:
            if worker.wait():
                crew.tell(f"a worker failed; {crew.log} says why")
    except BaseException:
        for worker in workers:
            worker.terminate()
            worker.wait()
        raise


@autotl.hookimpl
def register_executors():
    yield Executor("nice", start, obstacle)
