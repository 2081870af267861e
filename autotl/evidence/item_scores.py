"""A score of many candidates on many resamples at once.

Accuracy, the mean recall of the classes and log loss are means over items; such a score is recognised by what it
answers, and costs a matrix product. Any other is called once for each candidate and resample.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from autotl.evidence.intervals import ScoreFunction
from autotl.interfaces import Proportion
from autotl.predictions import Predictions, item_losses
from autotl.targets import CLASSES, kind_of


def call(score: ScoreFunction, labels: np.ndarray, probabilities: np.ndarray) -> float:
    """A score that gives one number or one proportion, as a number; NaN where it fails, as it may on few items."""
    try:
        found = score(labels, probabilities)
    except Exception:  # one that fails on all items is reported when the champion is evaluated
        return math.nan
    return found.value if isinstance(found, Proportion) else float(found)


@dataclass(frozen=True, eq=False)
class Answers:
    """What candidates say of the same items; an item that a candidate does not answer has NaN probabilities.

    labels: int (n,); probabilities: (n_candidates, n, n_classes).
    """

    labels: np.ndarray
    probabilities: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """Which items each candidate answers, bool (n_candidates, n)."""
        return np.asarray(~np.isnan(self.probabilities[:, :, 0]))


def align(candidates: Sequence[Predictions], items: np.ndarray) -> Answers:
    """The answers of candidates to items, in their order. items: int (n,), all of them answered by the first."""
    first = candidates[0].restrict(items)
    probabilities = np.full((len(candidates), *first.probabilities.shape), np.nan, dtype=np.float32)
    for row, candidate in enumerate(candidates):
        both = np.isin(items, candidate.items)
        probabilities[row, both] = candidate.restrict(items[both]).probabilities
    return Answers(first.labels, probabilities)


ItemScore = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(labels, probabilities of shape (..., n, n_classes)) -> one number for each item, (..., n)."""


def _hits(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    return np.asarray(probabilities.argmax(axis=-1) == labels, dtype=np.float64)


@dataclass(frozen=True)
class ItemMean:
    """A score that is the mean of one number per item: over all items, or over the classes' own means."""

    of_item: ItemScore
    by_class: bool

    def value(self, labels: np.ndarray, probabilities: np.ndarray) -> float:
        """The score of one candidate."""
        found, ones = self.of_item(labels, probabilities)[None], np.ones((1, len(labels)))
        return float(self._mean(found, np.ones_like(found, dtype=bool), labels, ones)[0, 0])

    def differences(self, answers: Answers, weights: np.ndarray) -> np.ndarray:
        """The score of each candidate less that of the first, on the items that it answers.

        Returns (n_resamples, n_candidates), NaN where a resample holds none of these items. weights: (n_resamples, n),
        how often each resample holds each item.
        """
        found, known = self.of_item(answers.labels, np.nan_to_num(answers.probabilities)), answers.known
        return self._mean(np.where(known, found - found[0], 0.0), known, answers.labels, weights)

    def _mean(self, found: np.ndarray, known: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
        parts = [labels == k for k in np.unique(labels)] if self.by_class else [np.ones(len(labels), dtype=bool)]
        total = np.zeros((len(weights), len(found)))
        n_parts = np.zeros_like(total)
        for part in parts:
            sums, counts = weights[:, part] @ found[:, part].T, weights[:, part] @ known[:, part].T.astype(float)
            total += np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
            n_parts += counts > 0
        return np.divide(total, n_parts, out=np.full_like(total, np.nan), where=n_parts > 0)


LOG_LOSS = ItemMean(item_losses, by_class=False)
"""Of labels the mean of their log losses, of numbers the squared error."""
_FORMS = (ItemMean(_hits, by_class=False), ItemMean(_hits, by_class=True), LOG_LOSS)


def recognise(score: ScoreFunction, answers: Answers) -> ItemMean | None:
    """The mean over items that a score is, by its answers on three parts of the items; None if it is another."""
    labels, n = answers.labels, len(answers.labels)
    rows = [np.arange(n), np.arange(0, n, 2), np.arange(n // 3, n)]
    best = answers.probabilities[0].astype(np.float64)
    for form in _FORMS if kind_of(labels) == CLASSES else (LOG_LOSS,):
        pairs = [(form.value(labels[r], best[r]), call(score, labels[r], best[r])) for r in rows if len(r)]
        if all(abs(ours - theirs) < 1e-6 for ours, theirs in pairs):
            return form
    return None


def differences(
    score: ScoreFunction, form: ItemMean | None, answers: Answers, weights: np.ndarray
) -> np.ndarray:  # fmt: skip
    """The score of each candidate less that of the first on each resample; see `ItemMean.differences`."""
    if form:
        return form.differences(answers, weights)
    found = np.full((len(weights), len(answers.probabilities)), np.nan)
    known = answers.known
    for number, counts in enumerate(weights):
        for row in range(len(known)):
            drawn = np.repeat(np.arange(len(counts)), (counts * known[row]).astype(int))
            if len(drawn):
                labels, (first, own) = answers.labels[drawn], answers.probabilities[[0, row]][:, drawn]
                found[number, row] = call(score, labels, own) - call(score, labels, first) if row else 0.0
    return found
