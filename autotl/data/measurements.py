"""Labels that are not classes: measurements, or a name of its own for every image."""

from __future__ import annotations

import re

import pandas as pd

from autotl.data.item_kinds import IMAGES, ItemKind
from autotl.errors import DatasetError
from autotl.runtime.wording import listed

_NUMBER = re.compile(r"[+-]?(\d[\d,' ]*)?([.,]\d+)?([eE][+-]?\d+)?\s*%?")
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ].*)?")
_FEW_VALUES = 20
_FEW_EACH = 4
"""Images for each value on average: with fewer, no class could be learned."""
_NEARLY_ALL = 0.9


def require_classes(labels: pd.Series, where: str, kind: ItemKind = IMAGES) -> None:
    """Raise DatasetError if labels are measurements, or nearly all different from each other.

    labels: text, empty if there is none. where: what has them, such as "the column 'label' of x.csv". kind: of the
    items.
    """
    filled = labels[labels != ""]
    values = filled.unique()
    if len(values) <= _FEW_VALUES:
        return
    numbers = sum(bool(re.search(r"\d", value) and _NUMBER.fullmatch(value)) for value in values) / len(values)
    fractions = sum(bool(re.search(r"\d[.,]\d", value)) for value in values) / len(values)
    dates = sum(bool(_DATE.fullmatch(value)) for value in values) / len(values)
    few_each = len(filled) < _FEW_EACH * len(values)
    found = f"{where} has {len(values):,} different values in {len(filled):,} {kind.plural}"
    if dates > _NEARLY_ALL and few_each:
        why = "nearly all dates: that is a date, not a class"
    elif numbers >= _NEARLY_ALL and (few_each or fractions >= _NEARLY_ALL / 2):
        why = "nearly all numbers: that is a measurement, not a class"
    elif len(values) > len(filled) / 2:
        why = f"most of them once: that is a name of each {kind.name}, not a class"
    else:
        return
    learned = "To learn the numbers themselves, add --target number. " if "a measurement" in why else ""
    raise DatasetError(
        f"{found}, {why} (such as {listed(values)}). {learned}To learn classes, name another column with --label NAME, "
        "or add a column with a few ranges or groups, such as low, medium and high."
    )
