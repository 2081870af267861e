"""Conditions of the machine: a full disk, a folder that cannot be written. What they are, where, and what to do."""

from __future__ import annotations

import errno
import math
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from autotl.errors import AutoTLError, ItemLostError, MachineError

FULL = (errno.ENOSPC, errno.EDQUOT)
_MEANINGS = {
    errno.EACCES: "is not accessible to this user",
    errno.EPERM: "is not accessible to this user",
    errno.EROFS: "can only be read, not written",
    errno.ENOTDIR: "lies below a file, where a folder was expected",
    errno.EISDIR: "is a folder, where a file was expected",
    errno.ENAMETOOLONG: "has too long a name",
    errno.ELOOP: "is a link that leads back to itself",
    errno.EIO: "cannot be read or written: the disk or the network drive has failed",
    errno.ESTALE: "has gone away with its network drive",
    errno.ENODEV: "has gone away with its drive",
    errno.ENOENT: "does not exist, or no longer",
    errno.EINVAL: "has a name that this file system does not accept",
}
_RESOURCES = {
    errno.EMFILE: "this process has too many files open; raise the limit with `ulimit -n 4096`",
    errno.ENFILE: "this machine has too many files open",
    errno.ENOMEM: "the memory is used up; close other programs, or use fewer --workers",
    errno.EAGAIN: "no further process or thread may be started; close other programs, or use fewer --workers",
}
_SQLITE = {13: errno.ENOSPC, 8: errno.EROFS, 14: errno.EACCES, 10: errno.EIO, 3: errno.EACCES}
"""By SQLite's primary result codes FULL, READONLY, CANTOPEN, IOERR and PERM; importing sqlite3 would slow the start."""
_TEXTS = {
    "no space left on device": errno.ENOSPC, "disk quota exceeded": errno.EDQUOT, "read-only file system": errno.EROFS,
    "too many open files": errno.EMFILE, "cannot allocate memory": errno.ENOMEM,
    "file name too long": errno.ENAMETOOLONG, "database or disk is full": errno.ENOSPC,
    "can't start new thread": errno.EAGAIN, "unable to allocate": errno.ENOMEM,
}  # fmt: skip
"""How libraries that raise errors of their own kind pass on what the system said."""
_PROBE_BYTES = 1 << 16
_FULL_BYTES = 1 << 20


@dataclass(frozen=True)
class Place:
    """A folder that work is written to. name: such as "the cache"; remedy: how another one is chosen."""

    folder: Path
    name: str
    remedy: str


def require_writable(place: Place) -> None:
    """Raise MachineError if a folder cannot be made, or nothing can be written in it; leaves no trace."""
    made: list[Path] = []
    try:
        try:
            missing = [folder for folder in (place.folder, *place.folder.parents) if not folder.exists()]
            for folder in reversed(missing):
                folder.mkdir(exist_ok=True)
                made.append(folder)
            with tempfile.TemporaryFile(dir=place.folder) as file:
                file.write(b"\0" * _PROBE_BYTES)
        finally:
            for folder in reversed(made):
                with suppress(OSError):  # another process has put something there
                    folder.rmdir()
    except OSError as error:
        number = error.errno or 0
        if number in FULL:
            reason = "its disk is full"
        elif number == errno.ENOENT:  # what /proc says
            reason = "no folder can be made there"
        else:
            reason = f"it {_MEANINGS.get(number, f'gives an error: {error}')}"
        raise MachineError(f"{place.name} {place.folder} cannot be written: {reason}. {place.remedy}.") from error


def explain(error: BaseException, places: Sequence[Place] = ()) -> str:
    """Describe a condition of the machine: what, where, and what to do; empty for any other error.

    places: where the work is written to; the one that is full, or that the error names, tells what to do.
    """
    for cause in causes(error):
        if number := _number(cause):
            return _sentence(cause, number, places)
    return ""


@contextmanager
def explained(*places: Place, after: str = "") -> Iterator[None]:
    """Turn conditions of the machine into MachineError. after: what can be done once they are resolved."""
    try:
        yield
    except AutoTLError:
        raise
    except Exception as error:
        if message := explain(error, places):
            raise MachineError(f"{message} {after}".rstrip()) from error
        raise


def is_condition(error: BaseException) -> bool:
    """Whether nothing that is tried next could succeed: a disk is full, or can only be read, or the data are gone."""
    return condition_in(error) is not None or any(isinstance(cause, ItemLostError) for cause in causes(error))


def condition_in(error: BaseException) -> OSError | None:
    """The condition behind an error, as the system tells it, with its file; None for any other error."""
    stops = (*FULL, errno.EROFS, errno.EMFILE, errno.ENFILE)
    for cause in causes(error):
        if (number := _number(cause)) in stops:
            return OSError(number, os.strerror(number), getattr(cause, "filename", None))
    return None


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error, what it was raised from, and so on; each once."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        cause = waiting.pop(0)
        if isinstance(cause, BaseException) and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            waiting += [cause.__cause__, getattr(cause, "orig", None)]  # SQLAlchemy keeps the driver's error there


def _number(error: BaseException) -> int:
    """The system's number of a condition, 0 for anything else."""
    if isinstance(error, MemoryError):
        return errno.ENOMEM
    if code := getattr(error, "sqlite_errorcode", None):
        return _SQLITE.get(code & 0xFF, 0)
    if isinstance(error, OSError) and error.errno:
        if error.errno == errno.ENOENT:
            return errno.ENOENT if _is_the_users(error) else 0
        if error.errno == errno.EINVAL and not error.filename:
            return 0
        return error.errno if error.errno in (*FULL, *_MEANINGS, *_RESOURCES) else 0
    text = str(error).lower()
    if isinstance(error, OSError) and re.search(r"\d+ requested and \d+ written", text):
        return errno.ENOSPC  # NumPy's words for it
    return next((number for words, number in _TEXTS.items() if words in text), 0)


def _is_the_users(error: OSError) -> bool:
    """Whether a missing file is one of the user's, and not one of the program's own."""
    if not isinstance(error.filename, str | bytes):
        return not _has_working_folder()
    name = os.fsdecode(error.filename)
    return name.startswith("/") and not name.startswith((sys.prefix, sys.base_prefix, str(Path(__file__).parents[1])))


def _has_working_folder() -> bool:
    try:
        Path.cwd()
    except OSError:
        return False
    return True


def _sentence(error: BaseException, number: int, places: Sequence[Place]) -> str:
    named = getattr(error, "filename2", None) or getattr(error, "filename", None)
    path = Path(os.fsdecode(named)) if isinstance(named, str | bytes) else None
    if number in _RESOURCES:
        return f"{_RESOURCES[number]} ({error})."
    if number in FULL:
        # What could not be written whole may be gone by now, and have left some room.
        place = _place_of(path, places) or (None if path else min(places, key=_free_bytes, default=None))
        if place:
            return f"the disk of {place.name} {place.folder} is full. Make room there, or {_lower(place.remedy)}."
        other = path.parent if path else next((f for f in _elsewhere() if _is_full(f)), None)
        return f"the disk {f'of {other} ' if other else ''}is full. Make room there."
    if number == errno.ENOENT and not _has_working_folder():
        return "the working folder is gone. Change to one that exists."
    place = _place_of(path, places)
    if path is None:
        place = place or next((place for place in places if not os.access(place.folder, os.W_OK)), None)
        path = place.folder if place else None
    where = f"{path} {_MEANINGS[number]}" if path else f"a file cannot be used ({error})"
    back = "Put it back" if number == errno.ENOENT else "Make it available"
    return f"{where}. {place.remedy if place else f'{back}, or choose another place'}."


def _place_of(path: Path | None, places: Sequence[Place]) -> Place | None:
    if path is None:
        return None
    return next((place for place in places if path.absolute().is_relative_to(place.folder.absolute())), None)


def _elsewhere() -> Iterator[Path]:
    with suppress(OSError):
        yield Path(tempfile.gettempdir())
    with suppress(OSError):
        yield Path.cwd()


def _is_full(folder: Path) -> bool:
    return _free_bytes(Place(folder, "", "")) < _FULL_BYTES


def _free_bytes(place: Place) -> float:
    try:
        existing = next(parent for parent in (place.folder, *place.folder.parents) if parent.exists())
        return shutil.disk_usage(existing).free
    except (OSError, StopIteration):
        return math.inf


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
