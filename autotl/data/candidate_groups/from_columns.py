"""Candidates from the columns of a table."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pandas as pd

from autotl.data.candidate_groups.candidate import GroupCandidate, make_candidate
from autotl.data.candidate_groups.from_email import without_reply
from autotl.data.column_words import plain_name, without_missing
from autotl.data.item_kinds import TEXTS, kind_of_files

_IDENTIFIES = re.compile(
    r"patient|subject|person|participant|donor|user|case|animal|specimen|unit|slide|site|camera|session|batch|film"
    r"|video|series|group|(^|[_ .-])id$|serial",
    re.IGNORECASE,
)
_IDENTIFIES_TEXTS = re.compile(
    r"author|user|writer|speaker|sender|account|handle|screen_?name|person|participant|respondent|patient|customer"
    r"|reviewer|thread|conversation|dialog|discussion|debate|session|series|group|case|book|document|(^|[_ .-])id$",
    re.IGNORECASE,
)
_IDENTIFIES_BOTH = re.compile(f"{_IDENTIFIES.pattern}|{_IDENTIFIES_TEXTS.pattern}", re.IGNORECASE)
_SUBJECTS = frozenset({"subject", "subject_line", "email_subject", "betreff", "objet", "asunto", "oggetto"})
"""Columns of the subjects of e-mails, of which a reply repeats the one before it."""
_MOST_VALUES = 0.5
"""A column with more values than this share of the items describes items and not groups."""


def by_columns(items: pd.DataFrame) -> Iterator[GroupCandidate]:
    """Columns whose values repeat; those whose names speak of persons or things first.

    Of texts, also the subjects of e-mails without the marks of a reply.
    """
    names = [name for name in items.columns if name.startswith("attribute.")]
    identifies = _IDENTIFIES
    if f"{TEXTS.name}.path" in items:  # images with a text each
        identifies = _IDENTIFIES_BOTH
    if kind_of_files(items["path"]) is TEXTS:
        identifies = _IDENTIFIES_TEXTS
        subjects = [name for name in names if plain_name(name.removeprefix("attribute.")) in _SUBJECTS]
        names = [name for name in names if name not in subjects]
        yield from (_by_subject(items, name) for name in subjects)
    for name in sorted(names, key=lambda name: not identifies.search(name.removeprefix("attribute."))):
        found = without_missing(items[name])
        n_values = found[found != ""].nunique()
        if not 0 < n_values <= _MOST_VALUES * len(items):
            continue
        short = name.removeprefix("attribute.")
        yield make_candidate(
            items, short, found, how=f"the column {short!r} of the table", of=short,
            decides=bool(identifies.search(name.removeprefix("attribute."))),
        )  # fmt: skip


def _by_subject(items: pd.DataFrame, name: str) -> GroupCandidate:
    """Texts with the same subject but for the marks of a reply."""
    short = name.removeprefix("attribute.")
    found = without_missing(items[name]).map(without_reply)
    how = f"the column {short!r} of the table, without Re: and the like"
    return make_candidate(items, f"{plain_name(short).replace('_', '-')}-thread", found, how=how, of="thread")
