"""A summary of a table of predictions that `autotl predict --csv` wrote."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from autotl.deploy.answers import DOUBTS
from autotl.deploy.prediction_texts import NONE_BELOW

N_ROWS = 20
_NUMBER = "value"
_ANSWERS = ("label", "labels", _NUMBER)
"""What the column of the answer may be called, after the name of its target and a full stop where there are several."""


@dataclass(frozen=True)
class PredictionSummary:
    """What a table of predictions holds.

    counts: number of images by predicted class, most frequent first. n_unreadable: files that could not be read as an
    image. folder: the deepest folder that holds all files of `head`. head: the first rows, with the columns image
    (its path below `folder`), label, probability (of that label) and problem; of a number, low and high in place of the
    probability. columns: those of the target in the file, without its doubts, and `error`; has_doubts: whether there
    are columns of doubts. n_unsure, n_none: how many images the model was unsure of, and how many are like none of the
    classes; None if the file does not have that column. is_number: whether the target is a number.
    """

    counts: pd.Series
    n_unreadable: int
    folder: str
    head: pd.DataFrame
    columns: tuple[str, ...]
    has_doubts: bool = False
    n_unsure: int | None = None
    n_none: int | None = None
    is_number: bool = False

    @property
    def n_classified(self) -> int:
        """Number of images with a prediction."""
        return int(self.counts.sum())


def summarise_targets(file: Path) -> dict[str, PredictionSummary]:
    """Summarise a table, which may still be written to, for each target by name; under "" for one. Empty without rows.

    Raises OSError or ValueError if the file cannot be read.
    """
    with file.open(encoding="utf-8", newline="") as table:
        header = next(csv.reader(table), [])
    found = {name: _summarise(file, header, columns) for name, columns in _columns(header).items()}
    return {name: summary for name, summary in found.items() if summary}


@dataclass(frozen=True)
class _Columns:
    """Where the columns of a target are. shares: of its classes, or of the ends of a number's interval."""

    answer: int
    shares: Sequence[int]
    doubts: Sequence[int]
    error: int
    is_number: bool


def _columns(header: Sequence[str]) -> dict[str, _Columns]:
    """The columns of each target; empty if there are no predictions."""
    if len(header) < 4:
        return {}
    if header[1] in _ANSWERS:
        # By position rather than name: a class may be called "label" or "error".
        last = len(header) - 1 - header[::-1].index("error") if "error" in header else len(header) - 1
        shares, doubts = range(2, last), range(last + 1, len(header))
        return {"": _Columns(1, shares, doubts, last, header[1] == _NUMBER)}
    found, start, last = dict[str, _Columns](), 1, len(header) - 1
    while start < last:
        name, _, answer = header[start].rpartition(".")
        end = next((n for n in range(start, last) if not header[n].startswith(f"{name}.")), last)
        if answer not in _ANSWERS or not name:
            return {}
        first = end  # of the doubts, which come last; a class may be called as one of them
        while _doubt(header[first - 1], name) in set(DOUBTS) - {_doubt(one, name) for one in header[first:end]}:
            first -= 1
        found[name] = _Columns(start, range(start + 1, first), range(first, end), last, answer == _NUMBER)
        start = end
    return found


def _doubt(column: str, target: str) -> str:
    return column.removeprefix(f"{target}.").removesuffix(" (doubts)")


def _summarise(file: Path, header: Sequence[str], own: _Columns) -> PredictionSummary | None:
    """The summary of one target; None if there are no rows."""
    target = header[own.answer].rpartition(".")[0]
    wanted = {own.answer: "label", own.error: "error"} | {n: _doubt(header[n], target) for n in own.doubts}
    places = sorted(wanted)
    columns = pd.read_csv(
        file, usecols=places, names=[wanted[place] for place in places], header=None, skiprows=1, dtype=str,
        keep_default_na=False, on_bad_lines="skip",
    )  # fmt: skip
    if columns.empty:
        return None
    labelled = columns["label"][columns["label"] != ""]
    head = pd.read_csv(
        file, nrows=N_ROWS, header=None, skiprows=1, on_bad_lines="skip",
        dtype={0: str, own.error: str} | ({} if own.is_number else {own.answer: str}),
    )  # fmt: skip
    folder = str(Path(os.path.commonpath([Path(name).parent for name in head[0]])))
    shares = head.iloc[:, list(own.shares)]
    said = (
        {"low": shares.iloc[:, 0], "high": shares.iloc[:, 1]} if own.is_number else {"probability": shares.max(axis=1)}
    )
    shown = pd.DataFrame(
        {
            "image": [os.path.relpath(name, folder) for name in head[0]],
            "label": head[own.answer] if own.is_number else head[own.answer].fillna(""),
            **said,
            "problem": head[own.error].fillna(""),
        }
    )
    n_unreadable = int((columns["error"] != "").sum())
    n_unsure = int((columns["unsure"] == "true").sum()) if "unsure" in columns else None
    p_values = pd.to_numeric(columns["none_of_these"], errors="coerce") if "none_of_these" in columns else None
    n_none = None if p_values is None else int((p_values <= NONE_BELOW).sum())
    named = (header[0], header[own.answer], *(header[n] for n in own.shares), header[own.error])
    return PredictionSummary(
        labelled.value_counts(), n_unreadable, folder, shown, named, bool(own.doubts), n_unsure, n_none, own.is_number
    )
