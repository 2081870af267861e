"""Predictions as text, a piece per batch, and as a DataFrame."""

from __future__ import annotations

import csv
import io
import json
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from autotl.deploy.batch_prediction import Batches
from autotl.deploy.deployable import columns
from autotl.deploy.predictor import Prediction

if TYPE_CHECKING:
    import pandas as pd


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
    yield _csv([_header(classes)])
    for batch in batches:
        yield _csv(_cells(row, classes, "") for row in batch)


def as_frame(rows: Sequence[Prediction], classes: Sequence[str], index: pd.Index | None = None) -> pd.DataFrame:
    """The same columns as a DataFrame, one row per prediction, missing where there is no value.

    index: that of the frame.
    """
    import pandas as pd

    cells = [_cells(row, classes, None) for row in rows]
    frame = pd.DataFrame(cells, columns=pd.Index(_header(classes), dtype=str), index=index)
    texts = (frame.columns[0], frame.columns[1], frame.columns[-1])
    return frame.astype({name: "str" if name in texts else "float64" for name in frame.columns})


def _header(classes: Sequence[str]) -> list[str]:
    return ["item", "label", *columns(classes), "error"]


def _cells(row: Prediction, classes: Sequence[str], empty: str | None) -> list[Any]:
    probabilities = row.get("probabilities", {})
    shares = (probabilities.get(name, empty) for name in classes)
    return [row["item"], row.get("label", empty), *shares, row.get("error", empty)]


def as_lines(batches: Batches) -> Iterator[str]:
    """A line per image; a piece per batch."""
    for batch in batches:
        yield "".join(f"{row['item']}: {_verdict(row)}\n" for row in batch)


def _verdict(row: Prediction) -> str:
    return f"{row['label']} ({row['probabilities'][row['label']]:.1%})" if "label" in row else f"? {row['error']}"


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
