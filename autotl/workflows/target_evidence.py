"""The evidence for a champion that learned several labels, or a number."""

from __future__ import annotations

import math

import numpy as np

from autotl.evidence.average_precision import average_precisions
from autotl.evidence.evaluations import evaluate
from autotl.evidence.number_intervals import LEVEL, coverage, half_width
from autotl.evidence.said import Said
from autotl.interfaces import Evaluator, Figure, ScoreInterval, Table
from autotl.predictions import Predictions
from autotl.runs.run import cluster_of
from autotl.runtime.wording import listed
from autotl.targets import known_labels
from autotl.workflows.subject import Subject

FEWEST_POSITIVES = 5
"""With fewer test items that have a label, nothing is said of how well it is found."""
MOST_POINTS = 1000


def labels_found(subject: Subject) -> Said:
    """How well each label is found on the test split: its average precision with an interval."""
    tested, run = subject.tested, subject.context.run
    rows: list[tuple[str | float | None, ...]] = []
    few, weakest = [], (math.inf, "")
    for number, name in enumerate(run.dataset.classes):
        column = _of_label(tested, number)
        n = int((column.labels[:, 0] > 0).sum())
        share = n / max(1, len(column.items))
        if n < FEWEST_POSITIVES:
            few.append(name)
            rows.append((name, n, share, None, None, None))
            continue
        found = _average_precision(subject, column)
        rows.append((name, n, share, found.value, found.low, found.high))
        weakest = min(weakest, (found.value, name))
    columns = ("label", "test items with it", "share", "average precision", "low", "high")
    note = "Average precision: 1 if all items with the label are ranked before all others, its share if at random."
    sentences = (
        [f"the label that is found worst is {weakest[1]} (average precision {weakest[0]:.2f})"] if weakest[1] else []
    )
    if few:
        sentences.append(
            f"fewer than {FEWEST_POSITIVES} test items have {listed(few)}: how well it is found is not known"
        )
    return Said("labels", (Table("Each label on the test split", columns, tuple(rows), note),), tuple(sentences))


def _of_label(tested: Predictions, number: int) -> Predictions:
    """The predictions of one label, for the items of which it is known."""
    known = known_labels(tested.labels)[:, number]
    of_one = slice(number, number + 1)
    return Predictions(tested.items[known], tested.labels[known, of_one] > 0, tested.probabilities[known, of_one])


def _average_precision(subject: Subject, column: Predictions) -> ScoreInterval:
    def score(labels: np.ndarray, probabilities: np.ndarray) -> float:
        return float(average_precisions(labels, probabilities)[0])

    evaluator = Evaluator("ap", score, bounds=(0, 1), targets=("labels",))
    groups = cluster_of(subject.context.run, column.items)
    return evaluate(column, {"ap": evaluator}, ("",), groups=groups, seed=subject.context.seed).scores["ap"]


def numbers_found(subject: Subject) -> Said:
    """Predicted against true numbers of the test split, and how often the interval holds the true one."""
    tested = subject.tested
    half = half_width(subject.searched)
    parts: list[Table | Figure] = [_scatter(tested)]
    sentences = []
    if half is not None:
        found = coverage(tested, half, cluster_of(subject.context.run, tested.items))
        parts.append(Table(
            "Intervals on the test split", ("promised", "held the true number", "low", "high", "half width"),
            ((LEVEL, found.value, found.low, found.high, half),),
            "Each prediction is given with an interval of the same width, from the errors in cross-validation.",
        ))  # fmt: skip
        sentences.append(
            f"the interval of each prediction, {half:.3g} to both sides, held the true number of {found.value:.0%} of "
            f"the test items (95 % CI {found.low:.0%} to {found.high:.0%}; {LEVEL:.0%} were promised)"
        )
    return Said("numbers", tuple(parts), tuple(sentences))


def _scatter(tested: Predictions) -> Figure:
    points = [
        {"true": float(true), "predicted": float(value)}
        for true, value in zip(tested.labels[:MOST_POINTS], tested.probabilities[:MOST_POINTS, 0], strict=True)
    ]
    ends = [
        float(min(tested.labels.min(), tested.probabilities.min())),
        float(max(tested.labels.max(), tested.probabilities.max())),
    ]
    diagonal = [{"true": end, "predicted": end} for end in ends]
    axes = {name: {"field": name, "type": "quantitative", "scale": {"zero": False}} for name in ("true", "predicted")}
    encoding = {"x": axes["true"], "y": axes["predicted"]}
    return Figure(
        "Predicted and true numbers",
        {"layer": [
            {"data": {"values": points}, "mark": {"type": "point", "size": 12}, "encoding": encoding},
            {"data": {"values": diagonal}, "mark": {"type": "line", "strokeDash": [4, 4]}, "encoding": encoding},
        ]},
        f"Predicted against true numbers of {len(points)} test items; on the dashed line they agree.",
    )  # fmt: skip
