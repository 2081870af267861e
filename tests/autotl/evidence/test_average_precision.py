"""Average precision of several labels: how it changes with the weights of items."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from autotl.evidence.average_precision import average_precision_slopes, average_precisions


def test_the_slopes_are_what_a_small_change_of_each_weight_brings_also_with_ties_and_unknown_labels() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(-1, 2, (40, 2)).astype(np.int8)
    shares = np.clip(0.3 * (labels > 0) + rng.random((40, 2)), 0, 1).round(1)
    found, slopes = average_precision_slopes(labels, shares)
    assert found == pytest.approx(average_precisions(labels, shares))
    assert slopes.sum(axis=0) == pytest.approx(0)
    for label in range(2):
        known = labels[:, label] >= 0
        assert (slopes[~known, label] == 0).all()
        for row in np.flatnonzero(known):
            weights = np.ones(40)
            weights[row] += 1e-5
            changed = average_precision_score(labels[known, label], shares[known, label], sample_weight=weights[known])
            assert (changed - found[label]) / 1e-5 == pytest.approx(slopes[row, label], abs=1e-4)
