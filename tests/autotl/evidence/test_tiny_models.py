"""Tiny models tell as much of the label as a property holds, weigh classes alike, and know their error."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from autotl.evidence.tiny_models import RIDGE, Guesses, guess_by_ridge, guess_by_tree, mean_of


@pytest.mark.parametrize("guess", [guess_by_tree, guess_by_ridge])
def test_a_property_that_is_the_label_tells_it_and_one_of_noise_does_not(guess):
    rng = np.random.default_rng(0)
    labels, fold = rng.integers(0, 3, 300), rng.integers(0, 4, 300)
    telling = guess(np.eye(3)[labels] + rng.normal(0, 0.1, (300, 3)), labels, fold)
    noise = guess(rng.normal(size=(300, 3)), labels, fold)
    assert telling.skill().low > 0.9
    assert abs(noise.skill().value) < 0.15


def test_the_ridge_is_that_of_scikit_learn_on_weighted_standardised_columns():
    rng = np.random.default_rng(1)
    labels = rng.choice(2, 80, p=[0.8, 0.2])
    columns = rng.normal(size=(80, 5)) + labels[:, None]
    fold = np.arange(80) % 2
    weights = (1 / np.bincount(labels[fold == 0]))[labels[fold == 0]] / 2
    known = columns[fold == 0]
    centre = weights @ known
    spread = np.sqrt(weights @ (known - centre) ** 2)
    oracle = Ridge(alpha=RIDGE).fit((known - centre) / spread, 2 * np.eye(2)[labels[fold == 0]] - 1, weights)
    expected = oracle.predict((columns[fold == 1] - centre) / spread)
    assert guess_by_ridge(columns, labels, fold).scores[fold == 1] == pytest.approx(expected)


def test_more_columns_than_images_give_the_same_as_fewer():
    rng = np.random.default_rng(2)
    labels, fold = rng.integers(0, 2, 60), np.arange(60) % 3
    few = rng.normal(size=(60, 30)) + labels[:, None]
    many = np.hstack([few, np.zeros((60, 50))])
    assert guess_by_ridge(many, labels, fold).scores == pytest.approx(guess_by_ridge(few, labels, fold).scores)


def test_a_rare_class_counts_as_much_as_a_common_one():
    labels = np.array([0] * 90 + [1] * 10)
    always_common = Guesses(labels, np.tile([1.0, 0.0], (100, 1)), 0.5)
    assert always_common.skill().value == 0


def test_a_rate_of_one_still_has_an_error():
    assert mean_of(np.array([1.0, 1.0]), np.array([10, 10])).error > 0.05


def test_one_class_that_is_singled_out_is_known_by_its_own_skill():
    labels = np.arange(100) % 10
    scores = np.full((100, 10), 0.1)
    scores[labels == 3, 3] = 1.0
    guesses = Guesses(labels, scores, 0.5)
    assert guesses.skill(3).value == 1
    assert guesses.skill(4).value == 0
