"""Where each page's file is; pages link to one another by these."""

from __future__ import annotations

from pathlib import Path

_VIEWS = Path(__file__).parent / "views"

TRAIN = _VIEWS / "train.py"
RUNS = _VIEWS / "runs.py"
TRY = _VIEWS / "try_it.py"
