"""Where the items of a dataset are, and their labels and attributes, before any is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from autotl.data.item_hashes import copies_of
from autotl.data.note import Note
from autotl.targets import Kind


@dataclass(frozen=True)
class Source:
    """Where the items are, and their labels and attributes, before any item is read.

    root: the resolved folder that paths are relative to.
    table: one row per item, sorted by path, all text: path (posix, relative to root, or absolute), label (empty:
        unlabelled), given_split (empty, train, validation or test), missing (empty, or why a row of a table has no
        file), then one column `attribute.NAME` per attribute (empty: absent). Of composed items it also has
        `PART.path`, the absolute path of each part (empty: it is missing).
    ignored: number of other files by kind: "hidden", "system", "*.txt", ...; a hidden folder counts once.
    layout: how the data was understood, in a sentence.
    label: name of the column of labels, empty for folders. notes: what else there is to tell.
    modality: the kind of the items, by its name. kind: of the target, see `autotl.targets`. order: of its classes, from
        low to high, if it was given.
    """

    root: Path
    table: pd.DataFrame
    ignored: Mapping[str, int]
    layout: str
    label: str
    notes: tuple[Note, ...] = ()
    modality: str = "image"
    kind: Kind = "classes"
    order: tuple[str, ...] = ()

    @cached_property
    def copies(self) -> frozenset[str]:
        """Paths of the items whose content is also at another path."""
        return copies_of(self.root, list(self.table["path"][self.table["missing"] == ""]), self.modality)
