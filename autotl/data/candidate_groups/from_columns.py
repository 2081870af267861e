"""Candidates from the columns of a table."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pandas as pd

from autotl.data.candidate_groups.candidate import GroupCandidate, make_candidate
from autotl.data.column_words import without_missing

_IDENTIFIES = re.compile(
    r"patient|subject|person|participant|donor|user|case|animal|specimen|unit|slide|site|camera|session|batch|film"
    r"|video|series|group|(^|[_ .-])id$|serial",
    re.IGNORECASE,
)
_MOST_VALUES = 0.5
"""A column with more values than this share of the images describes images and not groups."""


def by_columns(items: pd.DataFrame) -> Iterator[GroupCandidate]:
    """Columns whose values repeat; those whose names speak of persons or things first."""
    names = [name for name in items.columns if name.startswith("attribute.")]
    for name in sorted(names, key=lambda name: not _IDENTIFIES.search(name)):
        found = without_missing(items[name])
        n_values = found[found != ""].nunique()
        if not 0 < n_values <= _MOST_VALUES * len(items):
            continue
        short = name.removeprefix("attribute.")
        yield make_candidate(
            items, short, found, how=f"the column {short!r} of the table", of=short,
            decides=bool(_IDENTIFIES.search(name)),
        )  # fmt: skip
