"""Slices: test accuracy with intervals for each value of an attribute and for kinds of looks, worst first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from autotl.evidence.intervals import accuracy_with_interval
from autotl.hookspecs import hookimpl
from autotl.interfaces import Panel, Table

if TYPE_CHECKING:
    import pandas as pd

    from autotl.predictions import Predictions
    from autotl.runs.run import Run

FEWEST_ITEMS = 10
"""Fewer images would say nothing of a slice."""
MOST_ROWS = 25
MOST_VALUES = 30
"""An attribute with more values than this names images rather than kinds of them."""
_LOOKS = {
    "pixels": ("small", "medium", "large"),
    "brightness_p99": ("dark", "medium bright", "bright"),
    "contrast": ("low contrast", "medium contrast", "high contrast"),
    "sharpness": ("blurred", "medium sharp", "sharp"),
    "colourfulness": ("pale", "medium colourful", "colourful"),
}


def slices(run: Run, tested: Predictions) -> Iterable[Table]:
    """The accuracy on every slice that is large enough, worst first."""
    items = run.dataset.items.iloc[tested.items].reset_index(drop=True)
    items = items.assign(pixels=items["width"] * items["height"])
    right = tested.probabilities.argmax(axis=1) == tested.labels
    from autotl.runs.run import cluster_of

    clusters = cluster_of(run, tested.items)
    found = []
    for kind, name, members in [*_by_attribute(items), *_by_looks(items)]:
        if FEWEST_ITEMS <= members.sum() < len(items):
            accuracy = accuracy_with_interval(right[members], None if clusters is None else clusters[members])
            found.append((kind, name, int(members.sum()), *accuracy.rounded()))
    if found:
        found.sort(key=lambda row: (row[3], row[0], row[1]))
        everywhere = ("all", "all test images", len(items), *accuracy_with_interval(right, clusters).rounded())
        yield Table(
            "Which kinds of images is it worse at?",
            ("what", "slice", "images", "accuracy", "low", "high"),
            (everywhere, *found[:MOST_ROWS]),
            note=f"{len(found)} slices of the test images with 95 % intervals, the {min(MOST_ROWS, len(found))} worst. "
            "Of so many some look bad by chance: believe a slice whose interval lies below the first row's.",
        )


def _by_attribute(items: pd.DataFrame) -> Iterator[tuple[str, str, np.ndarray]]:
    for column in items.columns:
        if column.startswith("attribute."):
            values = items[column].astype(str).to_numpy()
            names = sorted(set(values) - {""})
            if len(names) <= MOST_VALUES:
                yield from ((column.removeprefix("attribute."), name, values == name) for name in names)


def _by_looks(items: pd.DataFrame) -> Iterator[tuple[str, str, np.ndarray]]:
    """Thirds of the images by what can be measured; where most are equal there is nothing to divide."""
    for column, names in _LOOKS.items():
        values = items[column].to_numpy(dtype=float)
        lower, upper = np.quantile(values, [1 / 3, 2 / 3])
        if lower < upper:
            third = np.digitize(values, [lower, upper], right=True)
            yield from (("image", name, third == i) for i, name in enumerate(names))


@hookimpl
def register_panels() -> Iterable[Panel]:
    yield Panel("slices", slices)
