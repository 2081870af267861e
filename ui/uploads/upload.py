"""An upload on disk while it arrives: its files, what has arrived of them, and the manifest that lists them.

What a browser calls a file is never used as a path: names are checked once, when the upload begins, and from then on
files go by number.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from autotl.runtime.atomic_files import write_atomically

INCOMING = ".incoming"
_MANIFEST = "manifest.json"


class UploadError(Exception):
    """Why an upload, or a part of it, is refused, in words for the person who sent it.

    status: of HTTP. there: the bytes of the file that have arrived, where a part does not continue from there.
    """

    def __init__(self, message: str, *, status: int = 400, there: int | None = None) -> None:
        super().__init__(message)
        self.status, self.there = status, there


@dataclass(frozen=True)
class WantedFile:
    """A file that is to be sent. target: its path below the upload's own folder; size: in bytes."""

    number: int
    target: str
    size: int


@dataclass(frozen=True)
class Upload:
    """An upload that has begun.

    folder: where it lies while it arrives. title: its name for people. name: of the dataset it becomes, empty until
    then. skipped: what of it is not taken, in words, for the dataset to keep.
    """

    folder: Path
    title: str
    wanted: tuple[WantedFile, ...]
    name: str = ""
    skipped: str = ""

    @cached_property
    def by_number(self) -> dict[int, WantedFile]:
        """The files by their numbers."""
        return {file.number: file for file in self.wanted}

    @property
    def files(self) -> Path:
        """The folder of the files that have arrived whole."""
        return self.folder / "files"

    @property
    def parts(self) -> Path:
        """The folder of the files of which a part has arrived."""
        return self.folder / "parts"

    @property
    def n_bytes(self) -> int:
        """The size of all files together."""
        return sum(file.size for file in self.wanted)

    def arrived(self) -> dict[int, int]:
        """The bytes that have arrived, by number of the file; a file of which there are none is missing."""
        found = {}
        for file in self.wanted:
            for path in (self.files / file.target, self.parts / str(file.number)):
                if path.is_file():
                    found[file.number] = path.stat().st_size
                    break
        return found


def find_upload(data: Path, identity: str) -> Upload:
    """The upload of this identity. data: the workspace's folder of datasets. UploadError if there is none."""
    manifest = data / INCOMING / identity / _MANIFEST
    try:
        if not (identity.isalnum() and identity.isascii()):
            raise FileNotFoundError
        return _read(manifest, manifest.stat().st_mtime_ns)
    except (OSError, ValueError, TypeError, KeyError):
        raise UploadError(
            "This upload is not known any more: it was finished or discarded. Drop the folder again.", status=404
        ) from None


def upload_identities(data: Path) -> list[str]:
    """The identities of all uploads that have begun."""
    return [manifest.parent.name for manifest in (data / INCOMING).glob(f"*/{_MANIFEST}")]


def write_manifest(upload: Upload) -> None:
    """Keep what is known of an upload."""
    wanted = [[file.number, file.target, file.size] for file in upload.wanted]
    manifest = {"title": upload.title, "name": upload.name, "wanted": wanted, "skipped": upload.skipped}
    write_atomically(upload.folder / _MANIFEST, json.dumps(manifest).encode())


@lru_cache(maxsize=4)
def _read(manifest: Path, _changed: int) -> Upload:
    text = json.loads(manifest.read_bytes())
    wanted = tuple(WantedFile(int(number), str(target), int(size)) for number, target, size in text["wanted"])
    return Upload(manifest.parent, str(text["title"]), wanted, str(text["name"]), str(text.get("skipped", "")))
