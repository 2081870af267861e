"""The lanes of the queue: how many jobs of each kind work at once, and how many one workspace may have in all."""

from __future__ import annotations

import os
from dataclasses import dataclass

MOST_JOBS = 5
"""Of one workspace, at work and waiting together."""
QUEUE = ".autotl-queue"
"""The folder of the tickets: one for all workspaces of an app."""
_CORES_PER_SEARCH = 4


@dataclass(frozen=True)
class Lane:
    """Jobs that wait for one another. n_slots: how many work at once; niceness: how far they step back for the page."""

    name: str
    n_slots: int
    niceness: int


_SEARCH = Lane("search", max(1, (os.cpu_count() or 1) // _CORES_PER_SEARCH), 5)
_QUICK = Lane("quick", 3, 5)
LANES = {
    "fit": _SEARCH, "resume": _SEARCH, "debias": _SEARCH, "autoencode": _SEARCH,
    "check": _QUICK, "refit": _QUICK, "predict": _QUICK, "export": _QUICK, "index": _QUICK, "register": _QUICK,
    "style": _QUICK,
}  # fmt: skip
"""By the command's name; what is not here begins at once."""
