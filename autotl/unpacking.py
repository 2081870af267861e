"""Folders that appear whole or not at all, and that are found again by the content they came from."""

from __future__ import annotations

import hashlib
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autotl.errors import DatasetError

_PREFIX = ".unpacking-"
_STALE_SECONDS = 24 * 3600


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """A hidden folder beside the target that becomes the target in the end, and vanishes if anything is raised.

    A kill leaves it there; the next new folder beside it removes it once it is a day old.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(f"{_PREFIX}*"):
        if time.time() - left.lstat().st_mtime > _STALE_SECONDS:  # another process may still write what is younger
            shutil.rmtree(left, ignore_errors=True)
    temporary = target.parent / f"{_PREFIX}{uuid.uuid4().hex}"
    try:
        temporary.mkdir()
        temporary.chmod(0o755)
        yield temporary
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def folder_of(source: Path, cache: Path) -> Iterator[Path]:
    """The folder for what a file holds, there or not, named by its content; nobody else makes it meanwhile.

    Raises DatasetError where the file cannot be read or the cache cannot be written.
    """
    import filelock

    try:
        with source.open("rb") as file:
            key = hashlib.file_digest(file, "sha256").hexdigest()[:16]
        folder = cache / "unpacked" / key
        folder.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(f"{folder}.lock"):
            yield folder
    except OSError as error:
        raise DatasetError(
            f"{source} cannot be unpacked into {cache}: {error}. Allow reading the one and writing the other, make "
            "room, or choose another cache folder (AUTOTL_CACHE)."
        ) from None
