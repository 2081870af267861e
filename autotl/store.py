"""A cache on disk of one record per content hash, which several processes may write at once."""

from __future__ import annotations

import uuid
from pathlib import Path

import numpy as np


class RecordStore:
    """Records by content hash, in append-only shards: `ID.npy` (records), then `ID.keys.npy` (digests).

    Each shard is written whole under a name of its own and its keys last, so several processes may write at once
    and a killed one leaves at most a shard that nobody reads.

    dtype, shape: of one record.
    """

    def __init__(self, folder: Path, dtype: np.dtype, shape: tuple[int, ...] = ()) -> None:
        self.folder = folder
        self.dtype = dtype
        self.shape = shape

    def read(self, digests: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Records (n, *shape), zero where unknown, and which of them are known, bool (n,); digests: bytes (n,)."""
        records = np.zeros((len(digests), *self.shape), dtype=self.dtype)
        known = np.zeros(len(digests), dtype=bool)
        for keys_file in sorted(self.folder.glob("*.keys.npy")):
            shard = self._open(keys_file)
            if shard is None:
                continue
            keys, stored = shard
            order = np.argsort(keys)
            place = np.searchsorted(keys, digests, sorter=order).clip(max=len(keys) - 1)
            hit = (keys[order[place]] == digests) & ~known
            records[hit] = stored[order[place[hit]]]
            known |= hit
        return records, known

    def append(self, digests: np.ndarray, records: np.ndarray) -> None:
        """Keep more records; digests: bytes (n,), records (n, *shape)."""
        self.folder.mkdir(parents=True, exist_ok=True)
        name = uuid.uuid4().hex
        for suffix, array in ((".npy", records), (".keys.npy", digests)):
            temporary = self.folder / f".{name}{suffix}.part"
            with temporary.open("wb") as file:
                np.save(file, array)
            temporary.replace(self.folder / f"{name}{suffix}")

    def _open(self, keys_file: Path) -> tuple[np.ndarray, np.ndarray] | None:
        """A shard's digests and memory-mapped records; None where it is damaged, which only costs recomputing."""
        try:
            keys = np.load(keys_file, allow_pickle=False)
            records = np.load(keys_file.with_name(keys_file.name.replace(".keys", "")), mmap_mode="r")
        except (OSError, ValueError, EOFError):
            return None
        sound = (
            keys.dtype.kind == "S"
            and records.dtype == self.dtype
            and records.shape == (keys.size, *self.shape)
            and keys.shape == (keys.size,) != (0,)
        )
        return (keys, records) if sound else None
