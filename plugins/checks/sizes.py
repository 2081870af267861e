"""Images that are tiny, of a very different size from the rest, or long and narrow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from autotl.hookspecs import hookimpl
from autotl.interfaces import Check, Finding
from autotl.runtime.wording import counted
from autotl.targets import KINDS

if TYPE_CHECKING:
    from autotl.data.dataset import Dataset

TINY_PIXELS = 32
ODD_SHAPE = 0.35
"""Shorter over longer side; cleanvision's limit."""
FENCE = 3.0
"""Interquartile ranges beyond the quartiles; cleanvision's limit for odd sizes."""
ODD_FACTOR = 2.0
"""An odd size is also this many times larger or smaller than the median: where nearly all images have one size, the
interquartile range is 0, and every other size would be odd."""
N_FOR_QUARTILES = 20


def tiny(dataset: Dataset) -> Iterator[Finding]:
    """Name tiny images: a property of the dataset if most are tiny, otherwise exceptions."""
    items = dataset.items
    shorter = items[["width", "height"]].min(axis=1)
    small = items.assign(shorter=shorter)[shorter < TINY_PIXELS].sort_values(["shorter", "path"])
    if not len(small):
        return
    found = f"fewer than {TINY_PIXELS} pixels on the shorter side"
    if 2 * len(small) > len(items):
        yield Finding(
            "tiny",
            "info",
            f"{_all_or(len(small), len(items))} have {found} (half of them at most {small['shorter'].median():.0f})",
            advice="Use larger originals if there are any: most backbones were trained on photographs of 224 pixels "
            "and more, and enlarging adds no detail.",
        )
        return
    first = small.iloc[0]
    yield Finding(
        "tiny",
        "warning",
        f"{counted(len(small), 'image')} of {len(items):,} {'has' if len(small) == 1 else 'have'} {found}, such as "
        f"{first['path']} ({first['width']} x {first['height']})",
        items=tuple(small["path"]),
        advice="Look at them: they may be thumbnails or icons that were included by mistake.",
    )


def odd_size(dataset: Dataset) -> Iterator[Finding]:
    """Name images that are far larger or smaller than the rest."""
    items = dataset.items
    if len(items) < N_FOR_QUARTILES:
        return
    # Logarithms, because a width of 100 is as far from 200 as 400 is.
    size = np.log2(items["width"] * items["height"]) / 2
    lower, middle, upper = np.percentile(size, [25, 50, 75])
    reach = FENCE * (upper - lower)
    least = np.log2(ODD_FACTOR)
    odd = items[(size < min(lower - reach, middle - least)) | (size > max(upper + reach, middle + least))]
    if len(odd):
        distance = (size[odd.index] - middle).abs()
        odd = odd.assign(distance=distance).sort_values(["distance", "path"], ascending=[False, True])
        first = odd.iloc[0]
        yield Finding(
            "odd-size",
            "info",
            f"{counted(len(odd), 'image')} of {len(items):,} {'is' if len(odd) == 1 else 'are'} far larger or smaller "
            f"than the rest, such as {first['path']} ({first['width']} x {first['height']}; the median is about "
            f"{2**middle:.0f} x {2**middle:.0f})",
            items=tuple(odd["path"]),
            advice="Look at them: they may come from another source, or be previews that were included by mistake.",
        )


def odd_shape(dataset: Dataset) -> Iterator[Finding]:
    """Name images that are much longer than wide, or wider than long."""
    items = dataset.items
    sides = items[["width", "height"]]
    narrow = items.assign(ratio=sides.min(axis=1) / sides.max(axis=1))
    narrow = narrow[narrow["ratio"] < ODD_SHAPE].sort_values(["ratio", "path"])
    if len(narrow):
        first = narrow.iloc[0]
        yield Finding(
            "odd-shape",
            "info",
            f"{_all_or(len(narrow), len(items))} {'is' if len(narrow) == 1 else 'are'} about three times as long as "
            f"wide or more, such as {first['path']} ({first['width']} x {first['height']}); every image is resized "
            "to the model's shape",
            items=tuple(narrow["path"]),
            advice="Crop them to what matters if the distorted image would be hard to recognise.",
        )


def _all_or(n: int, total: int) -> str:
    return f"all {counted(total, 'image')}" if n == total else f"{n:,} of {counted(total, 'image')}"


@hookimpl
def register_checks() -> Iterable[Check]:
    yield Check("tiny", tiny, modality="image", targets=KINDS)
    yield Check("odd-size", odd_size, modality="image", targets=KINDS)
    yield Check("odd-shape", odd_shape, modality="image", targets=KINDS)
