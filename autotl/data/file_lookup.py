"""A folder in which images are looked for, and the file in it that a table calls by some name."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from autotl.data.listing import Files, list_files, top_folders

_PICTURE_FOLDERS = frozenset({"images", "image", "imgs", "img", "photos", "pictures"})


@dataclass(frozen=True)
class Folder:
    """A resolved folder in which images are looked for.

    sealed: it came out of an archive, so that nothing outside of it may be named.
    renamed: from the path in the archive to the path here, of the files whose name had to change.
    lenient: what lies in it and cannot be read or named is passed over, for only a table's images are wanted.
    known: what lies in it, where that is known already.
    """

    root: Path
    sealed: bool = False
    renamed: Mapping[str, str] = field(default_factory=dict)
    lenient: bool = False
    known: Files | None = None

    def inner(self, name: str) -> Folder:
        """A folder in this one; other files around it count as ignored still."""
        prefix = f"{name}/"
        tables = _below(prefix, self.files.tables)
        around = Counter("*" + Path(path).suffix.lower() for path in self.files.tables if not path.startswith(prefix))
        files = Files(_below(prefix, self.files.images), tables, self.files.ignored + around)
        renamed = {
            before.partition("/")[2]: path.removeprefix(prefix)
            for before, path in self.renamed.items()
            if path.startswith(prefix)
        }
        return Folder(self.root / name, self.sealed, renamed, self.lenient, files)

    @cached_property
    def files(self) -> Files:
        """What lies in it."""
        return self.known or list_files(self.root, lenient=self.lenient)

    @cached_property
    def tops(self) -> set[str]:
        """The folders in it that have images anywhere below them."""
        return top_folders(self.files.images)

    def find(self, name: str) -> str | None:
        """The path of the image that a table calls by this name; empty: several are; None: none is."""
        if not name:
            return None
        wanted = _plain(name)
        # A system that ignores case would find another file under the name that the archive gave to a renamed one.
        if path := self.renamed.get(wanted) or self._there(name):
            return path
        whole, short = self._names
        return whole.get(wanted, short.get(wanted.rsplit("/", 1)[-1]))

    @cached_property
    def _prefix(self) -> str:
        # As text: a Path object per file takes seconds.
        return str(self.root).rstrip(os.sep) + os.sep

    @cached_property
    def _names(self) -> tuple[dict[str, str], dict[str, str]]:
        """From what a table may call an image, with its folders and without, to its path; empty for several."""
        paths = self.files.images
        before = {path: name for name, path in self.renamed.items()}
        full = [before.get(path, path) for path in paths]
        inside = [_within_pictures(name) for name in full]
        base = [name.rsplit("/", 1)[-1] for name in full]
        # The later ones win.
        whole = [_unambiguous(names, paths) for names in (_stems(inside), _stems(full), inside, full)]
        return whole[0] | whole[1] | whole[2] | whole[3], _unambiguous(_stems(base), paths) | _unambiguous(base, paths)

    def _there(self, name: str) -> str:
        """The path of a file by its exact name, relative where it lies in the folder; empty where there is none."""
        path = os.path.normpath(name)
        elsewhere = path.startswith((os.sep, os.pardir)) or bool(os.path.splitdrive(path)[0])
        if elsewhere and self.sealed:
            return ""
        full = os.path.normpath(os.path.join(self.root, path)) if elsewhere else self._prefix + path  # noqa: PTH118
        try:
            if stat.S_ISDIR(os.stat(full).st_mode):  # noqa: PTH116
                return ""
        except (OSError, ValueError):
            return ""
        return (full.removeprefix(self._prefix) if full.startswith(self._prefix) else path).replace(os.sep, "/")


def _below(prefix: str, paths: Iterable[str]) -> list[str]:
    return [path.removeprefix(prefix) for path in paths if path.startswith(prefix)]


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name.replace("\\", "/")).removeprefix("./")


def _within_pictures(path: str) -> str:
    top, _, rest = path.partition("/")
    return rest if rest and top.lower() in _PICTURE_FOLDERS else path


def _stems(names: Iterable[str]) -> list[str]:
    return [name[: name.rindex(".")] for name in names]


def _unambiguous(names: Sequence[str], paths: Sequence[str]) -> dict[str, str]:
    keys = [unicodedata.normalize("NFC", name) for name in names]
    found = dict(zip(keys, paths, strict=True))
    if len(found) < len(keys):
        found |= {key: "" for key, n in Counter(keys).items() if n > 1}
    return found
