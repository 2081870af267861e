"""The evidence for a champion that learned several labels, or a number."""

from __future__ import annotations

import numpy as np

from autotl.evidence.conformal_numbers import Coverage, coverage_table
from autotl.evidence.evaluations import evaluate
from autotl.evidence.intervals import accuracy_with_interval
from autotl.evidence.per_label import FEWEST_POSITIVES, score_labels
from autotl.evidence.said import Said
from autotl.interfaces import Evaluator, Figure, ScoreInterval, Table
from autotl.predictions import Predictions
from autotl.runs.run import cluster_of
from autotl.runtime.wording import listed
from autotl.workflows.subject import Subject
from autotl.workflows.target_facts import label_thresholds, number_interval

MOST_POINTS = 1000
"""Of the scatter plot: more only cover each other."""
Cell = str | float | None


def labels_found(subject: Subject) -> Said:
    """How well each label is found on the test split: its average precision, and what its threshold gives."""
    tested, run = subject.tested, subject.context.run
    groups, least = cluster_of(run, tested.items), label_thresholds(subject.searched).values
    scores = score_labels(tested.labels, tested.probabilities, groups=groups, seed=subject.context.seed)
    rows: list[tuple[Cell, ...]] = []
    for number, (name, score) in enumerate(zip(run.dataset.classes, scores, strict=True)):
        found = score.average_precision
        shown = (found.value, found.low, found.high) if found.is_defined else (None, None, None)
        recall = _recall(tested, number, least[number], groups) if score.n_positive >= FEWEST_POSITIVES else None
        ends = (recall.value, recall.low, recall.high) if recall else (None, None, None)
        rows.append((name, score.n_positive, *shown, float(least[number]), *ends))
    ranked = Table(
        "Each label on the test split",
        (
            "label",
            "items with it",
            "average precision",
            "low",
            "high",
            "threshold",
            "recall",
            "recall, low",
            "recall, high",
        ),
        tuple(rows),
        "Average precision: 1 if all items with the label are ranked before all others, and its share if at random. "
        f"Labels that fewer than {FEWEST_POSITIVES} test items have are not scored. Recall: of the items with the "
        "label, how many reach its threshold, which was chosen in cross-validation for the highest F1; where few items "
        "have a label, it is drawn to the threshold of all labels together.",
    )
    return Said("labels", (ranked, _at_thresholds(subject, least, groups)), tuple(_about_labels(rows)))


def _recall(tested: Predictions, number: int, least: float, groups: np.ndarray | None) -> ScoreInterval:
    rows = np.flatnonzero(tested.labels[:, number] > 0)
    reached = tested.probabilities[rows, number] >= least
    return accuracy_with_interval(reached, None if groups is None else groups[rows])


def _at_thresholds(subject: Subject, least: np.ndarray, groups: np.ndarray | None) -> Table:
    """The scores that depend on thresholds, with those of the exported model."""
    tested, evaluators = subject.tested, subject.context.evaluators
    names = [name for name in ("micro_f1", "macro_f1", "exact_match", "hamming") if name in evaluators]

    def shifted(evaluator: Evaluator) -> Evaluator:
        def score(labels: np.ndarray, probabilities: np.ndarray) -> object:
            return evaluator.score(labels, (probabilities >= least).astype(float))

        return Evaluator(evaluator.name, score, evaluator.larger_is_better, evaluator.bounds, evaluator.targets)  # type: ignore[arg-type]

    found = evaluate(
        tested, {name: shifted(evaluators[name]) for name in names}, subject.context.run.dataset.classes,
        groups=groups, seed=subject.context.seed,
    ).scores  # fmt: skip
    rows = tuple((name, score.value, score.low, score.high) for name, score in found.items())
    return Table(
        "What the exported model answers", ("score", "test", "low", "high"), rows,
        "With the threshold of each label; the scores further down take one half for all.",
    )  # fmt: skip


def _about_labels(rows: list[tuple[Cell, ...]]) -> list[str]:
    known = [(float(row[2]), str(row[0])) for row in rows if isinstance(row[2], float)]
    said = []
    if known:
        value, name = min(known)
        said.append(f"the label that is found worst is {name} (average precision {value:.2f})")
    if few := [str(row[0]) for row in rows if row[2] is None]:
        said.append(f"too few test items have {listed(few)}: how well it is found is not known")
    return said


def numbers_found(subject: Subject) -> Said:
    """Predicted against true numbers of the test split, and how often intervals hold the true one."""
    tested, searched, run = subject.tested, subject.searched, subject.context.run
    found = coverage_table(
        tested.labels, tested.probabilities[:, 0], searched.labels - searched.probabilities[:, 0],
        clusters=cluster_of(run, tested.items), calibration_clusters=cluster_of(run, searched.items),
        seed=subject.context.seed,
    )  # fmt: skip
    columns = ("promised", "items", "half width", "held the true number", "low", "high", "number of items")
    rows = tuple(
        (
            f"{100 * one.level:.0f} %",
            one.part,
            one.half_width,
            one.covered.value,
            one.covered.low,
            one.covered.high,
            one.n,
        )
        for one in found
    )
    held = Table(
        "Intervals on the test split", columns, rows,
        "An interval reaches so far below and above each prediction; its width comes from the errors in "
        "cross-validation.",
    )  # fmt: skip
    interval = number_interval(run, searched)
    whole = [one for one in found if interval and one.level == interval.level and one.part == "all"]
    return Said("numbers", (_scatter(tested), *((held,) if rows else ())), tuple(map(_about_interval, whole)))


def _about_interval(one: Coverage) -> str:
    value, low, high = (f"{100 * share:.0f} %" for share in (one.covered.value, one.covered.low, one.covered.high))
    return (
        f"the interval of each prediction, {one.half_width:.3g} to both sides, held the true number of {value} of the "
        f"{one.n} test items (95 % CI {low} to {high}; {100 * one.level:.0f} % were promised)"
    )


def _scatter(tested: Predictions) -> Figure:
    true, predicted = tested.labels, tested.probabilities[:, 0]
    pairs = zip(true[:MOST_POINTS].tolist(), predicted[:MOST_POINTS].tolist(), strict=True)
    points = [{"true": one, "predicted": other} for one, other in pairs]
    both = np.concatenate([true, predicted])
    diagonal = [{"true": end, "predicted": end} for end in (float(both.min()), float(both.max()))]
    axes = {name: {"field": name, "type": "quantitative", "scale": {"zero": False}} for name in ("true", "predicted")}
    encoding = {"x": axes["true"], "y": axes["predicted"]}
    layers = [
        {"data": {"values": points}, "mark": {"type": "point", "size": 12}, "encoding": encoding},
        {"data": {"values": diagonal}, "mark": {"type": "line", "strokeDash": [4, 4]}, "encoding": encoding},
    ]
    alt = f"Predicted against true numbers of {len(points)} test items; on the dashed line they agree."
    return Figure("Predicted and true numbers", {"layer": layers}, alt)
