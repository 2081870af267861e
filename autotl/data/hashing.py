"""Hashes of the contents of files, and which files are copies."""

from __future__ import annotations

import hashlib
import math
import os
import stat
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from autotl.runtime.progress import OnProgress

_CHUNK_BYTES = 1 << 20
_HEAD_BYTES = 1 << 16
_FILES_AT_ONCE = 256
# Opening a pipe would block forever; on Windows, which lacks that flag, text mode would translate line ends.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NO_CONTENT = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class _Content:
    sha256: str
    n_bytes: int
    quarantine: str


def hash_files(
    root: Path, paths: Sequence[str], *, most_bytes: float = math.inf, progress: OnProgress | None = None
) -> pd.DataFrame:
    """Hash files; columns sha256 (hexadecimal), n_bytes, and quarantine: why a file cannot be read, or empty.

    paths: relative to root, or absolute. most_bytes: only that many bytes of each file are read. Memory does not grow
    with the size of the files.
    """
    names = [os.path.join(root, path) for path in paths]  # noqa: PTH118, Path objects take as long as reading
    found: list[_Content] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for batch in pool.map(lambda some: [_read(name, most_bytes) for name in some], _batches(names)):
            found += batch
            if progress:
                progress(len(found), len(names))
    return pd.DataFrame(
        {
            "sha256": [content.sha256 for content in found],
            "n_bytes": [content.n_bytes for content in found],
            "quarantine": [content.quarantine for content in found],
        }
    )


def find_copies(root: Path, paths: Sequence[str]) -> frozenset[str]:
    """Those of the files whose content is also at another of the paths."""
    same = pd.Series([*paths], dtype=str)
    sizes = [_size(os.path.join(root, path)) for path in paths]  # noqa: PTH118, see above
    same = same[pd.Series(sizes).duplicated(keep=False)]
    # Uncompressed images are often of one size, but seldom have the same first bytes.
    for most_bytes in (_HEAD_BYTES, math.inf):
        found = hash_files(root, list(same), most_bytes=most_bytes)
        same = same[found["sha256"].duplicated(keep=False).to_numpy(bool)]
    return frozenset(same)


def _size(name: str) -> int:
    try:
        return os.stat(name).st_size  # noqa: PTH116, see above
    except OSError:
        return -1


def _batches(names: list[str]) -> Iterator[list[str]]:
    return (names[start : start + _FILES_AT_ONCE] for start in range(0, len(names), _FILES_AT_ONCE))


def _read(name: str, most_bytes: float) -> _Content:
    try:
        file = os.open(name, _FLAGS)
    except OSError as error:
        return _Content(_NO_CONTENT, 0, f"cannot be read: {error.strerror or error}")
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            return _Content(_NO_CONTENT, 0, "it is not a file")
        digest, n_bytes = hashlib.sha256(), 0
        while part := os.read(file, int(min(_CHUNK_BYTES, most_bytes - n_bytes))):
            digest.update(part)
            n_bytes += len(part)
        return _Content(digest.hexdigest(), n_bytes, "" if n_bytes else "it is empty (0 bytes)")
    except OSError as error:
        return _Content(_NO_CONTENT, 0, f"cannot be read: {error.strerror or error}")
    finally:
        os.close(file)
