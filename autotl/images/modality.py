"""Images as a kind of item."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pandas as pd

from autotl.images import kind
from autotl.images.facts import FACT_COLUMNS, read_facts
from autotl.images.image_process import ImageProcess
from autotl.images.near_duplicates import find_pairs
from autotl.modality import Deployed, Modality, Shown


def _deployed(size: tuple[int, int], files: Mapping[str, Path]) -> Deployed:
    from autotl.images.deployed import deployed

    return deployed(size, files)


def _show(path: Path, edge: int) -> Shown:
    from autotl.images.file_info import thumbnail

    return Shown(jpeg=thumbnail(path, edge))


def _typical_size(facts: pd.DataFrame) -> str:
    width, height = facts[["width", "height"]].median()
    return f"{width:.0f} × {height:.0f}" if width else ""


def _risk(given: Any) -> str:
    from autotl.images.given_images import read_source
    from autotl.images.safe_decode import decode_risk

    return decode_risk(read_source(given.image)) if isinstance(given.image, str | bytes) else ""


def _serving() -> ModuleType:
    from autotl.images import serving

    return serving


IMAGES = Modality(
    kind=kind.IMAGES,
    has_pixels=True,
    fact_columns=FACT_COLUMNS,
    examiner=lambda: SimpleNamespace(read_facts=read_facts, find_pairs=find_pairs),
    apart=ImageProcess,
    show=_show,
    typical_size=_typical_size,
    size_words=lambda size: f" at {size} pixels",
    reading="Images are turned upright (EXIF), transparent areas are filled with white, and images are resized to the "
    "input size without keeping their aspect ratio.",
    elsewhere="images from another camera, place or time",
    risk=_risk,
    serving=_serving,
    deployed=_deployed,
)
