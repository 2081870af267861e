"""Backbones are compared with the best on the same images, and what it would take to tell them apart is forecast."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from autotl.evidence.backbone_comparison import compare_with_best
from autotl.predictions import Predictions, log_losses

N = 300


def made(skill: float, seed: int, n: int = N, noise: float = 0.5) -> Predictions:
    """Answers of a model to the same images; what the models have in common is drawn first."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, n)
    logits = rng.normal(size=(n, 3)) + noise * np.random.default_rng(seed).normal(size=(n, 3))
    logits[np.arange(n), labels] += skill
    powers = np.exp(logits)
    return Predictions(np.arange(n), labels, powers / powers.sum(axis=1, keepdims=True))


def sample_of(answers: Predictions, rows: np.ndarray) -> Predictions:
    return Predictions(np.arange(len(rows)), answers.labels[rows], answers.probabilities[rows])


def losses(answers: Predictions) -> np.ndarray:
    return log_losses(answers.labels, answers.probabilities)


def test_a_much_worse_model_is_told_from_the_best_and_needs_no_more_images():
    best, worse = made(3.0, 1), made(1.0, 2)
    [found] = compare_with_best(best, [worse], groups=None, seed=0)
    assert found.difference.value == pytest.approx((losses(worse) - losses(best)).mean())
    assert found.difference.low > 0
    assert found.images_needed is None


def test_an_equal_model_is_not_told_from_the_best_and_needs_more_images_than_there_are():
    [found] = compare_with_best(made(2.0, 1), [made(2.0, 2)], groups=None, seed=0)
    assert found.difference.low < 0 < found.difference.high
    assert found.images_needed > N


def test_the_same_answers_need_no_images():
    [found] = compare_with_best(made(2.0, 1), [made(2.0, 1)], groups=None, seed=0)
    assert (found.difference.value, found.images_needed) == (0, None)


def test_the_number_of_images_is_that_of_the_formula_for_paired_differences():
    best, other = made(2.0, 1), made(1.9, 2)
    values = losses(other) - losses(best)
    [found] = compare_with_best(best, [other], groups=None, seed=0)
    distance = max(abs(values.mean()), 0.03 * losses(best).mean())
    z = NormalDist().inv_cdf(0.975) + NormalDist().inv_cdf(0.8)
    assert found.images_needed == int(np.ceil(values.var(ddof=1) * (z / distance) ** 2))


def test_with_so_many_images_most_such_differences_are_found():
    """Of 200 samples as large as was asked for, about 80 % should show the difference (160; +-17 by chance)."""
    best, other = made(2.0, 1, n=20_000), made(1.8, 2, n=20_000)
    values = losses(other) - losses(best)
    assert values.mean() / losses(best).mean() > 0.03  # it counts itself, not the smallest relevant difference
    rng = np.random.default_rng(3)
    samples = [rng.choice(20_000, 120, replace=False) for _ in range(2000)]
    # A small sample with the mean and the variance of all.
    rows = min(samples, key=lambda one: abs(values[one].mean() / values.mean() - 1)
               + abs(values[one].var() / values.var() - 1))  # fmt: skip
    [found] = compare_with_best(sample_of(best, rows), [sample_of(other, rows)], groups=None, seed=0)
    assert found.images_needed > 120
    drawn = values[rng.integers(0, len(values), (200, found.images_needed))]
    shown = drawn.mean(axis=1) > 1.96 * drawn.std(axis=1, ddof=1) / np.sqrt(found.images_needed)
    assert 143 <= shown.sum() <= 177


def test_images_that_are_alike_widen_the_interval_and_need_more():
    best, other = made(2.0, 1, n=75), made(1.9, 2, n=75)
    copies = np.repeat(np.arange(75), 4)

    def repeated(one: Predictions) -> Predictions:
        return Predictions(np.arange(N), one.labels[copies], one.probabilities[copies])

    pair = repeated(best), [repeated(other)]
    [alone], [alike] = (compare_with_best(*pair, groups=groups, seed=0) for groups in (None, copies))
    assert alike.difference.high - alike.difference.low > 1.5 * (alone.difference.high - alone.difference.low)
    assert alike.images_needed > 3 * alone.images_needed


def test_with_more_models_each_interval_is_wider():
    best, others = made(2.0, 1), [made(1.9, seed) for seed in (2, 3, 4)]
    [alone], together = (compare_with_best(best, some, groups=None, seed=0) for some in (others[:1], others))
    assert together[0].difference.low < alone.difference.low < alone.difference.high < together[0].difference.high
