"""A split that a table gives: a column of its parts, or columns such as `is_train`.

Words that are not known are never passed over: rows that a word leaves out ("unused") are left out by name, and any
other unknown word is an error, because a test image would be trained on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from autotl.data.column_words import FALSE_WORDS, MISSING_WORDS, SPLIT_COLUMNS, TRUE_WORDS, plain_name
from autotl.data.csv_text import first_row
from autotl.data.folder_names import part_of
from autotl.data.item_kinds import IMAGES, ItemKind
from autotl.data.note import Note
from autotl.errors import DatasetError
from autotl.runtime.wording import listed

_LEFT_OUT = frozenset(
    {"unused", "extra", "ignore", "ignored", "exclude", "excluded", "skip", "skipped", "drop", "dropped", "none", "out",
     "left out", "left_out", "leftout", "omit", "omitted", "discard", "discarded", "other", "not used", "unassigned"}
)  # fmt: skip
_MOST_WORDS, _LONGEST_WORD = 20, 100
"""Of a column that gives the split whatever it is called; characters."""
_FLAG = re.compile(r"is_?(?:in_?)?(?:the_?)?([a-z]+?)_?(?:set|split|image|img|data|sample)?")
_PRIVATE = re.compile(r"(?:public|private)[\s_-]*test")
_FOLDS = frozenset({"fold", "folds", "kfold", "k_fold", "cv_fold", "fold_id"})
_ALSO_A_SET = frozenset({"set", "data_set"})
"""Names of columns that may as well number sets of images."""
_CELEBA = {"0": "train", "1": "validation", "2": "test"}


@dataclass(frozen=True)
class GivenSplit:
    """The split in a table.

    columns: that give it; none where there is none. parts: of each row, train, validation, test or empty.
    left_out: of each row, why it is left out, such as "its 'split' is 'unused'", or empty. notes: what else to tell.
    """

    columns: tuple[str, ...]
    parts: pd.Series
    left_out: pd.Series
    notes: tuple[Note, ...] = ()

    def of_labelled(self, labelled: pd.Series, table: str) -> GivenSplit:
        """The same for the rows with a label (bool): the others are in no split, and left out of nothing."""
        out = self.left_out.where(labelled, "")
        named = out[out != ""].value_counts()
        if named.empty:
            return replace(self, left_out=out)
        words = listed((f"{reason} ({n:,})" for reason, n in named.items()), most=5)
        note = Note(
            f"{named.sum():,} of {len(out):,} rows of {table} are left out: {words}",
            "Write train, validation or test to use them.",
        )
        return replace(self, left_out=out, notes=(*self.notes, note))


def read_split(frame: pd.DataFrame, columns: Sequence[str], table: str, kind: ItemKind = IMAGES) -> GivenSplit:
    """The split in a table of text. columns: that may give it. table: its name, kind: of its items, for messages.

    Raises DatasetError if a column gives a split in words that are not known.
    """
    for name in columns:
        if plain_name(name) in SPLIT_COLUMNS and (found := _from_words(frame[name], table)):
            return found
    flags = {name: part for name in columns if (part := _flag_part(frame[name]))}
    if flags:
        return _from_flags(frame, flags, table, kind)
    for name in columns:
        if _is_split_by_content(frame[name]):
            return _split_of(frame[name], table)
    return GivenSplit((), _empty(frame), _empty(frame), _unused_columns(frame, columns, kind))


def part_of_word(word: str) -> str:
    """The part of a split that a word names: train, validation or test; empty where it names none."""
    if _PRIVATE.fullmatch(word.strip().lower()):
        return "test"
    found = part_of(word)
    return "" if found.rest else found.part


def _from_words(column: pd.Series, table: str) -> GivenSplit | None:
    """The split in a column with the name of one; None if no word in it says so."""
    words = _words(column)
    parts = {part_of_word(word) for word in words}
    if parts - {""}:
        return _split_of(column, table)
    if words and words <= _CELEBA.keys() and len(words) == len(_CELEBA):
        note = Note(
            f"the column {column.name!r} of {table} has the numbers 0, 1 and 2: they are read as train, validation and "
            "test, as in CelebA",
            "Write the words train, validation and test if they mean something else.",
        )
        return GivenSplit((str(column.name),), column.str.strip().map(_CELEBA).fillna(""), _empty(column), (note,))
    numbers = all(re.fullmatch(r"-?\d+(\.0+)?", word) for word in words) or words <= TRUE_WORDS | FALSE_WORDS
    if words and numbers and plain_name(str(column.name)) not in _ALSO_A_SET:
        raise DatasetError(
            f"the column {column.name!r} of {table} has {listed(sorted(words))}, which do not say which part of a "
            "split they are. Write train, validation or test instead, or rename the column if it is no split."
        )
    return None


def _split_of(column: pd.Series, table: str) -> GivenSplit:
    """The split in a column in which at least one word names a part."""
    name, text = str(column.name), column.str.strip()
    parts = text.map(part_of_word)
    lower = text.str.lower()
    blank = lower.isin(MISSING_WORDS)
    unknown = text[(parts == "") & ~lower.isin(_LEFT_OUT) & ~blank]
    if len(unknown):
        named = [
            f"{word!r} in {n:,} row{'s'[: n > 1]} such as row {first_row(text == word)}"
            for word, n in unknown.value_counts().items()
        ]
        raise DatasetError(
            f"the column {name!r} of {table} gives a split, but has {listed(named, most=5)}, which is none of train, "
            "validation and test. Correct the word, write `unused` to leave these rows out, or rename the column if it "
            "is no split."
        )
    # Where only the test images are marked, the others are to train on.
    free = blank if "train" not in set(parts) else blank & False
    out = (parts == "") & ~free
    notes = []
    if free.any():
        notes.append(Note(f"{int(free.sum()):,} rows of {table} with an empty {name!r} are trained on", "", "info"))
    why = text.map(lambda word: f"its {name!r} is {word!r}" if word else f"its {name!r} is empty")
    return GivenSplit((name,), parts, why.where(out, ""), tuple(notes))


def _from_flags(frame: pd.DataFrame, flags: Mapping[str, str], table: str, kind: ItemKind) -> GivenSplit:
    """The split in columns such as `is_train` and `is_test`, which hold true or false."""
    true = {name: frame[name].str.strip().str.lower().isin(TRUE_WORDS) for name in flags}
    several = pd.concat(true, axis=1).sum(axis=1) > 1
    if several.any():
        raise DatasetError(
            f"row {first_row(several)} of {table} is in several parts of the split: {listed(flags)} are true. "
            f"Each {kind.name} can be in one only."
        )
    rest = "train" if "train" not in flags.values() else "test" if "test" not in flags.values() else ""
    parts = pd.Series(rest, index=frame.index, dtype=object)
    for name, part in flags.items():
        parts[true[name]] = part
    left_out = pd.Series(f"none of {listed(flags)} is true", index=frame.index).where(parts == "", "")
    return GivenSplit(tuple(flags), parts, left_out)


def _flag_part(column: pd.Series) -> str:
    """The part of a split that a column such as `is_train` marks; empty where it is another column."""
    found = _FLAG.fullmatch(plain_name(str(column.name)))
    part = part_of_word(found[1]) if found else ""
    words = _words(column)
    return part if part and words & TRUE_WORDS and words <= TRUE_WORDS | FALSE_WORDS else ""


def _is_split_by_content(column: pd.Series) -> bool:
    """Whether every word in a column of any name is a part of a split, and there are at least two of them."""
    words = _words(column)
    if len(words) >= _MOST_WORDS or any(len(word) > _LONGEST_WORD for word in words):  # texts, which take time to read
        return False
    parts = {part_of_word(word) for word in words if word not in _LEFT_OUT}
    return "" not in parts and "train" in parts and len(parts) > 1


def _unused_columns(frame: pd.DataFrame, columns: Sequence[str], kind: ItemKind) -> tuple[Note, ...]:
    """What there is to tell about columns that are called like a split and give none."""
    notes = []
    for name in columns:
        words = _words(frame[name])
        if plain_name(name) in SPLIT_COLUMNS and words:
            notes.append(
                Note(
                    f"the column {name!r} is not read as a split: it has {listed(sorted(words), most=5)}, none of "
                    "which is train, validation or test",
                    "Write these words if it is one.",
                )
            )
        elif plain_name(name) in _FOLDS and 1 < len(words) <= 20:
            notes.append(
                Note(
                    f"the column {name!r} gives folds; AutoTL makes its own, and a test split",
                    f"Give --groups {name} to keep the {kind.plural} of each fold together, or a column `split` with "
                    "train, validation and test.",
                )
            )
    return tuple(notes)


def _words(column: pd.Series) -> set[str]:
    return set(column.str.strip().str.lower()) - MISSING_WORDS


def _empty(like: pd.DataFrame | pd.Series) -> pd.Series:
    return pd.Series("", index=like.index, dtype=object)
