"""Reading every file once for its content hash."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

_CHUNK_BYTES = 1 << 20
_FILES_AT_ONCE = 256
# A pipe would block for ever, and Windows, which has no such flag, would translate the ends of lines.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NO_CONTENT = hashlib.sha256(b"").hexdigest()

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class _Content:
    sha256: str
    n_bytes: int
    quarantine: str


def hash_files(root: Path, paths: Sequence[str], *, progress: Progress | None = None) -> pd.DataFrame:
    """Hash files; columns sha256 (hexadecimal), n_bytes, and quarantine: why a file cannot be read, or empty.

    paths: relative to root, or absolute. Memory does not grow with the size of the files.
    """
    names = [os.path.join(root, path) for path in paths]  # noqa: PTH118, a Path for each of 100,000 takes as long as reading
    found: list[_Content] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for batch in pool.map(lambda some: [_read(name) for name in some], _batches(names)):
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


def _batches(names: list[str]) -> Iterator[list[str]]:
    return (names[start : start + _FILES_AT_ONCE] for start in range(0, len(names), _FILES_AT_ONCE))


def _read(name: str) -> _Content:
    try:
        file = os.open(name, _FLAGS)
    except OSError as error:
        return _Content(_NO_CONTENT, 0, f"cannot be read: {error.strerror or error}")
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            return _Content(_NO_CONTENT, 0, "it is not a file")
        digest, n_bytes = hashlib.sha256(), 0
        while part := os.read(file, _CHUNK_BYTES):
            digest.update(part)
            n_bytes += len(part)
        return _Content(digest.hexdigest(), n_bytes, "" if n_bytes else "it is empty (0 bytes)")
    except OSError as error:
        return _Content(_NO_CONTENT, 0, f"cannot be read: {error.strerror or error}")
    finally:
        os.close(file)
