"""Texts as a kind of item."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import ModuleType, SimpleNamespace

from autotl.modality import Deployed, Examiner, Modality, Shown
from autotl.texts.facts import FACT_COLUMNS, read_facts
from autotl.texts.near_duplicates import find_pairs


def _examiner() -> Examiner:
    return SimpleNamespace(read_facts=read_facts, find_pairs=find_pairs)


def _here() -> AbstractContextManager[Examiner]:
    # Texts are examined sooner than another process has started.
    return nullcontext(_examiner())


def _show(path: Path, _edge: int) -> Shown:
    from autotl.texts.files import read_text_file
    from autotl.texts.preview import excerpt

    return Shown(text=excerpt(read_text_file(path)))


def _serving() -> ModuleType:
    from autotl.texts import serving

    return serving


def _deployed(size: tuple[int, int], files: Mapping[str, Path]) -> Deployed:
    from autotl.texts.deployed import deployed

    return deployed(size, files)


TEXTS = Modality(
    name="text",
    plural="texts",
    has_pixels=False,
    fact_columns=FACT_COLUMNS,
    examiner=_examiner,
    apart=_here,
    show=_show,
    typical_size=lambda facts: f"{facts['n_words'].median():,.0f} words" if (facts["format"] != "").any() else "",
    risk=lambda _given: "",
    serving=_serving,
    deployed=_deployed,
)
