"""How much each answer adds to a score, found by leaving answers out; and what answers that were not seen would add."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from autotl.evidence.tilting import Influences
from autotl.targets import CLASSES, LABELS, kind_of

Measure = Callable[..., float]
"""measure(labels, probabilities) of one model, measure(labels, first, second) of two."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Labelled answers of one model, or of two for the same items.

    measure: the score, or the difference of two. labels: int (n,); answers: one or two of float (n, n_classes). groups:
    int (n,), from 0, of items that are alike; None if each item stands alone. by_class: whether the score weighs
    classes rather than items, so that each class is a sample of its own.
    """

    measure: Measure
    labels: np.ndarray
    answers: tuple[np.ndarray, ...]
    groups: np.ndarray | None
    by_class: bool

    def value(self) -> float:
        """The score of all answers."""
        return self.measure(self.labels, *self.answers)

    def without(self, rows: np.ndarray) -> float:
        """The score without some rows; NaN where nothing is left."""
        kept = np.ones(len(self.labels), dtype=bool)
        kept[rows] = False
        return self.measure(self.labels[kept], *(p[kept] for p in self.answers)) if kept.any() else math.nan

    def turned(self, rows: np.ndarray, models: list[int]) -> float:
        """The score where these models answer some rows rightly instead of wrongly, or wrongly instead of rightly."""
        answers = list(self.answers)
        for model in models:
            answers[model] = answers[model].copy()
            answers[model][rows] = _turned(self.labels[rows], answers[model][rows])
        return self.measure(self.labels, *answers)

    def counts_answers_only(self, value: float) -> bool:
        """Whether only the most probable classes count, not how probable they are."""
        if kind_of(self.labels) != CLASSES:
            return False
        alike = (0.5 * np.eye(p.shape[1])[p.argmax(axis=1)] + 0.5 / p.shape[1] for p in self.answers)
        return self.measure(self.labels, *alike) == value


@dataclass(frozen=True, eq=False)
class _Stratum:
    """The items of one stratum. rows: int (n_rows,), of the sample; outcome, label: int (n_rows,)."""

    rows: np.ndarray
    outcome: np.ndarray
    label: np.ndarray


def find_influences(sample: Sample, value: float, *, max_calls: int, seed: int) -> Influences:
    """The influences of the items of a sample; with more than max_calls of them, of random blocks.

    value: the score of all. What a class holds no answer of, right or wrong, enters as a kind of answer that was seen
    no times: its influence is that of a typical item that is answered the other way. Groups play no part here, see
    `thinned`.
    """
    outcomes = _outcomes(sample)
    strata = [_Stratum(rows, outcomes[rows], sample.labels[rows]) for rows in strata_of(sample)]
    cap = _blocks_per_cell([np.bincount(s.outcome, minlength=4) for s in strata], max_calls)
    rng = np.random.default_rng(seed)
    values, counts, places = [], [], []
    for number, stratum in enumerate(strata):
        own, seen = _seen(sample, stratum, value, cap, rng)
        unseen_kinds = _unseen(sample, stratum, value)
        if kind_of(sample.labels) == LABELS and not own.any():
            unseen_kinds = _unseen_labels(sample, value)
        for unseen in unseen_kinds:
            own, seen = np.append(own, unseen), np.append(seen, 0.0)
        values.append(own)
        counts.append(seen)
        places.append(np.full(len(own), number))
    lost = 0 if sample.counts_answers_only(value) else 1
    return Influences(np.concatenate(values), np.concatenate(counts), np.concatenate(places), lost=lost)


def strata_of(sample: Sample) -> list[np.ndarray]:
    """The rows of each stratum: of each class, in rising order, or all in one."""
    if not sample.by_class or kind_of(sample.labels) != CLASSES:
        return [np.arange(len(sample.labels))]
    return [np.flatnonzero(sample.labels == label) for label in np.unique(sample.labels)]


def influence(sample: Sample, rows: np.ndarray, value: float, n_stratum: int) -> float:
    """What the score would change by if a whole stratum of so many rows were like these rows of it."""
    remaining = n_stratum - len(rows)
    if not remaining:
        return 0.0
    change = value - sample.without(rows)
    # Where the score is undefined without the rows, nothing is known of what they add.
    return remaining / len(rows) * change if math.isfinite(change) else 0.0


def _outcomes(sample: Sample) -> np.ndarray:
    """int (n,): 1 where the first model is right, plus 2 where the second is; 0 where none can be said to be right."""
    if kind_of(sample.labels) != CLASSES:
        return np.zeros(len(sample.labels), dtype=int)
    right = [p.argmax(axis=1) == sample.labels for p in sample.answers]
    return np.asarray(sum(r.astype(int) << k for k, r in enumerate(right)))


def _blocks_per_cell(cells: list[np.ndarray], max_calls: int) -> int:
    """Blocks for each outcome of each stratum, the most for which not too many calls are made.

    Two at least, for one does not tell how much the answers differ.
    """
    sizes = np.concatenate(cells)
    sizes = sizes[sizes > 0]
    caps = np.arange(max_calls, 1, -1)
    return next((int(cap) for cap in caps if np.minimum(sizes, cap).sum() <= max_calls), 2)


def _seen(
    sample: Sample, stratum: _Stratum, value: float, cap: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Influence and number of items of each block, less the mean."""
    n = len(stratum.rows)
    values, counts = [], []
    for outcome in np.unique(stratum.outcome):
        rows = stratum.rows[stratum.outcome == outcome]
        if len(rows) > cap:
            rows = rng.permutation(rows)
        blocks = np.array_split(rows, min(len(rows), cap))
        sizes = np.array([len(block) for block in blocks], dtype=float)
        own = np.array([influence(sample, block, value, n) for block in blocks])
        mean = (own * sizes).sum() / sizes.sum()
        # The mean of a block of m varies by the root of m less than they do.
        values.append(mean + np.sqrt(sizes) * (own - mean))
        counts.append(sizes)
    found, sizes = np.concatenate(values), np.concatenate(counts)
    return found - (found * sizes).sum() / sizes.sum(), sizes


def _unseen(sample: Sample, stratum: _Stratum, value: float) -> Iterator[float]:
    """Influences of the kinds of answers that a class has none of: wrong or right; where only one of two is right.

    That of a mean is the number of the item that was turned, so that the interval stays where such numbers are.
    """
    if kind_of(sample.labels) != CLASSES:
        return
    kinds = {0, 1} if len(sample.answers) == 1 else {1, 2}
    for label in np.unique(stratum.label):
        own = stratum.label == label
        present = set(stratum.outcome[own].tolist())
        for kind in sorted(kinds - present):
            near = [k for k in present if (k ^ kind) in (1, 2)] or sorted(present)
            source = max(near, key=lambda k: int((own & (stratum.outcome == k)).sum()))
            models = [model for model in (0, 1) if (source ^ kind) >> model & 1]
            row = _typical(sample, stratum.rows[own & (stratum.outcome == source)], models[0])
            change = sample.turned(np.array([row]), models) - value
            if math.isfinite(change):
                yield influence(sample, np.array([row]), value, len(stratum.rows)) + len(stratum.rows) * change


def _unseen_labels(sample: Sample, value: float) -> Iterator[float]:
    """The influence of an item all of whose labels are answered the other way, where no seen item changes the score.

    It is the item with the median number of labels.
    """
    if len(sample.answers) > 1:
        return
    n, answers = len(sample.labels), sample.answers[0].copy()
    row = int(np.argsort((sample.labels > 0).sum(axis=1), kind="stable")[n // 2])
    answers[row] = 1 - answers[row]
    change = sample.measure(sample.labels, answers) - value
    if math.isfinite(change):
        yield influence(sample, np.array([row]), value, n) + n * change


def _typical(sample: Sample, rows: np.ndarray, model: int) -> int:
    """The row of these whose certainty is the median."""
    certain = np.abs(_margins(sample.labels[rows], sample.answers[model][rows]))
    return int(rows[np.argsort(certain, kind="stable")[len(rows) // 2]])


def _margins(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """The probability of the true class less that of the most probable other one."""
    others = probabilities.astype(float)
    rows = np.arange(len(labels))
    own = others[rows, labels].copy()
    others[rows, labels] = -np.inf
    return np.asarray(own - others.max(axis=1))


def _turned(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Probabilities with that of the true class and of the most probable other one exchanged."""
    rows = np.arange(len(labels))
    others = probabilities.astype(float)
    others[rows, labels] = -np.inf
    rival = others.argmax(axis=1)
    swapped = probabilities.copy()
    swapped[rows, labels], swapped[rows, rival] = probabilities[rows, rival], probabilities[rows, labels]
    return swapped
