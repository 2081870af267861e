"""An upload while it comes in: which of its files are wanted, under which names, and the bytes that have arrived.

What a browser calls a file is never used as a path as it is: it is taken apart, refused or made safe, once, when the
upload begins; afterwards files go by number.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import BinaryIO

from autotl.data.archives.member import RefusedError
from autotl.data.archives.names import Names, split_name
from autotl.data.listing import IMAGE_SUFFIXES, TABLE_SUFFIXES, ignored_kinds, kind_of
from autotl.runtime.atomic_files import write_atomically
from autotl_ui.widgets.words import counted, megabytes

INCOMING = ".incoming"
ARCHIVE_SUFFIXES = (
    ".zip", ".tar", ".tgz", ".tbz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz",
)  # fmt: skip
MOST_FOLDERS_DEEP = 32
MOST_REFUSALS_NAMED, MOST_REFUSALS_KEPT = 20, 3
MOST_TITLE_LETTERS = 80
SPARE_BYTES = 256 * 2**20
"""Left free on the disk whatever is uploaded."""


class UploadError(Exception):
    """Why an upload, or a part of it, is not taken, in words for whoever sent it.

    status: of HTTP. there: the bytes of the file that have arrived, where a piece of it does not go on from there.
    """

    def __init__(self, message: str, *, status: int = 400, there: int | None = None) -> None:
        super().__init__(message)
        self.status, self.there = status, there


@dataclass(frozen=True)
class Limits:
    """How much may be uploaded: files at once, bytes per file, per upload, and of all uploads of a workspace."""

    files: int = 200_000
    file_bytes: int = 8 * 2**30
    upload_bytes: int = 32 * 2**30
    workspace_bytes: int = 64 * 2**30


@dataclass(frozen=True)
class Sent:
    """A file as the browser lists it. path: with the folders it lies in; modified: any number that a change changes."""

    path: str
    size: int
    modified: float = 0.0


@dataclass(frozen=True)
class Wanted:
    """A file that is to be sent. target: its path below the upload's own folder, made here."""

    number: int
    target: str
    size: int


@dataclass(frozen=True)
class Upload:
    """What an upload consists of.

    folder: where it lies while it comes in. title: what its owner would call it. name: of the data set it becomes,
    empty until then. left_out: what of it is not taken, in words, for the data set to keep.
    """

    folder: Path
    title: str
    wanted: tuple[Wanted, ...]
    name: str = ""
    left_out: str = ""

    @cached_property
    def by_number(self) -> dict[int, Wanted]:
        """Its files by their numbers."""
        return {file.number: file for file in self.wanted}

    @property
    def files(self) -> Path:
        """Where files are that have arrived whole."""
        return self.folder / "files"

    @property
    def parts(self) -> Path:
        """Where files are of which a part has arrived."""
        return self.folder / "parts"

    @property
    def n_bytes(self) -> int:
        """Of all its files together."""
        return sum(file.size for file in self.wanted)

    def arrived(self) -> dict[int, int]:
        """Bytes that are there, by the number of the file; nothing of a file that nothing is there of."""
        found = {}
        for file in self.wanted:
            for path in (self.files / file.target, self.parts / str(file.number)):
                if path.is_file():
                    found[file.number] = path.stat().st_size
                    break
        return found


@dataclass(frozen=True)
class Begun:
    """An upload, and what is not taken of it: the number of files by kind, and the names with the reason."""

    upload: Upload
    skipped: dict[str, int]
    refused: tuple[tuple[str, str], ...]
    n_refused: int
    n_renamed: int


def begin(data: Path, sent: Sequence[Sent], limits: Limits) -> Begun:
    """Look at a list of files, and make ready for those that are wanted; the same list again carries on.

    data: the workspace's folder of data sets. Raises UploadError where nothing can be taken, or it is too much.
    """
    if len(sent) > limits.files:
        raise UploadError(
            f"These are {len(sent):,} files; at most {limits.files:,} can be uploaded at once. Give the path of the "
            "folder on the machine that runs the app, or drop a part of it.",
            status=413,
        )
    title, wanted, skipped, refused, n_renamed = _chosen(sent, limits)
    text = json.dumps([title, [[file.path, file.size, file.modified] for file in sent]])
    title = shown_text(title)[:MOST_TITLE_LETTERS].strip() or "pictures"
    folder = data / INCOMING / hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:20]
    upload = Upload(folder, title, tuple(wanted), left_out=_left_out(skipped, refused))
    _require_room(data, upload, limits)
    for needed in (upload.files, upload.parts):
        needed.mkdir(parents=True, exist_ok=True)
    write(upload)
    return Begun(upload, dict(skipped), tuple(refused[:MOST_REFUSALS_NAMED]), len(refused), n_renamed)


def find(data: Path, identity: str) -> Upload:
    """The upload of this identity; UploadError where there is none."""
    manifest = data / INCOMING / identity / "manifest.json"
    try:
        if not (identity.isalnum() and identity.isascii()):
            raise FileNotFoundError
        return _read(manifest, manifest.stat().st_mtime_ns)
    except (OSError, ValueError, TypeError, KeyError):
        raise UploadError(
            "This upload is not known any more: it was finished or discarded. Drop the folder again.", status=404
        ) from None


def write(upload: Upload) -> None:
    """Keep what is known of an upload."""
    wanted = [[file.number, file.target, file.size] for file in upload.wanted]
    manifest = {"title": upload.title, "name": upload.name, "wanted": wanted, "left_out": upload.left_out}
    write_atomically(upload.folder / "manifest.json", json.dumps(manifest).encode())


class Receiver:
    """Bytes as they come, put into the files that they are meant for; those appear once they are whole.

    numbers: of the files, in the order of their bytes. offset: where the bytes begin in the only file, of which a part
    is there already. length: of all bytes to come. Raises UploadError where these do not fit together.
    """

    _busy: set[Path] = set()  # noqa: RUF012 - the server is one process, and one request at a time may append to a file

    def __init__(self, upload: Upload, numbers: Sequence[int], *, offset: int, length: int) -> None:
        known = upload.by_number
        if not numbers or len(set(numbers)) < len(numbers) or any(number not in known for number in numbers):
            raise UploadError("Some of these files were not announced.")
        self._upload, self._pending = upload, [known[number] for number in reversed(numbers)]
        whole = sum(file.size for file in self._pending)
        self._whole = not offset and length == whole
        if not self._whole and (len(numbers) > 1 or offset < 0 or length < 1 or offset + length > whole):
            raise UploadError(f"{length:,} bytes were sent, {whole - offset:,} are missing. Try again.")
        self._expected, self._offset = length, offset
        self._file: BinaryIO | None = None
        self._path, self._left = Path(), 0

    def write(self, data: bytes) -> None:
        """Take the next bytes."""
        view = memoryview(data)
        self._expected -= len(view)
        if self._expected < 0:
            raise UploadError("More bytes came than were announced. Try again.", status=413)
        while view:
            if self._file is None:
                self._open()
            assert self._file
            piece, view = view[: self._left], view[self._left :]
            self._file.write(piece)
            self._left -= len(piece)
            if not self._left:
                self._finish()

    def close(self) -> None:
        """Let go; of a file that did not come whole nothing stays, but for a large one, of which more may come."""
        if self._file:
            self._file.close()
            self._file = None
            self._busy.discard(self._path)
            if self._whole:
                self._path.unlink(missing_ok=True)

    def _open(self) -> None:
        file = self._pending[-1]
        self._left = file.size - self._offset
        if self._whole:
            self._path = self._upload.parts / f"{file.number}.{uuid.uuid4().hex}"
            self._file = self._path.open("wb")
            return
        self._path = self._upload.parts / str(file.number)
        whole = self._upload.files / file.target
        there = next((path.stat().st_size for path in (whole, self._path) if path.is_file()), 0)
        if self._path in self._busy or there != self._offset:
            raise UploadError(
                f"{megabytes(there)} of this file are there, and what came does not go on from them. Try again.",
                status=409, there=there,
            )  # fmt: skip
        self._busy.add(self._path)
        self._file = self._path.open("ab")

    def _finish(self) -> None:
        assert self._file
        self._file.close()
        self._file = None
        self._busy.discard(self._path)
        target = self._upload.files / self._pending.pop().target
        target.parent.mkdir(parents=True, exist_ok=True)
        self._path.replace(target)
        self._offset = 0


@lru_cache(maxsize=4)
def _read(manifest: Path, _changed: int) -> Upload:
    text = json.loads(manifest.read_bytes())
    wanted = tuple(Wanted(int(number), str(target), int(size)) for number, target, size in text["wanted"])
    return Upload(manifest.parent, str(text["title"]), wanted, str(text["name"]), str(text.get("left_out", "")))


def _chosen(sent: Sequence[Sent], limits: Limits) -> tuple[str, list[Wanted], Counter[str], list[tuple[str, str]], int]:
    """The title, the files that are wanted, how many of which kind are not, the refused ones, and those renamed."""
    skipped: Counter[str] = Counter()
    refused: list[tuple[str, str]] = []
    kept: list[tuple[int, tuple[str, ...], str]] = []
    for number, file in enumerate(sent):
        try:
            parts = split_name(file.path)
            _require_sound(file, parts, limits)
        except RefusedError as refusal:
            refused.append(_refusal(file, refusal))
            continue
        kind = _kind(parts)
        if kind in ("image", "table", "archive") and not file.size:
            skipped["empty"] += 1
        elif kind in ("image", "table", "archive"):
            kept.append((number, parts, kind))
        else:
            skipped[kind] += 1
    archives = [parts for _, parts, kind in kept if kind == "archive"]
    if archives and len(archives) < len(kept):
        skipped.update(f"*{Path(parts[-1]).suffix.lower()}" for parts in archives)
        kept = [one for one in kept if one[2] != "archive"]
    elif len(archives) > 1:
        raise UploadError(f"These are {len(archives)} archives; each is a data set of its own. Drop one at a time.")
    if not kept:
        raise UploadError(_nothing(len(sent), skipped, refused))
    title, n_around = _title([parts for _, parts, _ in kept])
    names, wanted, n_renamed = Names(), [], 0
    for number, parts, _ in kept:
        inner = parts[n_around:]
        try:
            target = names.claim(inner, folder=False)
        except RefusedError as refusal:
            refused.append(_refusal(sent[number], refusal))
            continue
        n_renamed += target != "/".join(inner)
        wanted.append(Wanted(number, target, sent[number].size))
    return title, wanted, skipped, refused, n_renamed


def _left_out(skipped: Counter[str], refused: Sequence[tuple[str, str]]) -> str:
    """What nobody would miss, such as the .DS_Store of every folder, is not among it."""
    kinds = ignored_kinds({kind: n for kind, n in skipped.items() if kind not in ("hidden", "system")})
    some = "; ".join(" ".join(one) for one in refused[:MOST_REFUSALS_KEPT])
    named = f"{counted(len(refused), 'refused file')} ({some})" if refused else ""
    return ", ".join(filter(None, (kinds, named)))


def _refusal(file: Sent, refusal: RefusedError) -> tuple[str, str]:
    return shown_text(file.path[-200:]), shown_text(str(refusal).partition(". ")[0])


def shown_text(text: str) -> str:
    """Text that came from outside, such that it can be written and shown."""
    kept = "".join(c if c.isprintable() else " " for c in text.encode("utf-8", "replace").decode())
    return " ".join(kept.split())


def _require_sound(file: Sent, parts: tuple[str, ...], limits: Limits) -> None:
    if not parts or len(parts) > MOST_FOLDERS_DEEP:
        raise RefusedError(f"has {len(parts)} folders in its name" if parts else "has no name")
    if not 0 <= file.size <= limits.file_bytes:
        raise RefusedError(f"has {megabytes(file.size)}; at most {megabytes(limits.file_bytes)} are taken")


def _kind(parts: tuple[str, ...]) -> str:
    """Image, table, archive, or else what is counted as not sent."""
    if any(kind_of(folder) in ("hidden", "system") for folder in parts[:-1]):
        return "hidden"
    if parts[-1].lower().endswith(ARCHIVE_SUFFIXES) and not parts[-1].startswith("."):
        return "archive"
    return kind_of(parts[-1])


def _title(paths: Sequence[tuple[str, ...]]) -> tuple[str, int]:
    """What to call these files, and how many folders lie around all of them."""
    tops = list(dict.fromkeys(parts[0] for parts in paths))
    only_folders = all(len(parts) > 1 for parts in paths)
    if len(tops) == 1 and only_folders:
        return tops[0], 1
    if len(paths) == 1:
        return paths[0][0].partition(".")[0] or paths[0][0], 0
    return " and ".join(tops) if len(tops) == 2 and only_folders else "pictures", 0


def _nothing(n_files: int, skipped: Counter[str], refused: Sequence[tuple[str, str]]) -> str:
    if not n_files:
        return "There was no file in it. Drop a folder that holds one sub-folder of pictures per class."
    found = f" Found: {ignored_kinds(skipped)}." if skipped else ""
    bad = f" {refused[0][0]!r} {refused[0][1]}." if refused else ""
    known = ", ".join(sorted(suffix[1:] for suffix in IMAGE_SUFFIXES | TABLE_SUFFIXES))
    return f"None of the {n_files:,} files can be used.{found}{bad} Understood are {known}, and a zip or tar of these."


def _require_room(data: Path, upload: Upload, limits: Limits) -> None:
    size = upload.n_bytes
    if size > limits.upload_bytes:
        raise UploadError(
            f"These are {megabytes(size)}; at most {megabytes(limits.upload_bytes)} can be uploaded at once. Give the "
            "path of the folder on the machine that runs the app, or drop a part of it.",
            status=413,
        )
    data.mkdir(parents=True, exist_ok=True)
    arrived = bytes_below(upload.folder)
    there = bytes_below(data) - arrived + _bytes_to_come(data, but=upload.folder)
    if there + size > limits.workspace_bytes:
        raise UploadError(
            f"These are {megabytes(size)}, and {megabytes(there)} are there already; a workspace may hold "
            f"{megabytes(limits.workspace_bytes)}. Delete a data set that is not needed any more.",
            status=413,
        )
    free = shutil.disk_usage(data).free
    if size - arrived + SPARE_BYTES > free:
        raise UploadError(
            f"These are {megabytes(size)}, and the disk has {megabytes(free)} left. Make room there first.", status=507
        )


def _bytes_to_come(data: Path, *, but: Path) -> int:
    """Of uploads that were begun, each of which was promised its room."""
    total = 0
    for manifest in (data / INCOMING).glob("*/manifest.json"):
        if manifest.parent != but:
            with contextlib.suppress(UploadError):
                total += max(0, find(data, manifest.parent.name).n_bytes - bytes_below(manifest.parent))
    return total


def bytes_below(folder: Path) -> int:
    """Bytes of all files below a folder; links are not followed."""
    total, pending = 0, [str(folder)]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:  # gone meanwhile
            continue
    return total
