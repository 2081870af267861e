"""What the audit compares of labels and of numbers: wrong and found labels, errors and their bias."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from verify_intervals import Interval, proportion, score_interval
from verify_labels import thresholds
from verify_scores import Predictions
from verify_targets import LABELS, known

TABLES = {
    "Mean absolute error by group": "mean absolute error", "Bias by group": "bias", "Wrong labels by group": "error",
    "Labels found by group": "recall",
}  # fmt: skip


class Measures:
    """Ratios of two sums, and the rates of `verify_comparisons.Rates`.

    names: of the measures, the error first. above, below: (n, n_measures), what each item adds to both sums. Columns:
    items, and for each measure the sums of a, b, a², ab and b², where b is 1 for an average item that counts.
    """

    def __init__(self, names: list[str], above: np.ndarray, below: np.ndarray, *, are_shares: bool) -> None:
        self.names, self.above, self.below, self.are_shares = names, above, below, are_shares
        counts = np.maximum((below > 0).sum(axis=0), 1)
        unit = np.where(below.any(axis=0), below.sum(axis=0) / counts, 1.0)
        a, b = above / unit, below / unit
        self.scales = np.maximum(a.std(axis=0), np.finfo(float).tiny ** 0.5)
        five = np.stack([a, b, a * a, a * b, b * b], axis=2).reshape(len(a), -1)
        self.columns, self.paired = np.hstack([np.ones((len(a), 1)), five]), [0]

    def ratios(self, table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Numerators and denominators."""
        return table[:, 1::5], table[:, 2::5]

    def variances(self, table: np.ndarray) -> np.ndarray:
        """Of one item's residual from the ratio, with two items added: one right and one wrong, or off by the scale."""
        a, b, aa, ab, bb = (table[:, place::5] for place in range(1, 6))
        if self.are_shares:
            ratio = (a + 1) / (b + 2)
            more = ratio**2 + (1 - ratio) ** 2
        else:
            ratio, more = a / np.maximum(b, 1), 2 * self.scales**2
        return np.asarray((np.maximum(aa - 2 * ratio * ab + ratio**2 * bb, 0) + more) / (b + 2))

    def smoothed(self, table: np.ndarray, added: np.ndarray) -> np.ndarray:
        """Shares with right and wrong items added; other measures as they are."""
        a, b = self.ratios(table)
        return np.asarray((a + added) / (b + 2 * added) if self.are_shares else a / b)

    def intervals(self, rows: np.ndarray, clusters: np.ndarray | None, *, by_class: bool) -> dict[str, Interval]:
        """The measures of one group, without those that no item counts in."""
        found = {}
        for place, name in enumerate(self.names):
            a, b = self.above[rows, place], self.below[rows, place]
            if (by_class or "[" not in name) and b.any():
                found[name] = self._interval(a, b, None if clusters is None else clusters[rows])
        return found

    def _interval(self, a: np.ndarray, b: np.ndarray, clusters: np.ndarray | None) -> Interval:
        if not self.are_shares:
            return score_interval(
                lambda values, _: float(values.mean()), a, (a[:, None],), clusters, seed=0, bounds=None,
                by_class=False, max_calls=300,
            )  # fmt: skip
        own = np.arange(len(a)) if clusters is None else clusters
        right = [np.arange(int(of)) < hits for hits, of in zip(a, b, strict=True)]
        return proportion(np.concatenate(right), np.repeat(own, b.astype(int)))

    def ranges_if_equal(self, rows: np.ndarray, effects: np.ndarray, seed: int) -> np.ndarray:
        """The largest gap in the error between equal groups, in each of 2000 simulations. rows: (n_groups, n)."""
        table = rows.astype(float) @ self.columns
        n = np.maximum(np.rint(table[:, 2] / effects), 1)
        spread = math.sqrt(self.variances(table.sum(axis=0, keepdims=True))[0, 0])
        return np.asarray(
            np.ptp(np.random.default_rng(seed).normal(0, spread / np.sqrt(n), size=(2000, len(n))), axis=1)
        )


def measures_of(run: Any, unseen: Predictions) -> Measures:
    """The measures of a run's kind of target."""
    labels, answers = unseen["labels"], unseen["probabilities"]
    if run.kind != LABELS:
        errors = answers[:, 0].astype(float) - labels
        above = np.stack([np.abs(errors), errors], axis=1)
        return Measures(["mean absolute error", "bias"], above, np.ones_like(above), are_shares=False)
    least = thresholds(run.searched["labels"], run.searched["probabilities"])
    judged, applies, named = known(labels), labels > 0, answers >= least
    wrong = (judged & (named != applies)).sum(axis=1)
    above = np.column_stack([wrong, (applies & named).sum(axis=1), applies & named]).astype(float)
    below = np.column_stack([judged.sum(axis=1), applies.sum(axis=1), applies]).astype(float)
    return Measures(["error", "recall", *(f"recall[{name}]" for name in run.classes)], above, below, are_shares=True)
