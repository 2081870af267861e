"""Wait for a turn, then become the command: `python -m autotl_ui.jobs.waiting TICKET SLOTS NICENESS -- COMMAND`.

The process is replaced, not doubled: its number and birth time stay those of the job, a stop reaches the right one, and
nothing is left between that could be killed alone. The ticket's lock goes along and is given back when it ends.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from autotl_ui.jobs import tickets

LOOK_SECONDS = 0.25
CLOCK = "AUTOTL_CLOCK_STARTED"
"""Tells the command since when its budget counts (autotl.runtime.clock): the process is older by the time it waited."""


def main(ticket: Path, n_slots: int, niceness: int, command: list[str]) -> None:
    """Wait, then run the command in this process."""
    # A stop ends the waiting at once and says nothing.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    while tickets.count_ahead(ticket) >= n_slots:
        time.sleep(LOOK_SECONDS)
    tickets.note_begin(ticket)
    os.nice(niceness)
    os.environ[CLOCK] = f"{os.getpid()}:{time.time()}"
    os.execv(command[0], command)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[5:])
