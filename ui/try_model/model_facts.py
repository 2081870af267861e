"""What a deployable says about itself, as text for the page: its model card, and all that its metadata.json holds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from autotl.deploy.model_facts import read_metadata
from autotl.runs.result import overall
from autotl_ui.widgets.words import unlinked

MAX_ENTRIES = 12
_SHOWN_ELSEWHERE = frozenset({"classes", "columns", "doubts"})


def list_facts(folder: Path) -> list[tuple[str, str]]:
    """Name and text of each fact, known to this app or not; empty where metadata.json cannot be read."""
    metadata = read_metadata(folder)
    return [fact for name, value in metadata.items() if name not in _SHOWN_ELSEWHERE for fact in _facts(name, value)]


def read_card(folder: Path) -> str:
    """The model card as markdown for a page, empty where there is none.

    Whatever its author wrote, it shows no image and links nowhere, and its headings are smaller than those of the page.
    """
    try:
        card = (folder / "model_card.md").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
    card = re.sub(r"\\?([\[\]<$])", lambda found: f"&#{ord(found[1])};", unlinked(card))
    return re.sub(r"^#{1,3} ", r"###\g<0>", card, flags=re.MULTILINE)


def _facts(name: str, value: object) -> Iterator[tuple[str, str]]:
    title = name.replace("_", " ")
    if not isinstance(value, dict):
        if text := _text(value):
            yield title, text
    elif isinstance(value.get("claim"), str):
        yield title, value["claim"]
    elif all(not isinstance(inner, dict | list) for inner in value.values()) and "value" not in value:
        if 0 < len(value) <= MAX_ENTRIES + 8:
            yield title, ", ".join(f"{key} {_text(inner)}" for key, inner in value.items())
    elif "value" in value:
        yield title, _score(value)
    else:
        for key, inner in overall(value).items():  # per-class scores: the card and the Results page have these
            yield from _facts(f"{title}: {key}", inner)


def _score(score: Mapping[str, object]) -> str:
    value, low, high = (score.get(part) for part in ("value", "low", "high"))
    if not isinstance(value, int | float):
        return "undefined"
    interval = isinstance(low, int | float) and isinstance(high, int | float)
    return f"{value:.3f} ({low:.3f} to {high:.3f})" if interval else f"{value:.3f}"


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(map(_text, value)) if 0 < len(value) <= MAX_ENTRIES else f"{len(value)} entries"
    return str(value)
