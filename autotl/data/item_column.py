"""The column of a table that gives its items: it names their files, or holds the images or texts themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from autotl.data.column_words import IMAGE_COLUMNS, called, is_known, plain_name
from autotl.data.file_lookup import Folder
from autotl.data.item_kinds import IMAGES, KINDS, TEXTS, ItemKind
from autotl.data.table_images import holds_images, sample
from autotl.data.table_texts import TEXT_COLUMNS, is_longish, text_columns
from autotl.data.tables import holds_bytes, listed_columns, require_column
from autotl.errors import DatasetError
from autotl.runtime.wording import listed

_LONGEST_PATH = 4096
_MOST = 0.5


@dataclass(frozen=True)
class ItemColumn:
    """The column of a table that gives its items.

    kind: of the items. stored: whether its cells hold them, rather than the names of their files. recognised: whether
    it was taken for a column of texts without being asked for.
    """

    name: str
    kind: ItemKind
    stored: bool
    recognised: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that give the items."""
        return (self.name,)

    @property
    def layout(self) -> str:
        """How a layout names it; empty for images."""
        if self.kind is IMAGES:
            return ""
        if not self.stored:
            return f"{self.kind.plural} in the files that the column {self.name!r} names"
        return f"{self.kind.plural} in the column {self.name!r}" + " (--text NAME takes another)" * self.recognised


def find_item_column(
    frame: pd.DataFrame, folder: Folder, path: Path, *, label: str | None = None, text: str | None = None
) -> ItemColumn:
    """Find the column that gives the items of a table, judged by names and contents.

    folder: in which files are looked for. path: of the table, for messages. label: a column that does not give the
    items. text: the column of texts, None if none was asked for. Raises DatasetError if there is no such column.
    """
    if text is not None:
        return _asked_for(frame, folder, path, text, label)
    columns = [name for name in frame.columns if name != label]
    if name := _naming_column(frame, columns, folder):
        stored = holds_images(frame[name])
        return ItemColumn(name, IMAGES if stored else _kind_named(frame[name], folder.holds), stored)
    texts = text_columns(frame, columns)
    if frame.columns[0] == "column 1":  # there is no header, so names say nothing
        texts = [name for name in columns if is_longish(frame[name])]
    if any(is_called_like(frame[name], IMAGES) for name in columns):
        texts = []  # the images are meant, and missing
    if len(texts) > 1:
        raise DatasetError(
            f"{path} has several columns that may hold the texts: {listed(map(repr, texts))}. Name the one to learn "
            "from with --text NAME."
        )
    if texts:
        return ItemColumn(texts[0], TEXTS, stored=True, recognised=True)
    files = [name for name in columns if is_called_like(frame[name], TEXTS)]
    if files and folder.holds is IMAGES and (name := _naming_column(frame, files, folder.holding(TEXTS))):
        return ItemColumn(name, TEXTS, stored=False)
    raise DatasetError(_no_items(frame, columns, folder, path))


def begins_with_text(frame: pd.DataFrame) -> bool:
    """Whether what was read as the header is a row: a text above texts, and a label that occurs below it."""
    names = list(frame.columns)
    if any(is_known(name) for name in names) or called(TEXT_COLUMNS, names):
        return False
    texts = [name for name in names if is_longish(pd.Series([name])) and is_longish(frame[name])]
    return (
        len(texts) == 1
        and any(frame[name].eq(name).any() for name in names if name not in texts)
        and not any(share_called(frame[name], IMAGES) for name in names)
    )


def _asked_for(frame: pd.DataFrame, folder: Folder, path: Path, text: str, label: str | None) -> ItemColumn:
    """The column of texts that the user named, which may name their files."""
    require_column(frame, text, path, "--text")
    if text == label:
        raise DatasetError(f"the column {text!r} of {path} is named with --text and with --label. Give two columns.")
    column = frame[text]
    if holds_bytes(column) or (holds_images(column) and not is_longish(column)):
        raise DatasetError(
            f"the column {text!r} of {path}, given with --text, holds images or other bytes, not texts. Name another "
            "column, or leave out --text to learn from images."
        )
    if sample(column.str.strip()).empty:
        raise DatasetError(
            f"the column {text!r} of {path}, given with --text, is empty in all of its {len(column):,} rows. Fill it "
            "in, or name another column."
        )
    if is_called_like(column, IMAGES):
        raise DatasetError(
            f"the column {text!r} of {path}, given with --text, names images, such as {sample(column).iloc[0][:80]!r}. "
            "Name the column of texts, or leave out --text to learn from images."
        )
    named = is_called_like(column, TEXTS)
    if named or plain_name(text) in IMAGE_COLUMNS:
        texts = folder.holding(TEXTS)
        share = share_of_items(column, texts, known=not named)
        if share > (0 if named else _MOST):
            return ItemColumn(text, TEXTS, stored=False)
        if named:
            raise DatasetError(none_exists(text, column, texts, path))
    return ItemColumn(text, TEXTS, stored=True)


def _naming_column(frame: pd.DataFrame, columns: Sequence[str], folder: Folder) -> str:
    """The column that names the most items of a folder, or holds images; empty if there is none."""
    named = called(IMAGE_COLUMNS, columns)
    for candidates, known in ((named, True), ([name for name in columns if name not in named], False)):
        shares: dict[str, float] = {}
        for name in candidates:
            shares[name] = share_of_items(frame[name], folder, known=known)
            if shares[name] == 1:  # checking more columns could mean listing every folder
                return name
        if any(shares.values()):
            return max(shares, key=lambda name: shares[name])
    return ""


def share_of_items(column: pd.Series, folder: Folder, *, known: bool) -> float:
    """The share of a column's cells that name items of a folder; 1 if it holds images.

    known: whether names without a suffix count too, as in a column that is called like one of items.
    """
    if holds_images(column):
        return 1.0
    names = sample(column)
    if not known:  # a class may have the same name as a file's stem
        names = names[_called_like(names, folder.holds)]
    found = [bool(folder.find(name.strip())) for name in names]
    return sum(found) / len(found) if found else 0.0


def _called_like(names: pd.Series, kind: ItemKind) -> pd.Series:
    return names.str.lower().str.endswith(tuple(kind.suffixes))


def share_called(column: pd.Series, kind: ItemKind) -> float:
    """The share of a column's cells that may be the name of a file of such items."""
    if holds_bytes(column):
        return 0.0
    names = [name.strip() for name in sample(column)]
    suffixes = tuple(kind.suffixes)
    like = [name.lower().endswith(suffixes) and "\n" not in name and len(name) <= _LONGEST_PATH for name in names]
    return sum(like) / len(like) if like else 0.0


def is_called_like(column: pd.Series, kind: ItemKind) -> bool:
    """Whether most of a column's cells may be the name of a file of such items."""
    return share_called(column, kind) > _MOST


def is_never_a_path(column: pd.Series) -> bool:
    """Whether a column is read as texts or attributes without looking for files: none of its texts is a file name."""
    if plain_name(str(column.name)) in IMAGE_COLUMNS or not is_longish(column):
        return False
    names = column.str.strip()
    return not any(_called_like(names, kind).any() for kind in KINDS.values())


def _kind_named(column: pd.Series, default: ItemKind) -> ItemKind:
    """The kind of item that the names of files in a column are of, by their suffixes; the default without any."""
    return next((kind for kind in KINDS.values() if is_called_like(column, kind)), default)


def _no_items(frame: pd.DataFrame, columns: Sequence[str], folder: Folder, path: Path) -> str:
    """The message for a table in which no column gives items."""
    meant = [kind for name in columns for kind in KINDS.values() if is_called_like(frame[name], kind)]
    kind = IMAGES if IMAGES in meant else meant[0] if meant else folder.holds
    folder = folder.holding(kind)
    likely = [*called(TEXT_COLUMNS, columns), *(name for name in columns if is_longish(frame[name]))][:1]
    hint = _text_hint(frame, likely[0]) if likely else ""
    if named := called(IMAGE_COLUMNS, columns):
        return none_exists(named[0], frame[named[0]], folder, path) + hint
    return (
        f"{path} has no column that names the {kind.plural}; its columns are {listed_columns(frame.columns)}. "
        f"Add a column `path` with the {kind.plural}' paths relative to the table.{hint}"
    )


def _text_hint(frame: pd.DataFrame, name: str) -> str:
    """What to do where a column holds texts."""
    if is_longish(pd.Series([name])):
        number = list(frame.columns).index(name) + 1
        return (
            " Its first row seems to be a text and no header: name the columns by their numbers, such as "
            f"--text 'column {number}' --label 'column 1'."
        )
    return f" If the column {name[:60]!r} holds the texts to learn from, add --text {name[:60]!r}."


def none_exists(name: str, column: pd.Series, folder: Folder, path: Path) -> str:
    """The message for a column that should name the items, and names no single one."""
    kind = folder.holds
    first = str(column.iloc[0])[:80]
    several = folder.candidates(first.strip())
    if len(several) > 1:
        return (
            f"{path} names no {kind.name} without doubt: its column {name!r} has {first!r}, and {len(several):,} "
            f"{kind.plural} are called so ({listed(several, most=3)}). Give their paths with the folders."
        )
    return (
        f"{path} names no existing {kind.name}: its column {name!r} has {first!r}, which is not in {folder.root}. Give "
        "paths relative to that folder."
    )
