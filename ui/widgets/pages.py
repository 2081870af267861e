"""Where each page's file is, by which pages link to one another, and its address."""

from __future__ import annotations

from pathlib import Path

_VIEWS = Path(__file__).parent / "views"

DATA = _VIEWS / "data.py"
TRAIN = _VIEWS / "train.py"
RESULTS = _VIEWS / "results.py"
TRY = _VIEWS / "try_it.py"
LABEL = _VIEWS / "label.py"
MODELS = _VIEWS / "models.py"

ADDRESSES = {DATA: "data", TRAIN: "train", RESULTS: "results", TRY: "try", LABEL: "label", MODELS: "models"}
