"""The accuracy when people decide the images that the model is least sure of (Geifman & El-Yaniv 2017)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from autotl.evidence.intervals import accuracy_with_interval
from autotl.hookspecs import hookimpl
from autotl.interfaces import Panel, Table

if TYPE_CHECKING:
    from autotl.predictions import Predictions
    from autotl.runs.run import Run

SHARES = (1.0, 0.95, 0.9, 0.8, 0.7, 0.5)
FEWEST_ITEMS = 20


def coverage(run: Run, tested: Predictions) -> Iterable[Table]:
    """The accuracy on the share of images of which the model is surest."""
    n = len(tested.items)
    if n < FEWEST_ITEMS:
        return
    confidence = tested.probabilities.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    right = (tested.probabilities.argmax(axis=1) == tested.labels)[order]
    from autotl.runs.run import cluster_of

    clusters = cluster_of(run, tested.items[order])
    rows = []
    for answered in SHARES:
        kept = max(1, round(answered * n))
        accuracy = accuracy_with_interval(right[:kept], None if clusters is None else clusters[:kept])
        mistakes = kept - int(right[:kept].sum())
        surest = f"{confidence[order[kept - 1]]:.3f}"
        rows.append((f"{100 * answered:.0f} %", surest, n - kept, mistakes, *accuracy.rounded()))
    yield Table(
        "What if people decide the doubtful ones?",
        ("answered by the model", "probability at least", "left to people", "mistakes left", "accuracy", "low", "high"),
        tuple(rows),
        note="Test images, the surest answers first; accuracy with its 95 % interval. The probability may serve as a "
        "threshold; it was read off these images, so expect slightly less on new ones.",
    )


@hookimpl
def register_panels() -> Iterable[Panel]:
    yield Panel("certainty", coverage)
