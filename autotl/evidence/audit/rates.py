"""The rates of each group with their intervals: recall, precision, selection rate, error and calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autotl.evidence.audit.sums import (
    BY_CLASS,
    CALIBRATION,
    ERROR,
    PRECISION,
    RECALL,
    ClassAnswers,
    gather_answers,
    metrics,
)
from autotl.evidence.intervals import accuracy_with_interval, score_interval
from autotl.interfaces import UNDEFINED, ScoreInterval
from autotl.predictions import Predictions


@dataclass(frozen=True, eq=False)
class ClassRates:
    """The rates of answers that are one class each. clusters: (n,), equal for items that are alike, or None."""

    answers: Predictions
    classes: Sequence[str]
    clusters: np.ndarray | None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the rates, in the order of `sums.metrics`."""
        return tuple(rate_name(kind, self.classes[k] if k >= 0 else "") for kind, k in metrics(len(self.classes)))

    def gather(self, groups: Sequence[np.ndarray]) -> ClassAnswers:
        """The answers to the items of some groups, bool (n,) each."""
        return gather_answers(self.answers.labels, self.answers.probabilities, groups, self.clusters)

    def of(self, members: np.ndarray, *, by_class: bool = True) -> dict[str, ScoreInterval]:
        """The rates of one group with their intervals, by name. members: bool (n,)."""
        labels, probabilities = self.answers.labels, self.answers.probabilities
        return group_rates(labels, probabilities, members, self.classes, self.clusters, by_class=by_class)


def group_rates(
    labels: np.ndarray,
    probabilities: np.ndarray,
    members: np.ndarray,
    classes: Sequence[str],
    clusters: np.ndarray | None,
    *,
    by_class: bool = True,
) -> dict[str, ScoreInterval]:
    """The rates of one group, by name, such as "error" and "recall[cat]".

    labels: int (n,); probabilities: (n, n_classes); members: bool (n,); clusters: (n,), equal for items that are
    alike; None if all are independent. Recall: share of the items of a class that are predicted as it. Precision: share
    of the items predicted as a class that belong to it. Selection rate: share of all items predicted as a class.
    Calibration: mean confidence minus the share of right answers, above 0 if the model is overconfident. Rates without
    items are left out.
    """
    clusters = None if clusters is None else clusters[members]
    labels, probabilities = labels[members], probabilities[members]
    predicted = probabilities.argmax(axis=1)
    wrong = predicted != labels

    def share(hits: np.ndarray, among: np.ndarray | None = None) -> ScoreInterval:
        if among is None:
            among = np.ones(len(hits), dtype=bool)
        if not among.any():
            return UNDEFINED
        return accuracy_with_interval(hits[among], None if clusters is None else clusters[among])

    found = {ERROR: share(wrong), CALIBRATION: _calibration(labels, probabilities, clusters)}
    for number, name in enumerate(classes if by_class else ()):
        is_label, is_answer = labels == number, predicted == number
        for kind in BY_CLASS:
            among = {RECALL: is_label, PRECISION: is_answer}.get(kind)
            found[rate_name(kind, name)] = share(is_label if kind == PRECISION else is_answer, among)
    return {name: rate for name, rate in found.items() if rate.is_defined}


def rate_name(kind: str, of_class: str = "") -> str:
    """The name of a rate, as in `RunResult.test`."""
    return f"{kind}[{of_class}]" if of_class else kind


def _calibration(labels: np.ndarray, probabilities: np.ndarray, clusters: np.ndarray | None) -> ScoreInterval:
    return score_interval(_excess, labels, probabilities, groups=clusters) if len(labels) else UNDEFINED


def _excess(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean confidence minus the share of right answers."""
    return float((probabilities.max(axis=1) - (probabilities.argmax(axis=1) == labels)).mean())
