"""How many images each class has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from autotl.hookspecs import hookimpl
from autotl.interfaces import Check, Finding
from autotl.runtime.wording import listed

if TYPE_CHECKING:
    from autotl.data.dataset import Dataset

FEW_IMAGES = 20
"""With fewer, the recall of a class has a 95 % interval wider than 40 points on a test split of a fifth."""
STRONG_IMBALANCE = 10.0


def class_sizes(dataset: Dataset) -> Iterator[Finding]:
    """Name small classes, and a strong imbalance."""
    counts = dataset.items["label"].value_counts()
    small = counts[counts < FEW_IMAGES]
    if len(small):
        named = listed([f"{label}: {n}" for label, n in small.sort_index().items()])
        yield Finding(
            "class-sizes",
            "warning",
            f"{len(small)} of {len(counts)} classes {'has' if len(small) == 1 else 'have'} fewer than {FEW_IMAGES} "
            f"images ({named})",
            advice="Their scores will have wide intervals; add images where you can.",
        )
    if len(counts) > 1 and counts.max() > STRONG_IMBALANCE * counts.min():
        yield Finding(
            "class-sizes",
            "warning",
            f"the largest class ({counts.idxmax()}: {counts.max()}) has {counts.max() / counts.min():.0f} times as "
            f"many images as the smallest ({counts.idxmin()}: {counts.min()})",
            advice="Judge the model by balanced accuracy and by each class's recall, not by accuracy.",
        )


@hookimpl
def register_checks() -> Iterable[Check]:
    yield Check("class-sizes", class_sizes)
