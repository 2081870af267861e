"""One worker process: it runs trials of the shared study until its deadline, or until the main process ends.

Started as `python -m autotl.workflows.worker RUN DEADLINE NUMBER`; DEADLINE in seconds since the epoch, or empty for
none.
"""

from __future__ import annotations

import math
import os
import sys
import time
from pathlib import Path

from autotl.plugins import load_preferred
from autotl.runs.run import open_run
from autotl.runtime import keras_backend
from autotl.search.context import open_context
from autotl.search.limits import Limits
from autotl.search.study_loop import StudyLoop
from autotl.settings import settings


def work(folder: Path, deadline: float, number: int) -> None:
    """Run trials until the deadline, the end of the trials allowed, or the end of the main process."""
    keras_backend.prepare()
    run = open_run(folder)
    main_process = os.getppid()

    def seconds_left() -> float:
        return deadline - time.time() if os.getppid() == main_process else 0.0

    plugins = load_preferred(settings(), disable=run.config.disable_plugins)
    context = open_context(run, plugins, settings=settings(), seconds_left=seconds_left, worker=number)
    limits = Limits(seconds_left, run.config.budget_seconds, run.config.trials)
    try:
        StudyLoop(context, limits, worker=number).search()
    finally:
        context.processes.close()


if __name__ == "__main__":
    work(Path(sys.argv[1]), float(sys.argv[2]) if sys.argv[2] else math.inf, int(sys.argv[3]))
