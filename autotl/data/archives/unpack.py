"""Unpacking an archive that may be hostile: all of it, safely, or nothing.

The extraction filters of `tarfile` and `zipfile` were tried in place of the checks in this package, and cover none of
them whole: `tarfile.data_filter` strips the slash of an absolute name, allows `..` and links within the folder and does
not look at sizes, limits or names that collide, and `zipfile` (before Python 3.11.8) unpacks overlapping members.
"""

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
from autotl.data.archives.kinds import archive_kind, decompressed
from autotl.data.archives.member import CHUNK, FETCH_AGAIN, PACK_AGAIN, Member, RefusedError, naming, parsing, quoted
from autotl.data.archives.names import Names, is_side_file, split_name
from autotl.data.archives.tar_members import tar_members
from autotl.data.archives.zip_members import zip_members
from autotl.errors import DatasetError

_RATIO_FROM = 64 * 2**20
"""Bytes that any archive may unpack to before its ratio is checked: an image of one colour shrinks a thousandfold."""


@dataclass(frozen=True)
class Limits:
    """How much an archive may contain.

    entries: members of any kind. total_bytes, member_bytes: unpacked. ratio: unpacked bytes per packed byte, of the
    whole and of each zip member, checked above 64 MiB. depth: nested folders.
    """

    entries: int = 500_000
    total_bytes: int = 64 * 2**30
    member_bytes: int = 2 * 2**30
    ratio: float = 200.0
    depth: int = 32


LIMITS = Limits()


def is_archive(path: Path) -> bool:
    """Whether a file is a zip or a tar (plain, gz, bz2, xz), by its content; False for a folder and a missing file."""
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
    """Unpack a zip or a tar (plain, gz, bz2, xz) into a new folder, completely or not at all.

    An archive within the archive is written as a file and not opened. Files are written with mode 0644 and folders
    with 0755, whichever modes the archive stores. Side files of macOS and Windows are left out; names that some
    system cannot store are changed.

    Returns, for each file whose name had to change, the path in the archive (in NFC, which does not count as a change)
    and the path below the target.
    target: must not exist; it appears when everything is written.
    progress: called with (bytes of the archive read, its size).
    Raises DatasetError for links, devices, names that lead out of the folder, names that occur twice, encryption,
    damage, anything above the limits, and too little space; the target is not created then.
    """
    if os.path.lexists(target):
        raise DatasetError(f"{target} already exists; an archive is unpacked into a new folder. Choose another name.")
    with _open(archive) as file, new_folder(target) as folder:
        kind = archive_kind(file)
        if kind is None:
            raise DatasetError(
                f"{archive} is neither a zip nor a tar archive (plain, gz, bz2 or xz). Pack the folder as one of these."
            )
        extraction = _Extraction(folder, archive.stat().st_size, limits)
        try:
            _fill(extraction, file, kind, lambda: progress(file.tell(), extraction.packed) if progress else None)
        except RefusedError as refusal:
            subject = f": the member {quoted(refusal.member)}" if refusal.member else ""
            raise DatasetError(f"{archive}{subject} {refusal} Nothing was unpacked.") from refusal.__cause__
        if progress:
            progress(extraction.packed, extraction.packed)
    return extraction.renamed


def _open(archive: Path) -> BinaryIO:
    try:
        return archive.open("rb")
    except OSError as error:
        raise DatasetError(f"{archive} cannot be read ({error.strerror}). Give a zip or tar archive.") from None


def _fill(extraction: _Extraction, file: BinaryIO, kind: str, tick: Callable[[], None]) -> None:
    planned: Iterable[tuple[Member, str | None]]
    if kind == "zip":
        # A zip lists all names and sizes first, so that anything wrong with them is found before the first byte.
        members = zip_members(file, most_entries=extraction.limits.entries)
        planned = [(member, extraction.admit(member)) for member in members]
    else:
        chunks = extraction.limited(decompressed(file, kind))
        planned = ((member, extraction.admit(member)) for member in tar_members(chunks))
    for member, path in planned:
        if path is not None:
            with naming(member.name):
                extraction.write(member, path, tick)


class _Extraction:
    """The folder that an archive is unpacked into, and how much of the limits is used."""

    def __init__(self, folder: Path, packed: int, limits: Limits) -> None:
        self.folder, self.packed, self.limits = folder, packed, limits
        self.renamed: dict[str, str] = {}
        self._names = Names()
        self._made = {""}
        self._n_entries = 0
        self._declared = 0
        self._written = 0

    def admit(self, member: Member) -> str | None:
        """The path below the folder for a member, None for one that is left out; raises RefusedError."""
        with naming(member.name):
            self._n_entries += 1
            self._require_at_most("entries", self._n_entries, "is one more member than an archive may have")
            parts = split_name(member.name)
            if is_side_file(parts, folder=member.folder):
                return None
            if not parts and not member.folder:
                raise RefusedError(f"is a file without a name. {PACK_AGAIN}")
            n_folders = len(parts) - (not member.folder)
            self._require_at_most("depth", n_folders, f"lies in {n_folders} nested folders")
            self._require_room(member)
            path = self._names.claim(parts, folder=member.folder)
            if not member.folder and path != "/".join(parts):
                self.renamed["/".join(parts)] = path
            return path

    def limited(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The bytes of a tar up to the limit of the ratio, which counts members that are left out, too."""
        size = 0
        for chunk in chunks:
            size += len(chunk)
            self._require_at_most("ratio", size, f"unpacks to {size:,} bytes from {self.packed:,}", packed=self.packed)
            yield chunk

    def write(self, member: Member, path: str, tick: Callable[[], None]) -> None:
        """Write a member at its path; tick is called after each chunk."""
        self._make_folder(path if member.folder else path.rpartition("/")[0])
        if not member.folder:
            self._write_file(member, self.folder / path, tick)

    def _require_room(self, member: Member) -> None:
        size = member.size
        self._declared += size
        if size < 0 or (member.folder and size):
            raise RefusedError(f"declares {size} bytes, which is impossible. {FETCH_AGAIN}")
        self._require_at_most("member_bytes", size, f"has {size:,} bytes")
        text = f"brings the archive to {self._declared:,} bytes"
        self._require_at_most("total_bytes", self._declared, text)
        self._require_at_most("ratio", self._declared, f"{text} from {self.packed:,}", packed=self.packed)
        if member.packed is not None:
            self._require_at_most("ratio", size, f"has {size:,} bytes from {member.packed:,}", packed=member.packed)
        needed, free = self._declared - self._written, shutil.disk_usage(self.folder).free
        if needed > free:
            raise RefusedError(
                f"needs {needed:,} bytes of disk space with the members before it; {free:,} are free. Make room."
            )

    def _require_at_most(self, name: str, found: int, text: str, *, packed: int | None = None) -> None:
        """Raise RefusedError where `found` exceeds a limit; the ratio is multiplied by the packed bytes."""
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
            # "x" neither overwrites a file nor follows a link that another process may have created.
            file = path.open("xb")
        with file:
            for chunk in _chunks(member):
                left -= len(chunk)
                if left < 0:
                    break
                with _writing():
                    file.write(chunk)
                    file.flush()
                self._written += len(chunk)
                tick()
        if left:
            raise RefusedError(f"does not contain the {member.size:,} bytes that it declares. {FETCH_AGAIN}")
        with _writing():
            path.chmod(0o644)


def _chunks(member: Member) -> Iterator[bytes]:
    with parsing(), member.open() as source:
        yield from iter(partial(source.read, CHUNK), b"")


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RefusedError(f"cannot be written ({error.strerror}). Make room, or unpack elsewhere.") from error
