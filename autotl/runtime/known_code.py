"""Code that a model brings along is run only if the same file is part of a plugin of this installation."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_known: set[str] = set()
"""SHA-256 of the files of plugins that were loaded in this process."""


def remember(file: Path) -> None:
    """Count a file as known; a plugin that is loaded offers it."""
    with suppress(OSError, AttributeError):  # what reads it later says what is wrong
        _known.add(_digest(file))


def is_known(file: Path, group: str) -> bool:
    """Whether a plugin that was loaded holds the same file, or a package that is installed.

    group: of the entry points by which packages offer plugins. Their modules are not imported, only the packages that
    these lie in.
    """
    digest = _digest(file)
    return digest in _known or any(_digest(one) == digest for one in _installed(group))


def _installed(group: str) -> Iterator[Path]:
    """The modules beside those that entry points name."""
    folders = set()
    for entry in importlib.metadata.entry_points(group=group):
        with suppress(Exception):  # of a broken package, which is named where plugins are loaded
            spec = importlib.util.find_spec(entry.module)
            if spec and spec.origin:
                folders.add(Path(spec.origin).parent)
    for folder in sorted(folders):
        yield from sorted(folder.glob("*.py"))


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
