"""Where each page's file is; pages link to one another by these."""

from __future__ import annotations

from pathlib import Path

_VIEWS = Path(__file__).parent / "views"

DATA = _VIEWS / "data.py"
TRAIN = _VIEWS / "train.py"
RESULTS = _VIEWS / "results.py"
TRY = _VIEWS / "try_it.py"
LABEL = _VIEWS / "label.py"
MODELS = _VIEWS / "models.py"
