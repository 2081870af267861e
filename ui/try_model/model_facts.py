"""What a deployable says of itself, as pairs of words: whatever stands in its metadata.json, known here or not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autotl_ui.widgets.words import unlinked

MOST_ENTRIES = 12
UNSURE_BELOW = 0.5
"""All other classes together are then more probable than the one that is named."""
_SHOWN_ELSEWHERE = frozenset({"classes", "columns"})


def read_facts(folder: Path) -> list[tuple[str, str]]:
    """Name and text of each fact; empty where there is no metadata.json that can be read."""
    metadata = _read_metadata(folder)
    return [fact for name, value in metadata.items() if name not in _SHOWN_ELSEWHERE for fact in _facts(name, value)]


def unsure_below(folder: Path) -> float:
    """The probability of its best class below which a model is called unsure: its own, or one half."""
    found = _read_metadata(folder).get("unsure_below")
    return float(found) if isinstance(found, int | float) else UNSURE_BELOW


def read_card(folder: Path) -> str:
    """The model card as markdown for a page, empty where there is none.

    Whoever wrote it, it shows no image and leads nowhere; its headings are smaller than the page's own.
    """
    try:
        card = (folder / "model_card.md").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
    card = re.sub(r"\\?([\[\]<$])", lambda found: f"&#{ord(found[1])};", unlinked(card))
    return re.sub(r"^#{1,3} ", r"###\g<0>", card, flags=re.MULTILINE)


def _read_metadata(folder: Path) -> dict[str, Any]:
    try:
        metadata = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return metadata if isinstance(metadata, dict) else {}


def _facts(name: str, value: Any) -> Iterator[tuple[str, str]]:
    title = name.replace("_", " ")
    if not isinstance(value, dict):
        if text := _text(value):
            yield title, text
    elif isinstance(value.get("claim"), str):
        yield title, value["claim"]
    elif all(not isinstance(inner, dict | list) for inner in value.values()) and "value" not in value:
        if 0 < len(value) <= MOST_ENTRIES + 8:
            yield title, ", ".join(f"{key} {_text(inner)}" for key, inner in value.items())
    elif "value" in value:
        yield title, _score(value)
    else:
        for key, inner in value.items():
            if "[" not in str(key):  # of a single class: the card and the Results page have these
                yield from _facts(f"{title}: {key}", inner)


def _score(score: dict[str, Any]) -> str:
    value, low, high = (score.get(part) for part in ("value", "low", "high"))
    if not isinstance(value, int | float):
        return "undefined"
    interval = isinstance(low, int | float) and isinstance(high, int | float)
    return f"{value:.3f} ({low:.3f} to {high:.3f})" if interval else f"{value:.3f}"


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(map(_text, value)) if 0 < len(value) <= MOST_ENTRIES else f"{len(value)} entries"
    return str(value)
