"""Miniatures that stay in the cache until they are compared: those of 100,000 images take 300 MB."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from autotl.cache.record_store import RecordStore
from autotl.images.alignment import MINIATURE_EDGE

READ_AT_ONCE = 1024


@dataclass(frozen=True, eq=False)
class StoredMiniatures:
    """Miniatures by the content of their files; `np.asarray` reads them, uint8 (n, 3, 32, 32).

    store: of records with a field `miniature`. digests: SHA-256 of each file, bytes (n,). paths: text (n,).
    examine(path): what the cache has lost, or a reason why the file cannot be decoded; its miniature is then blank.
    """

    store: RecordStore
    digests: np.ndarray
    paths: np.ndarray
    examine: Callable[[str], np.ndarray | str]

    dtype = np.dtype(np.uint8)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """That of the array."""
        return (len(self.digests), 3, MINIATURE_EDGE, MINIATURE_EDGE)

    def __len__(self) -> int:
        return len(self.digests)

    def __getitem__(self, rows: np.ndarray) -> StoredMiniatures:
        return StoredMiniatures(self.store, self.digests[rows], self.paths[rows], self.examine)

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        found, known = read_miniatures(self.store, self.digests)
        for row in np.flatnonzero(~known):
            record = self.examine(str(self.paths[row]))
            if not isinstance(record, str):
                found[row] = record["miniature"]
        return found if dtype is None else found.astype(dtype, copy=False)


def read_miniatures(store: RecordStore, digests: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Miniatures uint8 (n, 3, 32, 32), blank where unknown, and which of them are known, bool (n,)."""
    found = np.zeros((len(digests), 3, MINIATURE_EDGE, MINIATURE_EDGE), dtype=np.uint8)
    known = np.zeros(len(digests), dtype=bool)
    for start in range(0, len(digests), READ_AT_ONCE):
        part = slice(start, start + READ_AT_ONCE)
        records, known[part] = store.read(digests[part])
        found[part] = records["miniature"]
    return found, known
