"""Modality: the kind of item that a dataset holds, and how such items are examined, compared and named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class ItemFacts(Protocol):
    """The facts about some files.

    facts: one row per file, with the fact columns of the modality (0 or empty where a file cannot be read).
    signatures: one row per file, by which near-duplicates are found. quarantine: why a file cannot be read, or empty;
        text (n,).
    """

    @property
    def facts(self) -> pd.DataFrame: ...

    @property
    def signatures(self) -> np.ndarray: ...

    @property
    def quarantine(self) -> np.ndarray: ...


@dataclass(frozen=True)
class Modality:
    """A kind of item, such as the image.

    name: singular, such as "image"; plural: such as "images".
    fact_columns: names of the facts about an item.
    examine(root, paths, digests, *, cache, progress): the `ItemFacts` of files. paths: text (n,), relative to root.
        digests: SHA-256 of each file, bytes (n,).
    compare(signatures, labels, *, sequence, mirrored, progress): the near-duplicates among items, as a table with the
        columns first < second (positions), similarity (0..1) and mirrored. labels: int (n,). sequence: int (m, 2),
        pairs of positions whose names are successive.
    """

    name: str
    plural: str
    fact_columns: tuple[str, ...]
    examine: Callable[..., ItemFacts]
    compare: Callable[..., pd.DataFrame]
