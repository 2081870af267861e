"""Pairs of an image and a text as a kind of item, composed of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd

from autotl.images.modality import IMAGES
from autotl.modality import Deployed, Examiner, Modality, Shown
from autotl.pairs import kind
from autotl.pairs.contents import contents_of, files_of, open_file
from autotl.pairs.examining import FACT_COLUMNS, PairExaminer
from autotl.pairs.pair_files import UnreadablePair, held_parts
from autotl.texts.modality import TEXTS

_PARTS = (IMAGES, TEXTS)


@contextmanager
def _apart() -> Iterator[Examiner]:
    with IMAGES.apart() as images, TEXTS.apart() as texts:
        yield PairExaminer(images, texts)


def _show(path: Path, edge: int) -> Shown:
    from autotl.images.file_info import thumbnail
    from autotl.texts.preview import excerpt

    pair = open_file(path)
    text = Shown(text=excerpt(pair.text)) if isinstance(pair.text, str) else TEXTS.show(pair.text, edge)
    return Shown(thumbnail(pair.image, edge), text.text)


def _contents(path: Path) -> bytes:
    return held_parts(*contents_of(open_file(path)))


def _typical_size(facts: pd.DataFrame) -> str:
    def of(part: Modality) -> str:
        return part.typical_size(facts.rename(columns=lambda name: str(name).removeprefix(f"{part.name}.")))

    return ", ".join(filter(None, map(of, _PARTS)))


def _risk(given: Any) -> str:
    from autotl.pairs.given_pairs import open_pair

    try:
        image, _ = open_pair(given)
    except UnreadablePair:  # reading it says why
        return ""
    risk = IMAGES.risk(image)
    return risk and f"its image: {risk}"


def _serving() -> ModuleType:
    from autotl.pairs import serving

    return serving


def _deployed(size: tuple[int, int], files: Mapping[str, Path]) -> Deployed:
    from autotl.pairs.deployed import deployed

    return deployed(size, files)


PAIRS = Modality(
    kind=kind.PAIRS,
    has_pixels=False,
    fact_columns=FACT_COLUMNS,
    examiner=lambda: PairExaminer(IMAGES.examiner(), TEXTS.examiner()),
    apart=_apart,
    show=_show,
    typical_size=_typical_size,
    size_words=lambda size: f" with images at {size} pixels",
    reading=f"A pair is an image and a text. {IMAGES.reading} {TEXTS.reading}",
    elsewhere="images and texts from another place or time, or by other authors",
    risk=_risk,
    serving=_serving,
    deployed=_deployed,
    contents=_contents,
    files=files_of,
    parts=tuple(part.name for part in _PARTS),
)
"""Pairs of an image and a text, such as a photo and its description."""
