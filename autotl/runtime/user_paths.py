"""Paths and names as people give them, and names of files as file systems take them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from autotl.errors import ConfigError

_MAX_NAME_BYTES = 180
"""File systems take 255; a suffix, and the name of a temporary file, come on top."""


def expand_home(path: Path | str) -> Path:
    """Expand ~ in a path, as no shell does in --run=~/x or in a notebook; ConfigError if there is no such user."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ConfigError(f"{path} cannot be found: there is no home folder {Path(path).parts[0]}") from None


def short_name(name: str) -> str:
    """The beginning of a name, so that a file can be called after it."""
    return name.encode()[:_MAX_NAME_BYTES].decode(errors="ignore")


def split_names(text: str) -> tuple[str, ...]:
    """Split names at commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def split_order(text: str) -> tuple[str, ...]:
    """The classes in a text such as "low,medium,high"; a name that has a comma is in double quotes, as in a CSV file.

    Raises ConfigError if a quotation mark is not closed.
    """
    import csv

    try:
        [names] = csv.reader([text], skipinitialspace=True, strict=True) if text.strip() else [[]]
    except (csv.Error, ValueError):
        raise ConfigError(
            f"the order {text!r} cannot be read; give the classes from low to high with commas, such as "
            "low,medium,high, and names that have a comma in double quotes"
        ) from None
    return tuple(name.strip() for name in names if name.strip())


def as_option(names: Iterable[str]) -> str:
    """The inverse of `split_order`."""
    return ",".join(f'"{name.replace(chr(34), chr(34) * 2)}"' if {",", '"'} & set(name) else name for name in names)


def split_paths(text: str) -> tuple[str, ...]:
    """Split names and paths at commas, but not the path of a file that is there."""
    parts, found = text.split(","), []
    while parts:
        joined = [",".join(parts[:n]).strip() for n in range(len(parts), 1, -1)]
        name = next(filter(_is_file, joined), parts[0].strip())
        del parts[: name.count(",") + 1]
        found.append(name)
    return tuple(filter(None, found))


def _is_file(name: str) -> bool:
    try:
        return Path(name).expanduser().is_file()
    except (OSError, ValueError, RuntimeError):  # no path can be called so, or there is no such user
        return False


def why_no_file(path: Path) -> str:
    """What is at a path in place of a file, as the beginning of a sentence; empty for a file, and for nothing."""
    if path.is_dir():
        return f"{path} is a folder"
    if path.exists():
        return "" if path.is_file() else f"{path} is a pipe or a device"
    return f"{path} is a link to {path.readlink()}, which is not there" if path.is_symlink() else ""
