"""Predictions as text, a piece per batch, and as a DataFrame."""

from __future__ import annotations

import csv
import io
import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autotl.data.spreadsheet_paths import unlike_formula
from autotl.deploy.batch_prediction import Batches
from autotl.deploy.deployable import columns
from autotl.deploy.predictor import Prediction
from autotl.runtime.wording import percent
from autotl.targets import CLASSES, LABELS, NUMBER

if TYPE_CHECKING:
    import pandas as pd

SEPARATOR = "|"
"""Separates the classes of a set in a table cell."""
LABEL_SEPARATOR = ";"
"""Separates the labels of an item in a table cell."""
_NUMBER_COLUMNS = ("value", "low", "high")
NONE_BELOW = 0.05
"""An image with at most this p-value is reported as like none of the classes; 5 % of images of the classes are."""


def as_json(batches: Iterable[Sequence[Mapping[str, object]]]) -> Iterator[str]:
    """One JSON document, a list; a piece per batch."""
    before = "[\n"
    for batch in batches:
        rows = [json.dumps(row, indent=2, ensure_ascii=False, allow_nan=False) for row in batch]
        yield before + textwrap.indent(",\n".join(rows), "  ")
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def as_csv(batches: Batches, classes: Sequence[str], doubts: Sequence[str] = (), kind: str = CLASSES) -> Iterator[str]:
    """The columns item, label, one per class, and error; a piece per batch, after the header.

    An item that a spreadsheet would run as a formula is written as the same path with "./" before it; class names stay
    as they are, because programs compare them. doubts: the names from `answers.DOUBTS` that follow, one column each.
    A set is its classes joined by `SEPARATOR`; unsure is true or false. kind: of the target: several labels are joined
    by semicolons in a column `labels` in place of `label`; a number has value, low and high in place of all these.
    """
    yield _csv([header(classes, doubts, kind)])
    for batch in batches:
        yield _csv([unlike_formula(row["item"]), *cells(row, classes, doubts, "", kind)[1:]] for row in batch)


def as_frame(
    rows: Sequence[Prediction], classes: Sequence[str], index: pd.Index | None = None, doubts: Sequence[str] = (),
    kind: str = CLASSES,
) -> pd.DataFrame:  # fmt: skip
    """The columns of `as_csv` as a DataFrame, one row per prediction; cells without a value are missing.

    index: the index of the DataFrame.
    """
    import pandas as pd

    names = header(classes, doubts, kind)
    found = [cells(row, classes, doubts, None, kind) for row in rows]
    frame = pd.DataFrame(found, columns=pd.Index(names, dtype=str), index=index)
    last = len(names) - len(doubts)
    kinds = dict.fromkeys(names[:last], "float64") | dict.fromkeys(
        (names[0], *(names[1:2] if kind != NUMBER else ()), names[last - 1]), "str"
    )
    for name, column in zip(doubts, names[last:], strict=True):
        kinds[column] = {"none_of_these": "float64", "unsure": "boolean"}.get(name, "str")
    return frame.astype(kinds)


def header(classes: Sequence[str], doubts: Sequence[str], kind: str) -> list[str]:
    """The names of the columns of `as_csv`."""
    if kind == NUMBER:
        return ["item", *_NUMBER_COLUMNS, "error"]
    own = [*columns(classes)]
    return [
        "item",
        "labels" if kind == LABELS else "label",
        *own,
        "error",
        *(f"{name} (doubts)" if name in own else name for name in doubts),
    ]


def cells(row: Prediction, classes: Sequence[str], doubts: Sequence[str], empty: str | None, kind: str) -> list[Any]:
    """The cells of one row of `as_csv`. empty: stands for what there is not."""
    if kind == NUMBER:
        return [row["item"], *(row.get(name, empty) for name in _NUMBER_COLUMNS), row.get("error", empty)]
    probabilities = row.get("probabilities", {})
    shares = (probabilities.get(name, empty) for name in classes)
    said = dict(row)
    answer = LABEL_SEPARATOR.join(row["labels"]) if "labels" in row else row.get("label", empty)
    if "set" in row:
        said["set"] = SEPARATOR.join(row["set"])
    if "unsure" in row and empty == "":
        said["unsure"] = str(row["unsure"]).lower()
    return [
        row["item"], answer, *shares, row.get("error", empty),
        *(said.get(name, empty) for name in doubts),
    ]  # fmt: skip


def as_lines(batches: Batches) -> Iterator[str]:
    """A line per image; a piece per batch."""
    for batch in batches:
        yield "".join(f"{row['item']}: {verdict(row)}\n" for row in batch)


def verdict(row: Prediction) -> str:
    """An answer in words, or why there is none."""
    if "value" in row:
        interval = f" ({row['low']:.4g} to {row['high']:.4g})" if "low" in row else ""
        return f"{row['value']:.4g}{interval}"
    if "labels" in row:
        shares = [f"{name} ({percent(row['probabilities'][name], 1)})" for name in row["labels"]]
        return "; ".join(shares) or "no label"
    if "label" not in row:
        return f"? {row['error']}"
    return "; ".join([f"{row['label']} ({percent(row['probabilities'][row['label']], 1)})", *doubts_in_words(row)])


def doubts_in_words(row: Prediction) -> list[str]:
    """The model's doubts about an answer in words, one part per doubt; empty if there are none."""
    said = []
    if row.get("unsure"):
        said.append("unsure")
    others = row.get("set")
    if others is not None and others != [row["label"]]:
        said.append(f"may be {' or '.join(others)}" if others else "no class fits well")
    if row.get("none_of_these", 1.0) <= NONE_BELOW:
        said.append(f"like none of the classes (p = {row['none_of_these']:.2g})")
    return said


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
