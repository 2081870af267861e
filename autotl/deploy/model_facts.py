"""What a deployable says about itself, read from its files however damaged these are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from autotl.targets import LABELS, NUMBER

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
    return _names(read_metadata(folder).get("classes"))


def read_columns(folder: Path) -> tuple[str, ...]:
    """The columns of the table that a model returns in MLflow; empty where they cannot be read."""
    if targets := read_targets(folder):
        return tuple(f"{name}.{column}" for name, facts in targets.items() for column in _columns(facts))
    return _columns(read_metadata(folder))


def replay_items(folder: Path) -> tuple[Path, ...]:
    """The items in the folder of a model for which it is known what it predicts."""
    try:
        items = json.loads((folder / "replay" / "expected.json").read_text(encoding="utf-8"))["items"]
        found = [folder / "replay" / Path(item["file"]).name for item in items]
    except (OSError, ValueError, KeyError, TypeError):
        return ()
    return tuple(item for item in found if item.is_file())


def read_targets(folder: Path) -> Mapping[str, Mapping[str, object]]:
    """What a model of several targets says about each, by name; empty for any other, or where it cannot be read."""
    targets = read_metadata(folder).get("targets")
    if not isinstance(targets, dict):
        return {}
    return {str(name): facts for name, facts in targets.items() if isinstance(facts, dict)}


def unsure_below(folder: Path, target: str = "") -> float:
    """The probability of the predicted class below which a prediction counts as unsure: the model's own, or 0.5.

    target: one of several that the model answers.
    """
    facts = read_targets(folder).get(target, {}) if target else read_metadata(folder)
    threshold = facts.get("unsure_below")
    return float(threshold) if isinstance(threshold, int | float) else UNSURE_BELOW


def conversion_cost(folder: Path) -> str:
    """What a model that was converted to int8 lost and gained by that, in words; empty for any other."""
    cost = read_metadata(folder).get("int8")
    return str(cost.get("said", "")) if isinstance(cost, dict) else ""


def _columns(facts: Mapping[str, object]) -> tuple[str, ...]:
    columns, target = _names(facts.get("columns")), facts.get("target")
    kind = target.get("kind") if isinstance(target, dict) else None
    if kind == NUMBER:
        return ("value", "low", "high")
    return ("labels" if kind == LABELS else "label", *columns) if columns else ()


def _names(names: object) -> tuple[str, ...]:
    return tuple(map(str, names)) if isinstance(names, list) else ()
