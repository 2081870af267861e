"""Names of members: split, changed where a file system could not store them, and kept distinct."""

from __future__ import annotations

import re
import unicodedata

from autotl.data.archives.member import PACK_AGAIN, RefusedError, quoted

_PART_BYTES = 200
_FORBIDDEN = frozenset('<>:"|?*\\')
_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$|clock\$) *(\.|$)", re.IGNORECASE)
_SIDE_FILES = frozenset({".ds_store", "thumbs.db", "desktop.ini"})


def split_name(name: str) -> tuple[str, ...]:
    """The parts of a member's name in NFC; raises RefusedError for a name that could lead out of the folder."""
    if "\0" in name:
        raise RefusedError(f"has a NUL in its name. {PACK_AGAIN}")
    if name.startswith("/") or re.match("[A-Za-z]:", name):
        raise RefusedError(f"has an absolute name, where one below the archive's own folder is needed. {PACK_AGAIN}")
    parts = tuple(unicodedata.normalize("NFC", part) for part in name.split("/") if part not in ("", "."))
    if ".." in parts:
        raise RefusedError(f"has `..` in its name, which leads out of the folder. {PACK_AGAIN}")
    return parts


def is_side_file(parts: tuple[str, ...], *, folder: bool) -> bool:
    """Whether macOS or Windows added a member by themselves, such as .DS_Store."""
    if "__MACOSX" in parts or any(part.startswith("._") for part in parts):
        return True
    return bool(parts) and not folder and parts[-1].lower() in _SIDE_FILES


class Names:
    """The names that a folder contains so far."""

    def __init__(self) -> None:
        self._children: dict[str, tuple[str, str, Names | None]] = {}
        self._folded: dict[str, int] = {}

    def claim(self, parts: tuple[str, ...], *, folder: bool) -> str:
        """Reserve a path that every system can store for a member; raises RefusedError if it is taken."""
        here, names = self, []
        for depth, part in enumerate(parts, start=1):
            name, child = here._claim(part, folder=folder or depth < len(parts))
            names.append(name)
            here = child or here
        return "/".join(names)

    def _claim(self, part: str, *, folder: bool) -> tuple[str, Names | None]:
        safe = _safe(part)
        if safe not in self._children:
            self._children[safe] = (part, self._distinct(safe), Names() if folder else None)
            return self._children[safe][1:]
        first, name, child = self._children[safe]
        if (child is not None) != folder:
            raise RefusedError(f"has {quoted(part)} in its name, which is both a file and a folder. {PACK_AGAIN}")
        if first != part:
            raise RefusedError(
                f"has {quoted(part)} in its name, which becomes the same name as {quoted(first)}, {quoted(safe)}, "
                "on some systems. Rename one of them and pack the archive again."
            )
        if child is None:
            raise RefusedError(f"occurs twice. {PACK_AGAIN}")
        return name, child

    def _distinct(self, safe: str) -> str:
        name, first = safe, _folded(safe)
        stem, suffix = _stem_and_suffix(safe)
        while _folded(name) in self._folded:
            self._folded[first] += 1
            name = f"{stem}~{self._folded[first]}{suffix}"
        self._folded[_folded(name)] = 1
        return name


def _safe(part: str) -> str:
    """A name that Linux, macOS and Windows can all store."""
    kept = (c if c not in _FORBIDDEN and unicodedata.category(c) not in _UNPRINTABLE else "_" for c in part)
    part = _cut("".join(kept).rstrip(". ")).rstrip(". ") or "_"
    return f"_{part}" if _DEVICE.match(part) else part


def _cut(part: str) -> str:
    if len(part.encode()) <= _PART_BYTES:
        return part
    stem, suffix = _stem_and_suffix(part)
    return stem.encode()[: _PART_BYTES - len(suffix.encode())].decode(errors="ignore") + suffix


def _stem_and_suffix(part: str) -> tuple[str, str]:
    stem, dot, suffix = part.rpartition(".")
    return (stem, dot + suffix) if stem and len(suffix.encode()) < 20 else (part, "")


def _folded(part: str) -> str:
    """The same for any two names that a case-insensitive file system considers equal."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", part).casefold())
