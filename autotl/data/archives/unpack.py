"""Unpacking an archive that may be hostile: all of it, safely, or nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from autotl.cache.content_folders import new_folder
from autotl.data.archives.kinds import archive_kind, unpacked_bytes
from autotl.data.archives.member import CHUNK, FETCH_AGAIN, PACK_AGAIN, Member, RefusedError, about, reading, shown
from autotl.data.archives.names import Names, is_side_file, split_name
from autotl.data.archives.tar_members import tar_members
from autotl.data.archives.zip_members import zip_members
from autotl.errors import DatasetError

_RATIO_FROM = 64 * 2**20
"""Bytes that may come out of any archive before its ratio is judged: a drawing of one colour shrinks a thousandfold."""


@dataclass(frozen=True)
class Limits:
    """How much may come out of an archive.

    entries: members of any kind. total_bytes, member_bytes: unpacked. ratio: unpacked bytes per packed byte, of the
    whole and of each zip member, judged once more than 64 MiB come out. depth: folders within folders.
    """

    entries: int = 500_000
    total_bytes: int = 64 * 2**30
    member_bytes: int = 2 * 2**30
    ratio: float = 200.0
    depth: int = 32


LIMITS = Limits()


def is_archive(path: Path) -> bool:
    """Say by its content whether a file is a zip or a tar (plain, gz, bz2, xz); False for a folder and for no file."""
    if not path.is_file():
        return False
    with _open(path) as file:
        return archive_kind(file) is not None


def unpack(
    archive: Path,
    target: Path,
    *,
    limits: Limits = LIMITS,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, str]:
    """Unpack a zip or a tar (plain, gz, bz2, xz) into a new folder, whole or not at all.

    An archive within the archive is a file like any other: it is written and never opened. Files are written 0644 and
    folders 0755, whatever the archive says. Side files of macOS and Windows are left out; names that some system
    cannot hold are changed.

    Returns the path below the target by the path in the archive of each file whose name had to change, the latter in
    Unicode's composed form (NFC), which is the same text and does not count as a change.
    target: must not exist; appears when everything is written.
    progress: called with (bytes of the archive read, its size).
    Raises DatasetError for links, devices, names that lead out of the folder, names that come twice, encryption,
    damage, anything over the limits, and too little space; there is no target then.
    """
    if os.path.lexists(target):
        raise DatasetError(f"{target} already exists; an archive is unpacked into a new folder. Name another one.")
    with _open(archive) as file, new_folder(target) as folder:
        kind = archive_kind(file)
        if kind is None:
            raise DatasetError(
                f"{archive} is neither a zip nor a tar archive (plain, gz, bz2 or xz). Pack the folder as one of these."
            )
        crate = _Crate(folder, archive.stat().st_size, limits)
        try:
            _fill(crate, file, kind, lambda: progress(file.tell(), crate.packed) if progress else None)
        except RefusedError as refusal:
            subject = f": the member {shown(refusal.member)}" if refusal.member else ""
            raise DatasetError(f"{archive}{subject} {refusal} Nothing was unpacked.") from refusal.__cause__
        if progress:
            progress(crate.packed, crate.packed)
    return crate.renamed


def _open(archive: Path) -> BinaryIO:
    try:
        return archive.open("rb")
    except OSError as error:
        raise DatasetError(f"{archive} cannot be read ({error.strerror}). Give a zip or tar archive.") from None


def _fill(crate: _Crate, file: BinaryIO, kind: str, tick: Callable[[], None]) -> None:
    planned: Iterable[tuple[Member, str | None]]
    if kind == "zip":
        # A zip tells all its names and sizes first: whatever is wrong with them is found before the first byte.
        planned = [(member, crate.admit(member)) for member in zip_members(file, most_entries=crate.limits.entries)]
    else:
        chunks = crate.judged(unpacked_bytes(file, kind))
        planned = ((member, crate.admit(member)) for member in tar_members(chunks))
    for member, path in planned:
        if path is not None:
            with about(member.name):
                crate.write(member, path, tick)


class _Crate:
    """The folder that an archive is unpacked into, and how much of the limits is used up."""

    def __init__(self, folder: Path, packed: int, limits: Limits) -> None:
        self.folder, self.packed, self.limits = folder, packed, limits
        self.renamed: dict[str, str] = {}
        self._names = Names()
        self._made = {""}
        self._n_entries = 0
        self._declared = 0
        self._written = 0

    def admit(self, member: Member) -> str | None:
        """The path below the folder for a member, None for one that is left out."""
        with about(member.name):
            self._n_entries += 1
            self._hold("entries", self._n_entries, "is one more than may be in an archive")
            parts = split_name(member.name)
            if is_side_file(parts, folder=member.folder):
                return None
            if not parts and not member.folder:
                raise RefusedError(f"holds a file without a name. {PACK_AGAIN}")
            n_folders = len(parts) - (not member.folder)
            self._hold("depth", n_folders, f"lies in {n_folders} folders within folders")
            self._weigh(member)
            path = self._names.claim(parts, folder=member.folder)
            if not member.folder and path != "/".join(parts):
                self.renamed["/".join(parts)] = path
            return path

    def judged(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The bytes of a tar as long as they are not too many: what is left out of it is never weighed."""
        size = 0
        for chunk in chunks:
            size += len(chunk)
            self._hold("ratio", size, f"unpacks to {size:,} bytes from {self.packed:,}", packed=self.packed)
            yield chunk

    def write(self, member: Member, path: str, tick: Callable[[], None]) -> None:
        """Write a member at the path that it was given; tick is called after each piece."""
        self._make_folder(path if member.folder else path.rpartition("/")[0])
        if not member.folder:
            self._write_file(member, self.folder / path, tick)

    def _weigh(self, member: Member) -> None:
        size = member.size
        self._declared += size
        if size < 0 or (member.folder and size):
            raise RefusedError(f"declares {size} bytes, which cannot be. {FETCH_AGAIN}")
        self._hold("member_bytes", size, f"has {size:,} bytes")
        text = f"brings the archive to {self._declared:,} bytes"
        self._hold("total_bytes", self._declared, text)
        self._hold("ratio", self._declared, f"{text} from {self.packed:,}", packed=self.packed)
        if member.packed is not None:
            self._hold("ratio", size, f"has {size:,} bytes from {member.packed:,}", packed=member.packed)
        needed, free = self._declared - self._written, shutil.disk_usage(self.folder).free
        if needed > free:
            raise RefusedError(
                f"needs {needed:,} bytes of disk space with those before it; {free:,} are free. Make room."
            )

    def _hold(self, name: str, found: int, text: str, *, packed: int | None = None) -> None:
        """Raise RefusedError where more is found than a limit allows, which for the ratio depends on what is packed."""
        limit = getattr(self.limits, name)
        if found > (limit if packed is None else max(_RATIO_FROM, limit * packed)):
            raise RefusedError(
                f"{text}; the limit `{name}` is {limit:,}. If you trust the archive, unpack it yourself and give the "
                "folder."
            )

    def _make_folder(self, path: str) -> None:
        if path in self._made:
            return
        self._make_folder(path.rpartition("/")[0])
        with _writing():
            (self.folder / path).mkdir()
            (self.folder / path).chmod(0o755)
        self._made.add(path)

    def _write_file(self, member: Member, path: Path, tick: Callable[[], None]) -> None:
        left = member.size
        with _writing():
            # "x" neither overwrites nor follows a link, should another process have put one there.
            file = path.open("xb")
        with file:
            for chunk in _pieces(member):
                left -= len(chunk)
                if left < 0:
                    break
                with _writing():
                    file.write(chunk)
                    file.flush()
                self._written += len(chunk)
                tick()
        if left:
            raise RefusedError(f"does not hold the {member.size:,} bytes that it declares. {FETCH_AGAIN}")
        with _writing():
            path.chmod(0o644)


def _pieces(member: Member) -> Iterator[bytes]:
    with reading(), member.open() as source:
        yield from iter(partial(source.read, CHUNK), b"")


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RefusedError(f"cannot be written ({error.strerror}). Make room, or unpack elsewhere.") from error
