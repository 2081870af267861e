"""What keeping groups together costs: found where groups matter, and not where they were dealt out by chance."""

from __future__ import annotations

import math

import numpy as np
import pytest

from autotl.evidence.average_precision import average_precisions
from autotl.evidence.group_loss import group_loss, score_gains
from autotl.predictions import Predictions


def predictions(right):
    """Two classes in turn, answered as told, bool (n,)."""
    labels = np.arange(len(right)) % 2
    answer = np.where(right, labels, 1 - labels)
    return Predictions(np.arange(len(right)), labels, np.eye(2)[answer])


def test_the_loss_is_the_difference_of_the_balanced_accuracies():
    rng = np.random.default_rng(0)
    mixed, unseen = rng.random(400) < 0.95, rng.random(400) < 0.8
    found = group_loss(predictions(mixed), predictions(unseen), np.arange(400) // 4, n_tested=1)
    labels = np.arange(400) % 2
    expected = np.mean([mixed[labels == k].mean() - unseen[labels == k].mean() for k in (0, 1)])
    assert found.loss.value == pytest.approx(expected)
    assert found.loss.low < expected < found.loss.high
    assert 0 < found.strict_low < found.loss.low


def test_the_interval_allows_for_items_of_one_group_going_wrong_together():
    group = np.arange(400) // 20
    wrong = np.random.default_rng(1).random(20) < 0.3
    together = group_loss(predictions(np.ones(400, bool)), predictions(~wrong[group]), group, n_tested=1)
    alone = group_loss(predictions(np.ones(400, bool)), predictions(~wrong[group]), np.arange(400), n_tested=1)
    assert together.loss.value == pytest.approx(alone.loss.value)
    assert together.loss.high - together.loss.low > 3 * (alone.loss.high - alone.loss.low)


def test_groups_dealt_out_by_chance_are_hardly_ever_taken_to_matter():
    rng, alarms = np.random.default_rng(2), 0
    for _ in range(400):
        group = rng.integers(0, 12, 240)
        hits = [predictions(rng.random(240) < 0.85) for _ in range(2)]
        alarms += group_loss(*hits, group, n_tested=5).strict_low > 0
    assert alarms <= 4


def test_what_chance_groups_cost_is_taken_off():
    mixed, unseen = predictions(np.ones(40, bool)), predictions(np.arange(40) % 4 > 1)
    credit = score_gains(mixed, unseen)
    assert group_loss(mixed, unseen, np.arange(40), n_tested=1, credit=credit).loss.value == 0


def numbers(errors, seed=0):
    """Predicted numbers that are off by so much, float (n,)."""
    true = np.random.default_rng(seed).normal(50, 10, len(errors))
    return Predictions(np.arange(len(errors)), true, (true + errors)[:, None])


def labels(noise, seed=0):
    """Three labels an item, ranked with so much noise, float (n,); some are unknown."""
    rng = np.random.default_rng(seed)
    applies = (rng.random((len(noise), 3)) < (0.5, 0.3, 0.1)).astype(np.int8)
    shares = 1 / (1 + np.exp(-2 * (2 * applies - 1) - noise[:, None] * rng.normal(size=applies.shape)))
    applies[rng.random(applies.shape) < 0.05] = -1
    return Predictions(np.arange(len(noise)), applies, shares.round(2))


def test_the_loss_of_numbers_is_the_difference_of_r2():
    from sklearn.metrics import r2_score

    rng = np.random.default_rng(3)
    mixed, unseen = numbers(rng.normal(0, 3, 300)), numbers(rng.normal(0, 8, 300))
    found = group_loss(mixed, unseen, np.arange(300) // 6, n_tested=1)
    of = [r2_score(one.labels, one.probabilities[:, 0]) for one in (mixed, unseen)]
    assert found.loss.value == pytest.approx(of[0] - of[1])
    assert 0 < found.strict_low < found.loss.low < found.loss.value < found.loss.high


def test_the_loss_of_labels_is_the_difference_of_the_mean_average_precisions():
    mixed, unseen = labels(np.full(300, 0.5)), labels(np.full(300, 6.0))
    found = group_loss(mixed, unseen, np.arange(300) // 6, n_tested=1)
    of = [average_precisions(one.labels, one.probabilities).mean() for one in (mixed, unseen)]
    assert found.loss.value == pytest.approx(of[0] - of[1])
    assert 0 < found.strict_low < found.loss.low < found.loss.value < found.loss.high


@pytest.mark.parametrize("kind", ["number", "labels"])
def test_of_numbers_and_labels_chance_groups_are_hardly_ever_taken_to_matter(kind):
    rng, alarms = np.random.default_rng(4), 0
    for seed in range(200):
        group = rng.integers(0, 12, 240)
        if kind == "number":
            both = [numbers(rng.standard_t(5, 240), seed) for _ in range(2)]
        else:
            true = labels(np.full(240, 2.0), seed)
            noisy = [np.clip(true.probabilities + rng.normal(0, 0.1, (240, 3)), 0, 1) for _ in range(2)]
            both = [Predictions(true.items, true.labels, shares) for shares in noisy]
        alarms += group_loss(*both, group, n_tested=5).strict_low > 0
    assert alarms <= 3


def test_one_group_says_nothing():
    found = group_loss(predictions(np.ones(8, bool)), predictions(np.zeros(8, bool)), np.zeros(8, int), n_tested=1)
    assert found.strict_low == -math.inf
    assert not found.loss.has_interval
