"""Sentences about images in terms of another kind of item.

Messages are written about images. A run about another kind of item says them in its own words, here in one place; names
that the user gave, such as those of classes, and paths stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar, cast

T = TypeVar("T")
IMAGE = "image"
_WORD = re.compile(r"(?<![\w/\\.@-])(?:([Aa])n )?([Ii])mage(s?)(?![\w/\\-]|\.\w)")
_TEXTS_OF_A_CHART = ("title", "text", "description")


@dataclass(frozen=True)
class ItemWords:
    """Says things in terms of a kind of item.

    item: singular, such as "text". kept: names that are never changed.
    """

    item: str = IMAGE
    kept: tuple[str, ...] = ()

    def __call__(self, thing: T) -> T:
        """The same text, or dataclass or sequence with texts; of a chart only its titles, not its data."""
        if self.item == IMAGE:
            return thing
        return cast(T, self._said(thing))

    def _said(self, thing: Any) -> Any:
        if isinstance(thing, str):
            return self._text(thing)
        if isinstance(thing, tuple | list):
            return type(thing)([self._said(part) for part in thing])
        if isinstance(thing, Mapping):
            return {
                key: self._said(value) if key in _TEXTS_OF_A_CHART or not isinstance(value, str) else value
                for key, value in thing.items()
            }
        if is_dataclass(thing) and not isinstance(thing, type):
            told = {one.name: getattr(thing, one.name) for one in fields(thing) if one.init}
            changed = {name: said for name, value in told.items() if (said := self._said(value)) != value}
            return replace(thing, **changed) if changed else thing
        return thing

    def _text(self, text: str) -> str:
        if "mage" not in text:
            return text
        names = [name for name in self.kept if name in text]
        if not names:
            return _WORD.sub(self._word, text)
        parts = re.split("(" + "|".join(map(re.escape, sorted(names, key=len, reverse=True))) + ")", text)
        # Every second part is one of the names.
        return "".join(part if place % 2 else _WORD.sub(self._word, part) for place, part in enumerate(parts))

    def _word(self, found: re.Match[str]) -> str:
        article, first, plural = found.groups()
        word = self.item.capitalize() if first == "I" else self.item
        before = "" if not article else f"{article}n " if self.item[0] in "aeiou" else f"{article} "
        return f"{before}{word}{plural}"
