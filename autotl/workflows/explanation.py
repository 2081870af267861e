"""What is said of one explained item, and how items of one kind are explained."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, TypedDict


class EvidenceOfWord(TypedDict):
    """A word of a text. evidence: for the label over the runner-up, negative where it speaks for the runner-up."""

    word: str
    evidence: float


class Explanation(TypedDict, total=False):
    """Why one item got its label rather than the runner-up, or why it could not be read.

    difference: between the two classes' logits, that is, the natural logarithm of the odds. method: "exact",
    "gradient", "occlusion" or "left out"; how: the same in words. Of an image, place: the ninth with the most evidence
    for the label; overlay: the name of a PNG file, if overlays were requested. Of a text, words: in their order;
    constant: what the exact evidence of all words lacks to the difference. If words were left out, n_parts: how many
    parts of the text, each once; n_unread: words that the model does not read.
    """

    item: str
    label: str
    runner_up: str
    difference: float
    method: str
    how: str
    place: str
    words: list[EvidenceOfWord]
    constant: float
    n_parts: int
    n_unread: int
    said: str
    overlay: str
    error: str


class ItemExplainer(Protocol):
    """Explains items of one kind. at_once: how many are explained together."""

    at_once: int

    def explain(self, items: Sequence[Any], first: int, out: Path | None) -> Iterator[Explanation]:
        """Explain some items, in their order. first: the number of the first one. out: where files are written."""

    def finish(self, out: Path) -> None:
        """Write what shows all items at once, if there is such a thing."""


def in_odds(label: str, runner_up: str, difference: float) -> str:
    """How much more probable the label is than the runner-up: "cat rather than dog, 3.2 to 1"."""
    odds = math.exp(min(abs(difference), 20))
    return f"{label} rather than {runner_up}, " + (f"{odds:.1f} to 1" if odds < 10 else f"{odds:,.0f} to 1")
