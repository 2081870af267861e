"""Modality: the kind of item that a dataset holds, and how such items are examined, compared and named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy as np
import pandas as pd

from autotl.item_kind import ItemKind
from autotl.runtime.progress import OnProgress

PAIR_COLUMNS = {"first": int, "second": int, "similarity": float, "mirrored": bool}
"""The columns of a table of near-duplicates, and their kinds."""
CERTAIN = 0.85
"""Similarity from which a pair counts as the same item in any dataset."""


def no_pairs() -> pd.DataFrame:
    """A table of pairs without rows."""
    return pd.DataFrame({name: np.zeros(0, kind) for name, kind in PAIR_COLUMNS.items()})


class ItemFacts(Protocol):
    """The facts about some files.

    facts: one row per file, with the fact columns of the modality (0 or empty if a file cannot be read).
    signatures: one row per file, by which near-duplicates are found: an array, or what `np.asarray` makes one of.
    quarantine: why a file cannot be read, or empty; text (n,).
    """

    @property
    def facts(self) -> pd.DataFrame: ...

    @property
    def signatures(self) -> Any: ...

    @property
    def quarantine(self) -> np.ndarray: ...


class Examiner(Protocol):
    """Examines and compares items of one kind."""

    def read_facts(
        self, root: Path, paths: np.ndarray, digests: np.ndarray, *, cache: Path, progress: OnProgress | None = None
    ) -> ItemFacts:
        """Examine files.

        paths: text (n,), relative to root. digests: SHA-256 of each file, bytes (n,); of composed items, of the files
        of their parts, (n, n_parts).
        """

    def find_pairs(
        self, signatures: Any, labels: np.ndarray, /, *, sequence: np.ndarray, mirrored: bool = False,
        progress: OnProgress | None = None,
    ) -> pd.DataFrame:  # fmt: skip
        """Find the near-duplicates among items: first < second (positions), similarity (0..1), mirrored.

        labels: int (n,), classes. sequence: int (m, 2), pairs of positions whose names are successive.
        """


@dataclass(frozen=True)
class Deployed:
    """How a deployable of one kind of item is written.

    facts: for its metadata.json. packages: what it needs. columns: those that give an item, and their types as MLflow
    names them. example(data, name): what the cells of these columns hold for a file; ValueError if it cannot be read.
    """

    facts: Mapping[str, object]
    packages: tuple[str, ...]
    columns: Mapping[str, str]
    example: Callable[[bytes, str], Mapping[str, str]]


@dataclass(frozen=True)
class Shown:
    """An item as a page shows it: a small JPEG, or the beginning of a text."""

    jpeg: bytes = b""
    text: str = ""


@dataclass(frozen=True)
class Modality:
    """A kind of item, such as the image.

    kind: what it and its files are called. has_pixels: whether items can be shown and explained as
        images. fact_columns: names of the facts about an item.
    examiner(): examines items in this process. apart(): the same in another process, while it is open.
    risk(given): why a given item must not be read in this process; empty if it may be.
    serving(): the module by which exported models read such items, which carry a copy of it.
    show(path, edge): an item for a page, an image with edges of at most so many pixels, a text as a whole where these
        have room for one, else its beginning; ValueError, with the reason, if it cannot be read.
    typical_size(facts): the size of items in words, such as "640 × 480", the median where there are several; facts:
        their fact columns, at least one row. Empty if no item could be read.
    size_words(size): a size as the frozen network takes items, such as "at 224x224 pixels", to follow a network's name.
    reading: how items are read, in sentences for model cards. elsewhere: items of another origin, on which a model was
        not tested.
    deployed(size, files): how a deployable is written. size: as the frozen network takes items. files: what the model
        needs beside its graph, by name.
    contents(path): the bytes of an item's file, with all that it names: the item can be read from them alone.
    files(path): the files of an item's parts, in the order of `parts`; ValueError, with the reason, if it names none.
    parts: names of the kinds of item that such an item consists of; empty if it is not composed. The facts of a
        composed item are those of its parts, each named `PART.FACT`, with `PART.path` and `PART.sha256` of its file.
    """

    kind: ItemKind
    has_pixels: bool
    fact_columns: tuple[str, ...]
    examiner: Callable[[], Examiner]
    apart: Callable[[], AbstractContextManager[Examiner]]
    show: Callable[[Path, int], Shown]
    typical_size: Callable[[pd.DataFrame], str]
    size_words: Callable[[str], str]
    reading: str
    elsewhere: str
    risk: Callable[[Any], str]
    serving: Callable[[], ModuleType]
    deployed: Callable[[tuple[int, int], Mapping[str, Path]], Deployed]
    contents: Callable[[Path], bytes] = Path.read_bytes
    files: Callable[[Path], tuple[Path, ...]] = lambda path: (path,)
    parts: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Singular, such as "image"."""
        return self.kind.name
