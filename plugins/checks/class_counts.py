"""Checks of what can be counted: unreadable files, small classes, imbalance, exact duplicates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from autotl.hookspecs import hookimpl
from autotl.interfaces import Check, Finding

if TYPE_CHECKING:
    from autotl.dataset import Dataset

FEW_IMAGES = 20
"""Below this a class's own recall has a 95 % interval wider than 40 points on a fifth of the images."""
STRONG_IMBALANCE = 10.0


def unreadable(dataset: Dataset) -> Iterator[Finding]:
    """Name the files that were set aside, with the reason of the first."""
    bad = dataset.quarantined
    if len(bad):
        first = bad.iloc[0]
        yield Finding(
            "unreadable",
            "warning",
            f"{len(bad)} of {len(dataset.table)} images cannot be used and were set aside; "
            f"{first['path']}: {first['quarantine']}",
            items=tuple(bad["path"]),
            advice="Replace or remove them; the other images are used.",
        )


def class_sizes(dataset: Dataset) -> Iterator[Finding]:
    """Name small classes, and a strong imbalance."""
    counts = dataset.items["label"].value_counts()
    small = counts[counts < FEW_IMAGES]
    if len(small):
        named = ", ".join(f"{label}: {n}" for label, n in small.sort_index().items())
        yield Finding(
            "class-sizes",
            "warning",
            f"{len(small)} of {len(counts)} classes have fewer than {FEW_IMAGES} images ({named})",
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


def duplicates(dataset: Dataset) -> Iterator[Finding]:
    """Name images with the same bytes, and those that carry two labels at once."""
    items = dataset.items
    twins = items[items["sha256"].duplicated(keep=False)]
    if not len(twins):
        return
    labels = twins.groupby("sha256")["label"].nunique()
    conflicting = twins[twins["sha256"].isin(labels[labels > 1].index)].sort_values("sha256")
    yield Finding(
        "duplicates",
        "info",
        f"{len(twins)} images are exact copies of another one; copies stay on one side of every split",
        items=tuple(twins.sort_values("sha256")["path"]),
        advice="Remove the copies if they are not meant to count twice.",
    )
    if len(conflicting):
        yield Finding(
            "duplicates",
            "warning",
            f"{len(conflicting)} images are exact copies with different labels, such as "
            f"{conflicting['path'].iloc[0]} and {conflicting['path'].iloc[1]}",
            items=tuple(conflicting["path"]),
            advice="Decide which label is right and remove the other copy.",
        )


@hookimpl
def register_checks() -> Iterable[Check]:
    yield Check("unreadable", unreadable)
    yield Check("class-sizes", class_sizes)
    yield Check("duplicates", duplicates)
