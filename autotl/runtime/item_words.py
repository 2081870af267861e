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
_WORD = re.compile(r"(?<![\w/\\.@<-])(?:([Aa])n )?([Ii])mage(s?)(?![\w/\\-]|\.\w)")
_WHOLE, _TOKENS = re.compile(r" at 1 ?x ?1 pixels\b"), re.compile(r"\b1 ?x ?(\d+) pixels\b")
"""Sizes of items that have no pixels: read as a whole, or so many tokens at a time."""
_SAID = ("title", "text", "description", "what", "why_not")
"""Of a mapping, such as a chart or a forecast as JSON, the texts for people."""


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
        """What is said in its place: the thing itself where nothing changes."""
        if isinstance(thing, str):
            said = self._text(thing)
            return thing if said == thing else said
        if isinstance(thing, tuple | list):
            parts = [self._said(part) for part in thing]
            same = all(said is part for said, part in zip(parts, thing, strict=True))
            return thing if same else type(thing)(parts)
        if isinstance(thing, Mapping):
            told = {name: one for name, one in thing.items() if not isinstance(one, str) or name in _SAID}
            changed = self._changed(told)
            return {**thing, **changed} if changed else thing
        if is_dataclass(thing) and not isinstance(thing, type):
            changed = self._changed({one.name: getattr(thing, one.name) for one in fields(thing) if one.init})
            return replace(thing, **changed) if changed else thing
        return thing

    def _changed(self, told: Mapping[str, Any]) -> dict[str, Any]:
        return {name: said for name, value in told.items() if (said := self._said(value)) is not value}

    def _text(self, text: str) -> str:
        if "pixels" in text:
            text = _TOKENS.sub(r"\1 tokens", _WHOLE.sub("", text))
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
