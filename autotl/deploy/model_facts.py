"""What a deployable says about itself, read from its files however damaged these are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

UNSURE_BELOW = 0.5
"""Below this probability of the predicted class, all other classes together are more probable."""


def read_metadata(folder: Path) -> Mapping[str, object]:
    """The content of metadata.json; empty where it cannot be read."""
    try:
        metadata = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return metadata if isinstance(metadata, dict) else {}


def read_classes(folder: Path) -> tuple[str, ...]:
    """The classes that a model knows; empty where they cannot be read."""
    return _read_names(folder, "classes")


def read_columns(folder: Path) -> tuple[str, ...]:
    """The columns of the table that a model returns in MLflow; empty where they cannot be read."""
    columns = _read_names(folder, "columns")
    return ("label", *columns) if columns else ()


def replay_items(folder: Path) -> tuple[Path, ...]:
    """The items in the folder of a model for which it is known what it predicts."""
    try:
        items = json.loads((folder / "replay" / "expected.json").read_text(encoding="utf-8"))["items"]
        found = [folder / "replay" / Path(item["file"]).name for item in items]
    except (OSError, ValueError, KeyError, TypeError):
        return ()
    return tuple(item for item in found if item.is_file())


def unsure_below(folder: Path) -> float:
    """The probability of the predicted class below which a prediction counts as unsure: the model's own, or 0.5."""
    threshold = read_metadata(folder).get("unsure_below")
    return float(threshold) if isinstance(threshold, int | float) else UNSURE_BELOW


def conversion_cost(folder: Path) -> str:
    """What a model that was converted to int8 lost and gained by that, in words; empty for any other."""
    cost = read_metadata(folder).get("int8")
    return str(cost.get("said", "")) if isinstance(cost, dict) else ""


def _read_names(folder: Path, fact: str) -> tuple[str, ...]:
    names = read_metadata(folder).get(fact)
    return tuple(map(str, names)) if isinstance(names, list) else ()
