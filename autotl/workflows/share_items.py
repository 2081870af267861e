"""Matches the rows of a user's table to the images of a population."""

from __future__ import annotations

import filecmp
from collections.abc import Mapping
from pathlib import Path

from autotl.data.path_endings import PathEndings


class Lookup:
    """Finds the images that a table names."""

    def __init__(self, files: Mapping[str, str]) -> None:
        """files: the path of each image, by name."""
        self._files = files
        self._exact = {name: name for name in files} | {file: name for name, file in files.items()}
        self._endings = PathEndings(list(files), list(files))

    def find(self, item: str) -> str | None:
        """The name of the matching image, None if there is none or the match is ambiguous."""
        if found := self._exactly(item):
            return found
        several = self._endings.find(item.replace("\\", "/"))
        return several[0] if len(several) == 1 else None

    def contradiction(self, item: str, name: str) -> str:
        """Why an item is not the image found for it; empty if there is no contradiction.

        If the item is an existing file, contents are compared: a copy is the same image. Otherwise a path must end with
        the folder and name of the image, since many images share names such as 001.png.
        """
        wanted, file = Path(item.replace("\\", "/")), Path(self._files[name])
        if self._exactly(item) or len(wanted.parts) < 2:
            return ""
        if (same := _same_content(wanted, file)) is not None:
            return "" if same else f"exists and is another image than {file}"
        folder = wanted.parent.name.casefold()
        if folder in (file.parent.name.casefold(), Path(name).parent.name.casefold()):
            return ""
        return f"has only the file name in common with {file}"

    def _exactly(self, item: str) -> str | None:
        return self._exact.get(item) or self._exact.get(Path(item.replace("\\", "/")).as_posix())


def _same_content(item: Path, file: Path) -> bool | None:
    """Whether two files have the same content; None if the item is not an existing file."""
    try:
        if not item.is_file():
            return None
    except (OSError, ValueError):
        return None
    try:
        return filecmp.cmp(item, file, shallow=False)
    except OSError:
        return False
