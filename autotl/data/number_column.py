"""A column of numbers as people and programs write them: decimal commas, thousands, gaps; never a guess in silence."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from autotl.data.column_words import without_missing
from autotl.data.label_words import place_of
from autotl.data.note import Note
from autotl.errors import DatasetError
from autotl.runtime.wording import listed

FEW_VALUES = 5
"""So few different whole numbers may be grades rather than measurements."""
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
_GROUPED = {mark: re.compile(rf"[+-]?\d{{1,3}}({re.escape(mark)}\d{{3}})+") for mark in (".", ",")}
_BLANKS = re.compile(r"(?<=\d)[ '’_\u00a0\u2009\u202f](?=\d{3}(\D|$))")
_UNIT = r"[^\W\d_]|[%‰°€$£¥]"
_WITH_UNIT = re.compile(rf"(({_UNIT})\D{{0,3}})?[+-]?[\d.,]+\s*(({_UNIT})\D*)?")


@dataclass(frozen=True, eq=False)
class Numbers:
    """values: float (n,), NaN if an item is unlabelled. notes: how they were read, where that is not plain."""

    values: np.ndarray
    notes: tuple[Note, ...] = ()

    def texts(self) -> list[str]:
        """The numbers as Python writes them, empty if there is none."""
        return ["" if math.isnan(value) else repr(float(value)) for value in self.values]


def read_numbers(column: pd.Series, table: str) -> Numbers:
    """The numbers in a column of text, NaN if a cell is empty or says that there is no value.

    Commas are decimal points or stand between thousands, as the cells together show. table: its name, for messages.
    Raises DatasetError if a cell is not a number or has a unit, where "1,500" may be either, and where all are equal.
    """
    text = without_missing(column).str.replace("−", "-", regex=False).str.replace(_BLANKS, "", regex=True)
    filled = text[text != ""]
    where = f"the column {column.name!r} of {table}"
    if filled.empty:
        raise DatasetError(f"{where} has no numbers. Fill it in, or name another column with --label NAME.")
    decimal, thousands = _marks(filled, where)
    plain = filled.str.replace(thousands, "", regex=False) if thousands else filled
    sound = plain.map(lambda cell: bool(_NUMBER.fullmatch(cell)))
    if not sound.all():
        raise DatasetError(_no_number(column, filled, ~sound, where))
    numbers = plain.str.replace(decimal, ".", regex=False).astype(float)
    if not np.isfinite(numbers).all():
        cell = filled[~np.isfinite(numbers)].iloc[0]
        raise DatasetError(f"{where} has {cell!r}, which is too large for a number. Correct it.")
    if numbers.nunique() < 2:
        raise DatasetError(
            f"all {len(numbers):,} numbers in {where} are {numbers.iloc[0]:g}, so that there is nothing to learn. Name "
            "another column with --label NAME."
        )
    values = numbers.reindex(column.index).to_numpy(dtype=np.float64)
    return Numbers(values, _notes(filled, numbers, decimal, thousands, where))


def _marks(cells: pd.Series, where: str) -> tuple[str, str]:
    """The decimal mark, and the one between thousands, empty if there is none."""
    commas, points = cells[cells.str.contains(",", regex=False)], cells[cells.str.contains(".", regex=False)]
    if commas.empty:
        several = points[points.str.count(r"\.") > 1]
        return (",", ".") if len(several) and _all_grouped(points, ".") else (".", "")
    both = commas[commas.str.contains(".", regex=False)]
    if len(both):
        return (".", ",") if (both.str.rfind(".") > both.str.rfind(",")).all() else (",", ".")
    if not _all_grouped(commas, ","):
        return ",", "." if len(points) and _all_grouped(points, ".") else ""
    if (commas.str.lstrip("+-").str.startswith("0,")).any():
        return ",", ""
    plain = cells[~cells.str.contains(",", regex=False)].str.lstrip("+-")
    whole = plain.str.split(".").str[0]
    if (commas.str.count(",") > 1).any() or len(points) or (len(plain) and (whole.str.len() <= 3).all()):
        return ".", ","
    raise DatasetError(
        f"{where} has {commas.iloc[0]!r}, which may be {commas.iloc[0].replace(',', '')} or "
        f"{commas.iloc[0].replace(',', '.')}, and no other cell tells. Write numbers without marks between thousands, "
        "and with a decimal point."
    )


def _all_grouped(cells: pd.Series, mark: str) -> bool:
    return bool(cells.map(lambda cell: bool(_GROUPED[mark].fullmatch(cell))).all())


def _no_number(column: pd.Series, filled: pd.Series, bad: pd.Series, where: str) -> str:
    cells = filled[bad]
    place = place_of(column, int(np.flatnonzero(column.index == cells.index[0])[0]))
    found = f"{len(cells):,} of the {len(filled):,} cells in {where} are not numbers"
    found += f", such as {cells.iloc[0]!r} in {place}"
    if cells.map(lambda cell: bool(_WITH_UNIT.fullmatch(cell)) and any(map(str.isdigit, cell))).all():
        return f"{found}: it has a unit. Write the number alone, in one unit for all rows."
    others = listed(map(repr, cells.unique()[1:]), most=4)
    return (
        f"{found}{f' ({others})' if others else ''}. Write one number into each cell, and leave it empty if it is "
        "unknown."
    )


def _notes(filled: pd.Series, numbers: pd.Series, decimal: str, thousands: str, where: str) -> tuple[Note, ...]:
    notes = []
    marked = [cell for cell in filled if (decimal == "," and "," in cell) or (thousands and thousands in cell)]
    if marked:
        read = f"{marked[0]!r} in {where} is read as {numbers[filled == marked[0]].iloc[0]:.15g}"
        notes.append(Note(read, severity="info"))
    if numbers.nunique() <= FEW_VALUES and (numbers % 1 == 0).all():
        different = listed(f"{value:g}" for value in sorted(numbers.unique()))
        advice = "If they are grades or classes, learn these instead (--target ordered, or no --target)."
        notes.append(Note(f"{where} has only {numbers.nunique()} different numbers ({different})", advice))
    return tuple(notes)
