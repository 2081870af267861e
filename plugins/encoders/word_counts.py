"""TF-IDF: counts of words and of strings of characters, which every search of texts tries."""

from __future__ import annotations

from collections.abc import Iterable

from autotl.hookspecs import hookimpl
from autotl.interfaces import Encoder, WordCounts


@hookimpl
def register_encoders() -> Iterable[Encoder]:
    yield WordCounts("tfidf", embedded=True, source="counted in the texts themselves")
