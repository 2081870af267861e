"""Folders that appear whole or not at all, and that are found again by the content they came from."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autotl.errors import DatasetError
from autotl.runtime.atomic_files import write_atomically

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


def unpacked_once(source: Path, cache: Path, unpack: Callable[[Path], Any], *, part: str = "") -> tuple[Path, Any]:
    """The resolved folder of what a file holds, named by its content, and what `unpack` noted of it.

    unpack(folder): makes the folder and returns notes that JSON can hold; called where folder or notes are not there,
    while nobody else does the same. part: of the file, where not all of it is unpacked.
    Raises DatasetError where the file cannot be read or the cache cannot be written.
    """
    import filelock

    try:
        with source.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
        digest.update(part.encode())
        folder = cache / "unpacked" / digest.hexdigest()[:16]
        folder.parent.mkdir(parents=True, exist_ok=True)
        notes = folder.with_suffix(".json")
        with filelock.FileLock(f"{folder}.lock"):
            if not (folder.is_dir() and notes.exists()):
                shutil.rmtree(folder, ignore_errors=True)
                write_atomically(notes, json.dumps(unpack(folder)).encode())  # last: it says that the folder is whole
            return folder.resolve(), json.loads(notes.read_bytes())
    except OSError as error:
        raise DatasetError(
            f"{source} cannot be unpacked into {cache}: {error}. Allow reading the one and writing the other, make "
            "room, or choose another cache folder (AUTOTL_CACHE)."
        ) from None
