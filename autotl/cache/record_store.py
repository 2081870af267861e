"""A cache on disk with one record per content hash; several processes may write to it at once."""

from __future__ import annotations

import io
import os
import re
import time
import uuid
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autotl.runtime.atomic_files import write_atomically

_NAME = re.compile(r"[0-9a-f]{32}-(?P<records>[0-9a-f]{8})-(?P<keys>[0-9a-f]{8})")
_KEYS, _RECORDS = ".keys.npy", ".npy"
SUFFIXES = (_RECORDS, _KEYS)
"""Of the files of a shard, in the order in which they are written."""
_TOUCH_SECONDS = 60.0
_CHUNK_BYTES = 1 << 18
_verified: set[tuple[Path, int, int]] = set()
"""Shards whose checksum this process has verified: (file, time of modification, bytes)."""


@dataclass(frozen=True)
class _Shard:
    """An open shard. keys: bytes (n,). offset: where the records start in their file."""

    file: Path
    keys: np.ndarray
    offset: int


class _DamagedError(Exception):
    """A file of a shard does not contain what was written to it."""


class RecordStore:
    """Records by content hash, in append-only shards: `ID-CRC-CRC.npy` (records), `ID-CRC-CRC.keys.npy` (digests).

    Each shard is written under a name of its own, its keys last, so that several processes may write at once, and a
    killed one leaves at most a shard that is never read. The name contains the checksums of both files: a shard that
    has been damaged since is deleted, and its records are unknown again. Any file may disappear at any time. A shard
    is mapped only while it is read, so that memory does not grow with the store; the time of its keys file is that of
    its last use.

    dtype, shape: of one record.
    """

    def __init__(self, folder: Path, dtype: np.dtype, shape: tuple[int, ...] = ()) -> None:
        self.folder = folder
        self.dtype = dtype
        self.shape = shape
        self._shards: dict[str, _Shard] = {}
        self._foreign: set[str] = set()
        self._touched: dict[str, float] = {}
        self._names: list[str] = []
        self._told: set[str] = set()
        self._indexed = True
        self._keys = np.zeros(0, dtype="S1")
        self._places = np.zeros((0, 2), dtype=np.int64)

    def known(self, digests: np.ndarray) -> np.ndarray:
        """Which records are in the store, bool (n,); reading may still find some of them damaged."""
        self._refresh()
        return self._locate(digests)[:, 0] >= 0

    def arrivals(self) -> np.ndarray:
        """Digests of the records that have come since this was last called, of all of them at first; bytes (n,)."""
        self._refresh()
        new = [shard.keys for name, shard in self._shards.items() if name not in self._told]
        self._told |= self._shards.keys()
        return np.concatenate(new) if new else np.zeros(0, dtype="S1")

    def shards(self) -> dict[str, np.ndarray]:
        """The digests in each shard, bytes (n,), by its name; its files end in `SUFFIXES`."""
        self._refresh()
        return {name: shard.keys for name, shard in self._shards.items()}

    def read(self, digests: np.ndarray, columns: Sequence[slice] | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Records (n, *shape), zero where unknown, and which of them are known, bool (n,); digests: bytes (n,).

        columns: of records with one axis, the slices to read, concatenated; None for the whole record.
        """
        shape = self.shape if columns is None else (sum(c.stop - c.start for c in columns),)
        records = np.zeros((len(digests), *shape), dtype=self.dtype)
        known = np.zeros(len(digests), dtype=bool)
        sound = False
        while not sound:  # the records of a lost shard may also be in another one
            self._refresh()
            open_ = np.flatnonzero(~known)
            places = self._locate(digests[open_])
            order = np.argsort(places[:, 0], kind="stable")
            order = order[places[order, 0] >= 0]
            sound, names = True, self._names
            for part in np.split(order, np.flatnonzero(np.diff(places[order, 0])) + 1):
                if not len(part):
                    continue
                name = names[places[part[0], 0]]
                if self._gather(self._shards[name], records, open_[part], places[part, 1], columns):
                    known[open_[part]] = True
                    self._touch(name)
                else:
                    sound = False
        return records, known

    def append(self, digests: np.ndarray, records: np.ndarray) -> None:
        """Add records; digests: bytes (n,), records (n, *shape)."""
        self.folder.mkdir(parents=True, exist_ok=True)
        contents = {_RECORDS: _npy(records), _KEYS: _npy(digests)}
        name = "-".join([uuid.uuid4().hex, *(f"{zlib.crc32(data):08x}" for data in contents.values())])
        for suffix, data in contents.items():
            write_atomically(self.folder / f"{name}{suffix}", data)

    def take_in(self, name: str, keys: bytes, records: Path) -> bool:
        """Add a shard that was made elsewhere, of which `records` is moved; False if it is not what was written."""
        if shard_keys(name, keys) is None or not _is_intact(records, name):
            return False
        self.folder.mkdir(parents=True, exist_ok=True)
        records.replace(self.folder / f"{name}{_RECORDS}")
        write_atomically(self.folder / f"{name}{_KEYS}", keys)
        return True

    def _refresh(self) -> None:
        """Open new shards and forget deleted ones."""
        try:
            names = {entry.name.removesuffix(_KEYS) for entry in os.scandir(self.folder) if entry.name.endswith(_KEYS)}
        except OSError:
            names = set()
        changed = False
        for name in self._shards.keys() - names:
            del self._shards[name]
            changed = True
        for name in sorted(names - self._shards.keys() - self._foreign):
            shard = self._open(name)
            if shard is None:
                self._foreign.add(name)
            else:
                self._shards[name] = shard
                changed = True
        if changed:
            self._indexed = False

    def _index(self) -> None:
        self._indexed = True
        self._names = list(self._shards)
        shards = list(self._shards.values())
        keys = np.concatenate([shard.keys for shard in shards]) if shards else np.zeros(0, dtype="S1")
        numbers = np.repeat(np.arange(len(shards)), [len(shard.keys) for shard in shards])
        rows = np.concatenate([np.arange(len(shard.keys)) for shard in shards]) if shards else numbers
        order = np.argsort(keys, kind="stable")
        self._keys, self._places = keys[order], np.stack([numbers, rows], axis=1)[order]

    def _locate(self, digests: np.ndarray) -> np.ndarray:
        """The shard's number and the row in it of each record, int (n, 2); -1 where it is unknown."""
        if not self._indexed:
            self._index()
        places = np.full((len(digests), 2), -1, dtype=np.int64)
        if len(self._keys) and len(digests):
            found = np.searchsorted(self._keys, digests).clip(max=len(self._keys) - 1)
            hit = self._keys[found] == digests
            places[hit] = self._places[found[hit]]
        return places

    def _open(self, name: str) -> _Shard | None:
        """A shard with intact keys whose records have the expected type and number; None for all others."""
        if not _NAME.fullmatch(name):
            return None
        file = self.folder / f"{name}{_RECORDS}"
        try:
            keys = shard_keys(name, (self.folder / f"{name}{_KEYS}").read_bytes())
            if keys is None:
                raise _DamagedError
            with file.open("rb") as opened:
                if np.lib.format.read_magic(opened) != (1, 0):
                    return None
                shape, fortran, dtype = np.lib.format.read_array_header_1_0(opened)
                offset = opened.tell()
            if dtype != self.dtype or fortran or shape != (keys.size, *self.shape) or keys.ndim != 1 or not keys.size:
                return None
            if file.stat().st_size != offset + keys.size * int(np.prod(self.shape)) * dtype.itemsize:
                raise _DamagedError
        except (_DamagedError, ValueError, EOFError, FileNotFoundError):
            self._delete(name)
            return None
        except OSError:
            return None
        return _Shard(file, keys, offset)

    def _gather(
        self, shard: _Shard, into: np.ndarray, at: np.ndarray, rows: np.ndarray, columns: Sequence[slice] | None
    ) -> bool:
        """Copy rows of a shard to positions in `into`; False if it is damaged or gone, and then forgotten."""
        name = shard.file.name.removesuffix(_RECORDS)
        try:
            _verify(shard.file)
            stored = np.memmap(
                shard.file, self.dtype, mode="r", offset=shard.offset, shape=(len(shard.keys), *self.shape)
            )
        except (OSError, ValueError, _DamagedError):
            del self._shards[name]
            self._foreign.add(name)
            self._delete(name)
            self._indexed = False
            return False
        if columns is None:
            into[at] = stored[rows]
            return True
        start = 0
        for column in columns:
            stop = start + column.stop - column.start
            into[at, start:stop] = stored[rows, column]
            start = stop
        return True

    def _touch(self, name: str) -> None:
        """Say that a shard is in use; not more than once a minute, for there may be thousands."""
        now = time.monotonic()
        if now - self._touched.get(name, -_TOUCH_SECONDS) >= _TOUCH_SECONDS:
            self._touched[name] = now
            try:
                os.utime(self.folder / f"{name}{_KEYS}")
            except OSError:  # gone, or in somebody else's cache
                return

    def _delete(self, name: str) -> None:
        for suffix in (_KEYS, _RECORDS):
            try:
                (self.folder / f"{name}{suffix}").unlink(missing_ok=True)
            except OSError:  # still open elsewhere on Windows, or not ours: it stays unread
                continue


def shard_keys(name: str, data: bytes) -> np.ndarray | None:
    """The digests in the keys file of a shard, bytes (n,); None if it is damaged, or not an array."""
    matched = _NAME.fullmatch(name)
    if not matched or zlib.crc32(data) != int(matched["keys"], 16):
        return None
    try:
        keys: np.ndarray = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError):  # as anyone may have put it where shards are shared
        return None
    return keys


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _verify(file: Path) -> None:
    """Raise _DamagedError unless the file's bytes have the checksum of its name; once per process and writing."""
    found = file.stat()
    seen = (file, found.st_mtime_ns, found.st_size)
    if seen in _verified:
        return
    if not _is_intact(file, file.name):
        raise _DamagedError
    _verified.add(seen)


def _is_intact(file: Path, name: str) -> bool:
    """Whether the records of a shard of this name have its checksum."""
    checksum = 0
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK_BYTES):
            checksum = zlib.crc32(chunk, checksum)
    matched = _NAME.match(name)
    return matched is not None and checksum == int(matched["records"], 16)
