"""The columns of a new table that give its items, where the columns of the table that was learned from are known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autotl.data.item_columns import NO_IMAGES
from autotl.data.listing import TABLE_SUFFIXES
from autotl.data.tables import read_table


@dataclass(frozen=True)
class UsualColumns:
    """The columns of texts and of images that a model learned from; None if they were not named."""

    text: str | None = None
    image: str | None = None

    def of(self, path: Path, *, text: str | None, image: str | None) -> UsualColumns:
        """The columns of another table: those that are asked for, else the usual ones if it has them.

        path: of the table; of anything else, they are those that are asked for. Raises DatasetError if it is damaged.
        """
        usual = (None if text else self.text, None if image else self.image)
        if not any(usual) or path.suffix.lower() not in TABLE_SUFFIXES or not path.is_file():
            return UsualColumns(text, image)
        there = (*read_table(path, rows=1).columns, NO_IMAGES)
        return UsualColumns(*(one if one in there else given for one, given in zip(usual, (text, image), strict=True)))


NOT_NAMED = UsualColumns()
