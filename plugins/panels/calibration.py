"""Calibration: whether the model is right as often as it says (reliability diagram, Niculescu-Mizil & Caruana 2005)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from autotl.evidence.intervals import accuracy_with_interval
from autotl.hookspecs import hookimpl
from autotl.interfaces import Figure, Panel

if TYPE_CHECKING:
    from autotl.predictions import Predictions
    from autotl.runs.run import Run

MAX_BINS = 10
ITEMS_PER_BIN = 20
"""Fewer would leave intervals so wide that a bin says nothing."""


def reliability(run: Run, tested: Predictions) -> Iterable[Figure]:
    """Images in bins of equal number by the probability of the class predicted, against the share that was right."""
    n = len(tested.items)
    n_bins = min(MAX_BINS, n // ITEMS_PER_BIN)
    if n_bins < 2:
        return
    confidence = tested.probabilities.max(axis=1)
    right = tested.probabilities.argmax(axis=1) == tested.labels
    from autotl.runs.run import cluster_of

    clusters = cluster_of(run, tested.items)
    bins = np.array_split(np.argsort(confidence, kind="stable"), n_bins)
    rows = []
    for members in bins:
        share = accuracy_with_interval(right[members], None if clusters is None else clusters[members])
        said = float(confidence[members].mean())
        rows.append({"said": said, "right": share.value, "low": share.low, "high": share.high, "images": len(members)})
    error = sum(len(m) * abs(row["said"] - row["right"]) for m, row in zip(bins, rows, strict=True)) / n
    axis = {"scale": {"domain": [0, 1]}, "axis": {"format": "%"}}
    x = {"field": "said", "type": "quantitative", "title": "probability the model gives its answer", **axis}
    shares = {"title": "share of answers that are right", "type": "quantitative", **axis}
    spec = {
        "layer": [
            {
                "data": {"values": [{"said": 0, "right": 0}, {"said": 1, "right": 1}]},
                "mark": {"type": "line", "strokeDash": [4, 4], "color": "#8493a3"},
                "encoding": {"x": x, "y": {"field": "right", **shares}},
            },
            {
                "data": {"values": rows},
                "mark": {"type": "rule", "strokeWidth": 2},
                "encoding": {"x": x, "y": {"field": "low", **shares}, "y2": {"field": "high"}},
            },
            {
                "data": {"values": rows},
                "mark": {"type": "circle", "size": 80, "opacity": 1},
                "encoding": {
                    "x": x,
                    "y": {"field": "right", **shares},
                    "tooltip": [
                        {"field": "said", "title": "it says", "format": ".1%"},
                        {"field": "right", "title": "right", "format": ".1%"},
                        {"field": "images", "title": "images"},
                    ],
                },
            },
        ]
    }
    yield Figure(
        "Can its probabilities be believed?",
        spec,
        alt=f"Stated probability against the share of right answers in {n_bins} groups of test images.",
        note="Points on the dashed line: of the answers given with 80 %, 80 % are right. Below it the model is too "
        f"sure of itself. Mean distance (expected calibration error): {100 * error:.1f} points. Bars: 95 % intervals.",
    )


@hookimpl
def register_panels() -> Iterable[Panel]:
    yield Panel("calibration", reliability)
