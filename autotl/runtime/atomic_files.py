"""Write a file so that a kill at any moment leaves the old content or the new, never a part of it."""

from __future__ import annotations

import re
import uuid
from contextlib import suppress
from pathlib import Path

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{32}")


def write_atomically(path: Path, data: bytes) -> None:
    """Write to a temporary file in the same folder, then move it into place."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def is_temporary(path: Path) -> bool:
    """Whether a file is named like one that is still being written, or that a killed process left."""
    return bool(_TEMPORARY.fullmatch(path.name))


def remove_leftovers(folder: Path, *, before: float) -> None:
    """Remove what killed processes left half written in a folder and below.

    before: seconds since the epoch; a younger temporary file may still be written to.
    """
    for path in folder.rglob(".*"):
        with suppress(OSError):  # another process removes it too
            if is_temporary(path) and path.is_file() and path.stat().st_mtime < before:
                path.unlink()
