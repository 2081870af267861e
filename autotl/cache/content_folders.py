"""Folders that are created completely or not at all, each archive unpacked once for its content."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from autotl.errors import DatasetError
from autotl.runtime.atomic_files import write_atomically

_PREFIX = ".unpacking-"
_STALE_SECONDS = 24 * 3600


def folder_name(text: str) -> str:
    """Text as the name of a folder: lowercase letters, digits, dots and hyphens, at most 60 of them."""
    return re.sub(r"[^a-z0-9.-]+", "-", text.lower()).strip("-")[:60]


@dataclass(frozen=True)
class Unpacked:
    """A folder of unpacked files, resolved; notes: what `unpack` returned about it."""

    folder: Path
    notes: dict[str, str]


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """A hidden folder beside the target, renamed to the target in the end, and removed if anything is raised.

    A killed process leaves it behind; the next new folder beside it removes it once it is a day old.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for leftover in target.parent.glob(f"{_PREFIX}*"):
        if (
            time.time() - leftover.lstat().st_mtime > _STALE_SECONDS
        ):  # another process may still be writing a younger one
            shutil.rmtree(leftover, ignore_errors=True)
    temporary = target.parent / f"{_PREFIX}{uuid.uuid4().hex}"
    try:
        temporary.mkdir()
        temporary.chmod(0o755)
        yield temporary
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def unpacked_once(source: Path, cache: Path, unpack: Callable[[Path], dict[str, str]], *, part: str = "") -> Unpacked:
    """The folder into which a file is unpacked, named by the file's content.

    unpack(folder): creates the folder and returns notes about it; called only where folder or notes do not exist yet,
    by one process at a time. part: the name of the part that is unpacked, where it is not the whole file.
    Raises DatasetError if the file cannot be read or the cache cannot be written.
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
                write_atomically(
                    notes, json.dumps(unpack(folder)).encode()
                )  # written last: it marks the folder as complete
            return Unpacked(folder.resolve(), json.loads(notes.read_bytes()))
    except OSError as error:
        raise DatasetError(
            f"{source} cannot be unpacked into {cache}: {error}. Check that both can be accessed, "
            "make room, or choose another cache folder (AUTOTL_CACHE)."
        ) from None
