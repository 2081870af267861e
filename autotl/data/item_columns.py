"""The columns of a table that give its items: one of images, one of texts, or one of each for pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from autotl.data.column_words import IMAGE_COLUMNS, called, plain_name
from autotl.data.file_lookup import Folder
from autotl.data.item_column import ItemColumn, find_item_column, is_called_like, none_exists, share_of_items
from autotl.data.item_kinds import IMAGES, PAIRS, TEXTS, ItemKind
from autotl.data.note import Note
from autotl.data.table_images import holds_images, sample
from autotl.data.table_texts import TEXT_COLUMNS, is_longish, text_columns
from autotl.data.tables import listed_columns, require_column
from autotl.errors import DatasetError
from autotl.runtime.wording import listed

NO_IMAGES = "none"
"""The value of `image` with which the texts alone are learned from, although the table gives images, too."""
_MOST = 0.5
_IMAGE_WORDS = ("image", "img", "photo", "picture")
_DESCRIBING = (
    *TEXT_COLUMNS, "description", "item_description", "product_description", "caption", "captions", "title", "headline",
    "summary", "abstract", "notes", "findings", "report", "impression", "alt_text",
)  # fmt: skip
"""Common names of a column of texts beside one of images."""


@dataclass(frozen=True)
class PairColumns:
    """The two columns of a table that give pairs."""

    image: ItemColumn
    text: ItemColumn

    @property
    def kind(self) -> ItemKind:
        """The kind of the items."""
        return PAIRS

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that give the items."""
        return (self.image.name, self.text.name)

    @property
    def layout(self) -> str:
        """How a layout names them."""
        column = f"the column {self.image.name!r}"
        images = f"images in {column}" if self.image.stored else f"images in the files that {column} names"
        return f"pairs of {images} and {self.text.layout}"


ItemColumns = ItemColumn | PairColumns


def find_item_columns(
    frame: pd.DataFrame,
    folder: Folder,
    path: Path,
    *,
    label: str | None = None,
    text: str | None = None,
    image: str | None = None,
) -> ItemColumns:
    """Find the columns that give the items of a table; see `find_item_column`.

    text: the column of texts; with one of images, the items are pairs. image: the column of images; None: the one that
    is recognised; `NO_IMAGES`: the texts alone are the items. Raises DatasetError if there are no such columns.
    """
    if image == NO_IMAGES:
        text = text if text is not None else column_of_texts(frame, path, label)
        return find_item_column(frame, folder, path, label=label, text=text)
    if text is None and image is None:
        return find_item_column(frame, folder, path, label=label)
    texts = find_item_column(frame, folder, path, label=label, text=text) if text is not None else None
    if image is not None:
        images = _asked_for(frame, folder.holding(IMAGES), path, image, label, text)
        return PairColumns(images, texts) if texts else images
    assert texts is not None  # at least one of the two was asked for
    name = _recognised(frame, [name for name in frame.columns if name not in (label, text)], folder.holding(IMAGES))
    return PairColumns(ItemColumn(name, IMAGES, holds_images(frame[name])), texts) if name else texts


def _asked_for(
    frame: pd.DataFrame, folder: Folder, path: Path, image: str, label: str | None, text: str | None
) -> ItemColumn:  # fmt: skip
    """The column of images that the user named."""
    require_column(frame, image, path, "--image")
    for option, other in (("--text", text), ("--label", label)):
        if image == other:
            raise DatasetError(
                f"the column {image!r} of {path} is named with --image and with {option}. Give two columns."
            )
    column = frame[image]
    if holds_images(column):
        return ItemColumn(image, IMAGES, stored=True)
    filled = sample(column.str.strip())
    if filled.empty:
        raise DatasetError(
            f"the column {image!r} of {path}, given with --image, is empty in all of its {len(column):,} rows. Fill it "
            "in, or name another column."
        )
    if share_of_items(column, folder, known=True):
        return ItemColumn(image, IMAGES, stored=False)
    if is_called_like(column, IMAGES) or any(folder.candidates(name) for name in filled):
        raise DatasetError(f"{none_exists(image, column, folder, path)} --image {NO_IMAGES} leaves images out.")
    raise DatasetError(
        f"the column {image!r} of {path}, given with --image, does not name images: it has "
        f"{filled.iloc[0][:80]!r}, and no image below {folder.root} has this name. Name the column of images; the "
        f"columns are {listed_columns(frame.columns)}."
    )


def _recognised(frame: pd.DataFrame, columns: Sequence[str], folder: Folder) -> str:
    """The column that gives images, beside one of texts that was asked for; empty if there is none."""
    named = called(IMAGE_COLUMNS, columns)
    columns = [*named, *(name for name in columns if name not in named)]
    if stored := [name for name in columns if holds_images(frame[name])]:
        return stored[0]
    like = [name for name in columns if is_called_like(frame[name], IMAGES)]
    shares = {name: share_of_items(frame[name], folder, known=False) for name in like}
    if any(shares.values()):
        return max(shares, key=lambda name: shares[name])
    # Of a table alone, the folder is listed only where images are meant: it may be the user's home.
    meant = [name for name in named if not folder.lenient or any(word in plain_name(name) for word in _IMAGE_WORDS)]
    return next((name for name in meant if share_of_items(frame[name], folder, known=True) > _MOST), "")


def column_of_texts(frame: pd.DataFrame, path: Path, label: str | None, kind: ItemKind = TEXTS) -> str:
    """The column of texts of a table whose items are texts or have one, where none was named; DatasetError if unclear.

    kind: of the items.
    """
    columns = [name for name in frame.columns if name != label]
    texts = text_columns(frame, columns) or [name for name in columns if is_longish(frame[name])]
    if len(texts) == 1:
        return texts[0]
    found = f"several columns that may hold them ({listed(map(repr, texts))})" if texts else "no column that holds them"
    why = f"texts alone were asked for (--image {NO_IMAGES})" if kind is TEXTS else f"{kind.plural} have a text each"
    raise DatasetError(
        f"{why}, and {path} has {found}; its columns are {listed_columns(frame.columns)}. Name the column of texts "
        "with --text NAME."
    )


def about_unused_columns(
    frame: pd.DataFrame, item: ItemColumns, columns: Sequence[str], *, image: str | None
) -> tuple[Note, ...]:  # fmt: skip
    """What there is to tell about columns that could be learned from, too. columns: neither labels nor a split.

    image: as it was asked for.
    """
    if item.kind is IMAGES:
        texts = [name for name in called(_DESCRIBING, columns) if is_longish(frame[name])]
        advice = f"To learn from the images and these texts together, add --text {_quoted(texts[0])}." if texts else ""
        found = f"the column{'s'[: len(texts) > 1]} {listed(map(repr, texts))} hold{'s'[len(texts) > 1 :]} texts, which"
        return (Note(f"{found} are not learned from", advice, "info"),) if texts else ()
    images = [name for name in columns if is_called_like(frame[name], IMAGES)]
    if item.kind is PAIRS or image == NO_IMAGES or not images:
        return ()
    first = str(sample(frame[images[0]]).iloc[0])[:80]
    return (
        Note(
            f"the column {images[0]!r} names images, none of which was found, such as {first!r}: the texts alone are "
            "learned from",
            f"To learn from both, put the images where the table names them; --image {NO_IMAGES} says that texts alone "
            "are meant.",
        ),
    )


def _quoted(name: str) -> str:
    return name if name.isidentifier() else repr(name)
