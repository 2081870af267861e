"""Predictions of several targets as text, a piece per batch, and as a DataFrame."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from autotl.data.spreadsheet_paths import unlike_formula
from autotl.deploy.targets_predictor import JointPrediction, Predictor
from autotl.runtime.wording import percent

if TYPE_CHECKING:
    import pandas as pd

JointBatches = Iterable[Sequence[JointPrediction]]


def as_csv(batches: JointBatches, predictor: Predictor) -> Iterator[str]:
    """The columns item, for each target its label and one per class, and error; a piece per batch, after the header."""
    yield _csv([header(predictor)])
    for batch in batches:
        yield _csv([unlike_formula(row["item"]), *_cells(row, predictor, "")[1:]] for row in batch)


def as_frame(rows: Sequence[JointPrediction], predictor: Predictor, index: pd.Index | None = None) -> pd.DataFrame:
    """The columns of `as_csv` as a DataFrame, one row per prediction; cells without a value are missing."""
    import pandas as pd

    names = header(predictor)
    frame = pd.DataFrame(
        [_cells(row, predictor, None) for row in rows], columns=pd.Index(names, dtype=str), index=index
    )
    texts = {"item", "error", *predictor.label_columns.values()}
    return frame.astype({name: "str" if name in texts else "float64" for name in names})


def as_lines(batches: JointBatches) -> Iterator[str]:
    """A line per item; a piece per batch."""
    for batch in batches:
        yield "".join(f"{row['item']}: {_verdict(row)}\n" for row in batch)


def header(predictor: Predictor) -> list[str]:
    """The names of the columns of a table of predictions."""
    own = [(predictor.label_columns[name], *predictor.columns[name]) for name in predictor.classes]
    return ["item", *(column for columns in own for column in columns), "error"]


def _cells(row: JointPrediction, predictor: Predictor, empty: str | None) -> list[Any]:
    cells: list[Any] = [row["item"]]
    for name, classes in predictor.classes.items():
        said = row.get("targets", {}).get(name)
        cells += [said["label"], *(said["probabilities"][k] for k in classes)] if said else [empty] * (1 + len(classes))
    return [*cells, row.get("error", empty)]


def _verdict(row: JointPrediction) -> str:
    if "error" in row:
        return f"? {row['error']}"
    return "; ".join(
        f"{name} {said['label']} ({percent(said['probabilities'][said['label']], 1)})"
        for name, said in row["targets"].items()
    )


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
