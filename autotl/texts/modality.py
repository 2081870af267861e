"""Texts as a kind of item."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import ModuleType, SimpleNamespace

from autotl.modality import Deployed, Examiner, Modality, Shown
from autotl.texts import kind
from autotl.texts.facts import FACT_COLUMNS, read_facts
from autotl.texts.near_duplicates import find_pairs

LARGE_EDGE = 600
"""Pixels: a place on a page of this size has room for a whole text, which is scrolled."""


def _examiner() -> Examiner:
    return SimpleNamespace(read_facts=read_facts, find_pairs=find_pairs)


def _here() -> AbstractContextManager[Examiner]:
    # Texts are examined sooner than another process has started.
    return nullcontext(_examiner())


def _show(path: Path, edge: int) -> Shown:
    from autotl.texts.files import read_text_file
    from autotl.texts.preview import excerpt, whole_text

    text = read_text_file(path)
    return Shown(text=excerpt(text) if edge < LARGE_EDGE else whole_text(text))


def _size_words(size: str) -> str:
    n_tokens = int(size.rpartition("x")[2])
    return f" in chunks of {n_tokens} tokens" if n_tokens > 1 else ""


def _serving() -> ModuleType:
    from autotl.texts import serving

    return serving


def _deployed(size: tuple[int, int], files: Mapping[str, Path]) -> Deployed:
    from autotl.texts.deployed import deployed

    return deployed(size, files)


TEXTS = Modality(
    kind=kind.TEXTS,
    has_pixels=False,
    fact_columns=FACT_COLUMNS,
    examiner=_examiner,
    apart=_here,
    show=_show,
    typical_size=lambda facts: f"{facts['n_words'].median():,.0f} words" if (facts["format"] != "").any() else "",
    size_words=_size_words,
    reading="The encoding of a file is found by its bytes. Of an e-mail the subject and the body are read, of HTML "
    "what a page shows. A text that is longer than the model takes at once is read in chunks, whose vectors are "
    "pooled.",
    elsewhere="texts by other authors, or from another place or time",
    risk=lambda _given: "",
    serving=_serving,
    deployed=_deployed,
)
