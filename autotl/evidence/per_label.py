"""Each of several labels by itself: its average precision with an interval, and the threshold from which it applies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autotl.evidence.average_precision import average_precisions
from autotl.evidence.intervals import score_interval
from autotl.interfaces import UNDEFINED, ScoreInterval
from autotl.targets import known_labels

FEWEST_POSITIVES = 5
"""With fewer items that have a label, its average precision says too little to be shown."""
ENOUGH_POSITIVES = 20
"""From so many items on that have a label, its threshold is its own."""
_SMALLEST = 1e-6


@dataclass(frozen=True)
class LabelScore:
    """How well one label is recognised.

    n_positive, n_known: items that have the label, and items of which it is known whether they do. average_precision:
    with its interval; undefined where fewer than 5 items have the label, or all of them.
    """

    n_positive: int
    n_known: int
    average_precision: ScoreInterval


@dataclass(frozen=True, eq=False)
class Thresholds:
    """From which probability on each label applies.

    values: float (n_labels,). overall: the threshold that maximises the F1 of all labels together. own_share: float
    (n_labels,), from 0 to 1, how much of each threshold comes from the label's own items rather than from the overall
    one.
    """

    values: np.ndarray
    overall: float
    own_share: np.ndarray


def score_labels(
    labels: np.ndarray, probabilities: np.ndarray, *, groups: np.ndarray | None = None, seed: int = 0,
    level: float = 0.95,
) -> list[LabelScore]:  # fmt: skip
    """The average precision of each label, by `score_interval`.

    labels: bool (n, n_labels), or int with -1 where one is unknown; probabilities: float (n, n_labels); groups: (n,),
    as in `score_interval`.
    """
    known, found = known_labels(labels), []
    for label in range(labels.shape[1]):
        rows = np.flatnonzero(known[:, label])
        applies = (labels[rows, label] > 0).astype(int)
        n_positive, score = int(applies.sum()), UNDEFINED
        if FEWEST_POSITIVES <= n_positive < len(rows):
            own = probabilities[rows, label].astype(np.float64)
            score = score_interval(
                _average_precision, applies, np.stack([1 - own, own], axis=1),
                groups=None if groups is None else groups[rows], seed=seed, level=level, bounds=(0, 1),
            )  # fmt: skip
        found.append(LabelScore(n_positive, len(rows), score))
    return found


def thresholds(labels: np.ndarray, probabilities: np.ndarray, known: np.ndarray | None = None) -> Thresholds:
    """The threshold of each label that maximises its F1, drawn to the overall one where few items have the label.

    labels: bool (n, n_labels), or int with -1 where one is unknown; probabilities: float (n, n_labels), of a model that
    was not fitted on these items; known: bool (n, n_labels), None for what labels say. With n < 20 items that have the
    label, the log-odds of its threshold are n / 20 of those of its own threshold plus 1 - n / 20 of those of the
    overall one. Without any positive at all, every threshold is one half.
    """
    known = known_labels(labels) if known is None else known
    applies = (labels > 0) & known
    overall = _best_threshold(applies[known], probabilities[known])
    own_share = np.minimum(applies.sum(axis=0) / ENOUGH_POSITIVES, 1.0)
    values = np.full(labels.shape[1], overall)
    for label in np.flatnonzero(own_share):
        rows = known[:, label]
        own = _log_odds(_best_threshold(applies[rows, label], probabilities[rows, label]))
        drawn = own_share[label] * own + (1 - own_share[label]) * _log_odds(overall)
        values[label] = 1 / (1 + np.exp(-drawn))
    return Thresholds(values, overall, own_share)


def _average_precision(labels: np.ndarray, probabilities: np.ndarray) -> float:
    return float(average_precisions(labels[:, None], probabilities[:, 1:])[0])


def _best_threshold(applies: np.ndarray, probabilities: np.ndarray) -> float:
    """The threshold with the highest F1, half way between two probabilities; one half where nothing applies."""
    if not applies.any():
        return 0.5
    order = np.argsort(-probabilities, kind="stable")
    ranked, hits = probabilities[order].astype(np.float64), applies[order].cumsum()
    f1 = 2 * hits / (np.arange(1, len(ranked) + 1) + hits[-1])
    f1[:-1][ranked[:-1] == ranked[1:]] = -1  # items of equal probability are on the same side of a threshold
    last = int(f1.argmax())
    after = ranked[last + 1] if last + 1 < len(ranked) else 0.0
    return float((ranked[last] + after) / 2)


def _log_odds(probability: float) -> float:
    p = min(max(probability, _SMALLEST), 1 - _SMALLEST)
    return float(np.log(p / (1 - p)))
