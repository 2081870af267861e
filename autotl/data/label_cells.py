"""Cells that hold several labels: lists as JSON, Python and NumPy write them, and names joined by a separator."""

from __future__ import annotations

import ast
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autotl.data.column_words import MISSING_WORDS

_OPENING = ("[", "(", "{")
_NUMPY_LIST = re.compile(r"\[\s*('[^']*'|\"[^\"]*\")(\s+('[^']*'|\"[^\"]*\"))+\s*\]")
_EMPTY = frozenset({"[]", "()", "{}", "set()", ";"})
_NAMED = {";": "semicolons", "|": "vertical bars", ",": "commas", " ": "spaces"}
_MOST_REUSED = 0.5


@dataclass(frozen=True)
class Separator:
    """What is between the labels in a cell. mark: one character, empty if each cell has one label."""

    mark: str

    @property
    def name(self) -> str:
        """In words, such as "commas"."""
        return _NAMED.get(self.mark, "")


class UnreadableCell(ValueError):  # noqa: N818, beside UnreadableText
    """A cell looks like a list and cannot be read as one."""


def looks_like_list(cell: str) -> bool:
    """Whether a cell is written as a list, such as '["a", "b"]'."""
    return cell.startswith(_OPENING) and cell.endswith(("]", ")", "}"))


def parse_list(cell: str) -> tuple[str, ...]:
    """The labels in a list as JSON, Python or NumPy write it; UnreadableCell if it is not a list.

    Names without quotes are read, too, as in "[cat, dog]".
    """
    if cell in _EMPTY:
        return ()
    inner = cell[1:-1].strip()
    for parse in (json.loads, ast.literal_eval):
        try:
            found = parse(cell)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
        if isinstance(found, dict) or not isinstance(found, list | tuple | set | frozenset):
            break
        # Python joins the texts of a NumPy array, which have no commas between them.
        values = re.findall(r"'([^']*)'|\"([^\"]*)\"", cell) if _NUMPY_LIST.fullmatch(cell) else found
        names = [one[0] or one[1] if isinstance(one, tuple) and values is not found else one for one in values]
        if any(isinstance(name, dict | list | tuple | set) for name in names):
            break
        names = sorted(names, key=str) if isinstance(found, set) else names
        return _names(map(_text, names))
    if re.search(r"[\"'{}\[\]:]", inner):
        raise UnreadableCell(cell)
    return _names(inner.split(","))


def find_separator(cells: Sequence[str]) -> Separator:
    """What separates the labels in cells that are not lists: the first of ; | , that occurs, else perhaps a space.

    Spaces separate labels where the words are used again in other cells, so that there are fewer words than different
    cells, as in "beach sunset", "beach" and "sunset". Otherwise they are within names, as in "hot dog".
    """
    for mark in (";", "|", ","):
        if any(mark in cell for cell in cells):
            return Separator(mark)
    different = {" ".join(cell.split()) for cell in cells}
    several = [cell.split(" ") for cell in different if " " in cell]
    if not several:
        return Separator("")
    words = {word for cell in different for word in cell.split(" ")}
    uses = {word: sum(word in cell.split(" ") for cell in different) for word in {w for cell in several for w in cell}}
    reused = sum(n > 1 for n in uses.values()) / len(uses)
    return Separator(" " if len(words) < len(different) and reused > _MOST_REUSED else "")


def split_cell(cell: str, separator: Separator) -> tuple[str, ...]:
    """The labels in a cell that is not a list."""
    if cell in _EMPTY:
        return ()
    if not separator.mark:
        return _names([cell])
    return _names(cell.split() if separator.mark == " " else cell.split(separator.mark))


def is_empty(cell: str) -> bool:
    """Whether a cell says nothing; "[]" says that no label applies."""
    return cell.lower() in MISSING_WORDS


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _names(parts: Iterable[str]) -> tuple[str, ...]:
    """Names without spaces around them, each once; nothing for parts that are empty."""
    names = (unicodedata.normalize("NFC", " ".join(part.split())) for part in parts)
    return tuple(dict.fromkeys(name for name in names if not is_empty(name)))
