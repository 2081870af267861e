"""Predictions of several targets as text, a piece per batch, and as a DataFrame."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

from autotl.data.spreadsheet_paths import unlike_formula
from autotl.deploy import prediction_texts
from autotl.deploy.predictor import Prediction
from autotl.deploy.targets_predictor import JointPrediction, Predictor

if TYPE_CHECKING:
    import pandas as pd

JointBatches = Iterable[Sequence[JointPrediction]]
_ENDS = ("item", "error")
"""The columns that all targets share."""


def as_csv(batches: JointBatches, predictor: Predictor, *, doubts: bool = True) -> Iterator[str]:
    """The columns item, for each target those of `prediction_texts.as_csv`, and error; a piece per batch.

    The name of a target and a full stop come before the names of its columns. doubts: with those that are offered.
    """
    yield _csv([["item", *(f"{name}.{column}" for name, column in _columns(predictor, doubts)), "error"]])
    for batch in batches:
        yield _csv([unlike_formula(row["item"]), *_cells(row, predictor, doubts, "")] for row in batch)


def as_frame(
    rows: Sequence[JointPrediction], predictor: Predictor, index: pd.Index | None = None, *, doubts: bool = True
) -> pd.DataFrame:
    """The columns of `as_csv` as a DataFrame, one row per prediction; cells without a value are missing."""
    import pandas as pd

    parts = []
    for name, answers in predictor.answers.items():
        own = [cast(Prediction, {"item": row["item"], **_said(row, name)}) for row in rows]
        offered = predictor.doubts[name] if doubts else ()
        frame = prediction_texts.as_frame(own, answers.classes, index, offered, answers.kind)
        parts.append(frame.drop(columns=[*_ENDS]).add_prefix(f"{name}."))
    ends = {end: pd.Series([row.get(end) for row in rows], index=parts[0].index, dtype="str") for end in _ENDS}
    return pd.concat([ends["item"].rename("item"), *parts, ends["error"].rename("error")], axis=1)


def as_lines(batches: JointBatches) -> Iterator[str]:
    """A line per item; a piece per batch."""
    for batch in batches:
        yield "".join(f"{row['item']}: {_verdict(row)}\n" for row in batch)


def _verdict(row: JointPrediction) -> str:
    if "error" in row:
        return f"? {row['error']}"
    said = ((name, prediction_texts.verdict(cast(Prediction, one))) for name, one in row["targets"].items())
    return ", ".join(f"{name}: {verdict}" for name, verdict in said)


def _said(row: JointPrediction, name: str) -> dict[str, Any]:
    return row.get("targets", {}).get(name, {})


def _columns(predictor: Predictor, doubts: bool) -> list[tuple[str, str]]:
    """The target and the name of each column between `item` and `error`."""
    return [
        (name, column)
        for name, answers in predictor.answers.items()
        for column in prediction_texts.header(answers.classes, predictor.doubts[name] if doubts else (), answers.kind)
        if column not in _ENDS
    ]


def _cells(row: JointPrediction, predictor: Predictor, doubts: bool, empty: str | None) -> list[Any]:
    found: list[Any] = []
    for name, answers in predictor.answers.items():
        offered = predictor.doubts[name] if doubts else ()
        own = cast(Prediction, {"item": row["item"], **_said(row, name)})
        named = prediction_texts.header(answers.classes, offered, answers.kind)
        cells = prediction_texts.cells(own, answers.classes, offered, empty, answers.kind)
        found += [cell for column, cell in zip(named, cells, strict=True) if column not in _ENDS]
    return [*found, row.get("error", empty)]


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
