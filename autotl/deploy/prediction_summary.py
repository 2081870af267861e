"""A summary of a table of predictions that `autotl predict --csv` wrote."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from autotl.deploy.prediction_texts import NONE_BELOW

N_ROWS = 20


@dataclass(frozen=True)
class PredictionSummary:
    """What a table of predictions holds.

    counts: number of images by predicted class, most frequent first. n_unreadable: files that could not be read as an
    image. folder: the deepest folder that holds all files of `head`. head: the first rows, with the columns image
    (its path below `folder`), label, probability (of that label) and problem. columns: those of the file up to
    `error`; has_doubts: whether columns of doubts follow. n_unsure, n_none: how many images the model was unsure of,
    and how many are like none of the classes; None if the file does not have that column.
    """

    counts: pd.Series
    n_unreadable: int
    folder: str
    head: pd.DataFrame
    columns: tuple[str, ...]
    has_doubts: bool = False
    n_unsure: int | None = None
    n_none: int | None = None

    @property
    def n_classified(self) -> int:
        """Number of images with a prediction."""
        return int(self.counts.sum())


def summarise_predictions(file: Path) -> PredictionSummary | None:
    """Summarise a table, which may still be written to; None where it has no rows.

    Raises OSError or ValueError where the file cannot be read.
    """
    with file.open(encoding="utf-8", newline="") as table:
        header = next(csv.reader(table), [])
    if len(header) < 4:
        return None
    # By position rather than name: a class may be called "label" or "error".
    last = len(header) - 1 - header[::-1].index("error") if "error" in header else len(header) - 1
    doubts = [name.removesuffix(" (doubts)") for name in header[last + 1 :]]
    columns = pd.read_csv(
        file, usecols=[1, *range(last, len(header))], names=["label", "error", *doubts], header=None, skiprows=1,
        dtype=str, keep_default_na=False, on_bad_lines="skip",
    )  # fmt: skip
    if columns.empty:
        return None
    labelled = columns["label"][columns["label"] != ""]
    head = pd.read_csv(
        file, nrows=N_ROWS, header=None, skiprows=1, on_bad_lines="skip", dtype={0: str, 1: str, last: str}
    )
    folder = str(Path(os.path.commonpath([Path(name).parent for name in head[0]])))
    shown = pd.DataFrame(
        {
            "image": [os.path.relpath(name, folder) for name in head[0]],
            "label": head[1].fillna(""),
            "probability": head.iloc[:, 2:last].max(axis=1),
            "problem": head[last].fillna(""),
        }
    )
    n_unreadable = int((columns["error"] != "").sum())
    n_unsure = int((columns["unsure"] == "true").sum()) if "unsure" in columns else None
    p_values = pd.to_numeric(columns["none_of_these"], errors="coerce") if "none_of_these" in columns else None
    n_none = None if p_values is None else int((p_values <= NONE_BELOW).sum())
    return PredictionSummary(
        labelled.value_counts(), n_unreadable, folder, shown, tuple(header[: last + 1]), bool(doubts), n_unsure, n_none
    )
