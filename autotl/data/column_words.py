"""What the words of a table mean: names of columns, and the one rule for which cells hold no value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import pandas as pd

IMAGE_COLUMNS = (
    "path", "image", "image_path", "imagepath", "file", "file_name", "filename", "filepath", "file_path", "img",
    "img_path", "image_file", "image_name", "image_id", "imageid", "image_bytes", "image_base64", "base64", "bytes",
    "photo", "picture", "name", "id",
)  # fmt: skip
LABEL_COLUMNS = (
    "label", "labels", "class", "class_name", "classname", "label_name", "category", "target", "y", "species", "breed",
    "diagnosis", "dx", "tag", "variety", "type",
)  # fmt: skip
TEXT_LABEL_COLUMNS = (
    "sentiment", "polarity", "emotion", "topic", "intent", "stance", "genre", "section", "spam", "is_spam", "toxic",
    "sarcasm", "is_sarcastic", "humor", "hate", "fake", "stars", "rating",
)  # fmt: skip
"""Common names of a column of labels beside a column of texts, after `LABEL_COLUMNS`."""
SPLIT_COLUMNS = frozenset(
    {"split", "splits", "subset", "partition", "set", "data_split", "dataset_split", "data_set", "split_name", "usage",
     "train_test_split", "train_test", "traintest", "phase"}
)  # fmt: skip
MISSING_WORDS = frozenset({"", "nan", "na", "n/a", "n.a.", "#n/a", "#na", "<na>", "null", "?", "-", "--", "–", "—"})
"""Spellings of a missing value, in lower case."""
TRUE_WORDS = frozenset({"true", "1", "1.0", "yes", "y", "t", "x"})
FALSE_WORDS = frozenset({"false", "0", "0.0", "no", "n", "f", ""})
DOUBTFUL_WORDS = frozenset({"none", "nil", "unknown", "undefined", "missing", "not available", "tbd", "todo", ".", "#"})
"""Words that may mean "no value" or a class ("none" of the defects); they are taken as classes, with a warning."""


def without_missing(column: pd.Series) -> pd.Series:
    """The column as text without spaces around it, empty for missing values."""
    text = column.astype(str).str.strip()
    return text.where(~text.str.lower().isin(MISSING_WORDS), "")


def called(wanted: Iterable[str], columns: Sequence[str]) -> list[str]:
    """The columns that have one of the wanted names, in the order of these names."""
    return [column for name in wanted for column in columns if plain_name(column) == name]


def is_known(name: str) -> bool:
    """Whether a text is a common name of a column of images, labels or a split."""
    return plain_name(name) in {*IMAGE_COLUMNS, *LABEL_COLUMNS, *SPLIT_COLUMNS}


def plain_name(name: str) -> str:
    """The name of a column in lower case, with one underscore between words."""
    return re.sub(r"[\s\-]+", "_", name.strip().lower())
