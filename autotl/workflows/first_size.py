"""A guess, before the scan, of the size at which a dataset will be read first."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path

from autotl.interfaces import Size

_LOOKED_AT, _TRIED = 12, 60
"""Headers of images that are read, and of files that are tried for them."""


def guess_size(data: Path, sizes: Sequence[Size]) -> Size:
    """The size that the rule gives for the first images found; the default, which comes first, where there are none."""
    from autotl.search.space import reading_size

    edges = list(itertools.islice(_edges(data), _LOOKED_AT))
    return reading_size(sizes, statistics.median(edges)) if edges else sizes[0]


def _edges(data: Path) -> Iterator[int]:
    """The longer edges of images in a folder, from their headers."""
    from PIL import Image

    for path in itertools.islice(data.rglob("*.*"), _TRIED):
        try:
            with Image.open(path) as image:
                yield max(image.size)
        except (OSError, ValueError, Image.DecompressionBombError):  # the scan tells of it
            continue
