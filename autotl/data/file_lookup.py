"""Finding the file that a table means by a name, in a folder."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

from autotl.data.item_kinds import IMAGES, ItemKind
from autotl.data.listing import Files, list_files, top_folders
from autotl.data.path_endings import IMAGE_FOLDERS, PathEndings


@dataclass(frozen=True)
class Folder:
    """A resolved folder in which items are looked for.

    sealed: it comes from an archive, so that a table may not name files outside it.
    renamed: for files whose name had to change, from the path in the archive to the path here.
    lenient: files and folders that cannot be read or named are ignored, because only a table's items are needed.
    known: the files in it, where they are known already. near: the folder of the table, where names may begin.
    holds: the kind of the items.
    """

    root: Path
    sealed: bool = False
    renamed: Mapping[str, str] = field(default_factory=dict)
    lenient: bool = False
    known: Files | None = None
    near: str = ""
    holds: ItemKind = IMAGES

    def inner(self, name: str) -> Folder:
        """A sub-folder of this one; other files beside it still count as ignored, and folders there as unread."""
        prefix = f"{name}/"
        tables = _below(prefix, self.files.tables)
        around = Counter("*" + Path(path).suffix.lower() for path in self.files.tables if not path.startswith(prefix))
        unusable = {path.removeprefix(prefix): n for path, n in self.files.unusable.items() if path.startswith(prefix)}
        files = Files(
            _below(prefix, self.files.items), tables, self.files.ignored + around,
            [path.removeprefix(prefix) for path in self.files.unread], unusable,
        )  # fmt: skip
        renamed = {
            before.partition("/")[2]: path.removeprefix(prefix)
            for before, path in self.renamed.items()
            if path.startswith(prefix)
        }
        return Folder(self.root / name, self.sealed, renamed, self.lenient, files, holds=self.holds)

    def holding(self, kind: ItemKind) -> Folder:
        """The same folder, in which items of this kind are looked for."""
        return self if self.holds is kind else replace(self, holds=kind, known=None)

    @cached_property
    def files(self) -> Files:
        """The files in it."""
        return self.known or list_files(self.root, self.holds, lenient=self.lenient)

    @cached_property
    def tops(self) -> set[str]:
        """The sub-folders that contain items at any depth."""
        return top_folders(self.files.items)

    def find(self, name: str) -> str | None:
        """The path of the item that a table means by a name; empty if several match, None if none does.

        A path of another machine, or seen from another folder, is that of the file whose path has its longest ending.
        """
        if not name:
            return None
        # A case-insensitive file system may have another file under the original name of a renamed one.
        near = [f"{self.near}/{name}"] if self.near else []
        for full in (*near, name):
            if path := self.renamed.get(_plain(full)) or self._existing(full):
                return path
        found = self.candidates(name)
        return found[0] if len(found) == 1 else "" if found else None

    def candidates(self, name: str) -> list[str]:
        """The paths of the items that a name may mean."""
        wanted = _plain(name)
        if path := self._whole.get(wanted):
            return [path]
        return self._endings.find(wanted) or (self._endings.find(unquote(wanted)) if "%" in wanted else [])

    @cached_property
    def _prefix(self) -> str:
        # As text, because a Path object per file takes seconds.
        return str(self.root).rstrip(os.sep) + os.sep

    @cached_property
    def _full_names(self) -> list[str]:
        """The names of the items before they were renamed, in the order of the files."""
        before = {path: name for name, path in self.renamed.items()}
        return [unicodedata.normalize("NFC", before.get(path, path)) for path in self.files.items]

    @cached_property
    def _whole(self) -> dict[str, str]:
        """The path for each name with all its folders that a table may use; empty where several match."""
        full, paths = self._full_names, self.files.items
        inside = [_without_image_folder(name) for name in full]
        # Later ones take precedence.
        whole = [_unambiguous(names, paths) for names in (_stems(inside), _stems(full), inside, full)]
        return whole[0] | whole[1] | whole[2] | whole[3]

    @cached_property
    def _endings(self) -> PathEndings:
        return PathEndings(self._full_names, self.files.items)

    def _existing(self, name: str) -> str:
        """The path of a file with exactly this name, relative if it is in the folder; empty if it does not exist."""
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
    """A name as paths are written here; of an address on the web, without what follows the path."""
    plain = unicodedata.normalize("NFC", name.replace("\\", "/")).removeprefix("./")
    return re.split("[?#]", plain, maxsplit=1)[0] if "://" in plain else plain


def _without_image_folder(path: str) -> str:
    top, _, rest = path.partition("/")
    return rest if rest and top.lower() in IMAGE_FOLDERS else path


def _stems(names: Iterable[str]) -> list[str]:
    return [name[: name.rindex(".")] for name in names]


def _unambiguous(names: Sequence[str], paths: Sequence[str]) -> dict[str, str]:
    found = dict(zip(names, paths, strict=True))
    if len(found) < len(names):
        found |= {key: "" for key, n in Counter(names).items() if n > 1}
    return found
