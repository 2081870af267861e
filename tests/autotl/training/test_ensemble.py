"""The weighted mean of probes owes its score nothing to having been chosen."""

from __future__ import annotations

import numpy as np
import pytest

from autotl.predictions import Predictions, log_loss
from autotl.training.ensemble import MAX_MEMBERS, blend

N, FOLDS = 120, np.arange(120) % 4
LABELS = np.random.default_rng(0).integers(0, 3, N)


def candidate(seed, labels=LABELS, strength=1.5):
    """A probe with errors of its own."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(N, 3)) + strength * np.eye(3)[LABELS]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Predictions(np.arange(N), labels, probabilities)


CANDIDATES = [candidate(seed) for seed in range(8)]


def test_the_weights_sum_to_1_and_few_are_above_0():
    weights = blend(CANDIDATES, FOLDS).weights
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    assert 2 <= (weights > 0).sum() <= MAX_MEMBERS


def test_a_fold_is_predicted_without_its_own_labels():
    before = blend(CANDIDATES, FOLDS).predictions.probabilities
    changed = np.where(FOLDS == 2, (LABELS + 1) % 3, LABELS)
    after = blend([candidate(seed, changed) for seed in range(8)], FOLDS).predictions.probabilities
    here = FOLDS == 2
    assert np.array_equal(before[here], after[here])
    assert not np.array_equal(before[~here], after[~here])


def test_probes_with_errors_of_their_own_are_better_together():
    mixed = blend(CANDIDATES, FOLDS).predictions
    alone = min(log_loss(LABELS, c.probabilities) for c in CANDIDATES)
    assert log_loss(LABELS, mixed.probabilities) < alone - 0.02
    assert mixed.probabilities.sum(axis=1) == pytest.approx(1)


def test_one_that_is_better_than_all_others_stays_alone():
    sure = np.full((N, 3), 0.001)
    sure[np.arange(N), LABELS] = 0.998
    found = blend([CANDIDATES[0], Predictions(np.arange(N), LABELS, sure), CANDIDATES[1]], FOLDS)
    assert found.weights.tolist() == [0, 1, 0]
    assert found.predictions.probabilities == pytest.approx(sure)


def test_equal_probes_give_what_each_of_them_gives():
    found = blend([CANDIDATES[0]] * 3, FOLDS)
    assert found.predictions.probabilities == pytest.approx(CANDIDATES[0].probabilities)
    assert found.weights.sum() == pytest.approx(1)
