"""Each page's file, name and address, by which pages link to one another."""

from __future__ import annotations

from pathlib import Path

_UI = Path(__file__).parents[1]

DATA = _UI / "data" / "page.py"
TRAIN = _UI / "train" / "page.py"
RESULTS = _UI / "results" / "page.py"
TRY = _UI / "try_model" / "page.py"
LABEL = _UI / "label" / "page.py"
MODELS = _UI / "models" / "page.py"
STYLE = _UI / "style" / "page.py"

ADDRESSES = {
    DATA: "data", TRAIN: "train", RESULTS: "results", TRY: "try", LABEL: "label", MODELS: "models", STYLE: "style"
}  # fmt: skip
