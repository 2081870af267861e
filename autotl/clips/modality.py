"""Clips as a kind of item."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd

from autotl.clips import kind
from autotl.clips.clip_source import FRAMES
from autotl.clips.examining import FACT_COLUMNS, ClipExaminer
from autotl.images.modality import IMAGES
from autotl.modality import Deployed, Examiner, Modality, Shown


@contextmanager
def _apart() -> Iterator[Examiner]:
    with IMAGES.apart() as images:
        yield ClipExaminer(images)


def _show(path: Path, edge: int) -> Shown:
    from autotl.clips.clip_source import UnreadableClip
    from autotl.clips.preview import frames_sheet
    from autotl.clips.safe_decode import clip_risk

    if risk := clip_risk(path):
        raise UnreadableClip(risk)
    return Shown(jpeg=frames_sheet(path, edge))


def _typical_size(facts: pd.DataFrame) -> str:
    width, height = facts[["width", "height"]].median()
    if not width:
        return ""
    seconds = float(facts["seconds"].median())
    return f"{width:.0f} × {height:.0f}, " + (
        f"{seconds:.1f} s" if seconds else f"{facts['frames'].median():.0f} frames"
    )


def _risk(given: Any) -> str:
    from autotl.clips.safe_decode import clip_risk

    return clip_risk(given.clip)


def _serving() -> ModuleType:
    from autotl.clips import serving

    return serving


def _deployed(size: tuple[int, int], files: Mapping[str, Path]) -> Deployed:
    from autotl.clips.deployed import deployed

    return deployed(size, files)


CLIPS = Modality(
    kind=kind.CLIPS,
    has_pixels=False,
    fact_columns=FACT_COLUMNS,
    examiner=lambda: ClipExaminer(IMAGES.examiner()),
    apart=_apart,
    show=_show,
    typical_size=_typical_size,
    size_words=lambda size: f" at {size} pixels",
    reading=f"Of a clip {FRAMES} frames are read, evenly spaced; sound is not read. Frames are turned upright, "
    "transparent areas are filled with white, and frames are resized to the input size without keeping their aspect "
    "ratio.",
    elsewhere="clips from another camera, place or time",
    risk=_risk,
    serving=_serving,
    deployed=_deployed,
)
"""Videos, animated images and folders of frames."""
