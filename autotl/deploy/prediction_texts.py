"""Predictions as text, piece by piece: JSON, CSV, or lines for people; none of them is kept."""

from __future__ import annotations

import csv
import io
import json
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

Batches = Iterable[Sequence[dict[str, Any]]]
"""Predictions as `Predictor.batches` gives them."""


def as_json(batches: Batches) -> Iterator[str]:
    """One JSON document, a list; a piece per batch."""
    before = "[\n"
    for batch in batches:
        rows = [json.dumps(row, indent=2, ensure_ascii=False, allow_nan=False) for row in batch]
        yield before + textwrap.indent(",\n".join(rows), "  ")
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def as_csv(batches: Batches, classes: Sequence[str]) -> Iterator[str]:
    """The columns item, label, one per class, and error; a piece per batch, after the header."""
    yield _csv([["item", "label", *classes, "error"]])
    for batch in batches:
        rows = []
        for row in batch:
            probabilities = row.get("probabilities", {})
            shares = (probabilities.get(name, "") for name in classes)
            rows.append([row["item"], row.get("label", ""), *shares, row.get("error", "")])
        yield _csv(rows)


def as_lines(batches: Batches) -> Iterator[str]:
    """A line per image; a piece per batch."""
    for batch in batches:
        yield "".join(f"{row['item']}: {_verdict(row)}\n" for row in batch)


def _verdict(row: dict[str, Any]) -> str:
    return f"{row['label']} ({row['probabilities'][row['label']]:.1%})" if "label" in row else f"? {row['error']}"


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
