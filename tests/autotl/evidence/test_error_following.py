"""Errors that follow a shortcut are told from errors that do not, at equal class."""

from __future__ import annotations

import numpy as np

from autotl.evidence.error_following import corrected, follow
from autotl.evidence.tiny_models import Guesses
from autotl.predictions import Predictions
from autotl.runs.shortcuts import Shortcut


def told(n, *, right, when_misled, when_right, labels=None, seed=0):
    """Guesses of a tiny model right so often, and a model with these error rates where it misleads and elsewhere."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2 if labels is None else labels
    misled = rng.random(n) >= right
    wrong = rng.random(n) < np.where(misled, when_misled, when_right)
    guesses = Guesses(labels, np.eye(2)[np.where(misled, 1 - labels, labels)], 0.5)
    model = Predictions(np.arange(n), labels, 0.8 * np.eye(2)[np.where(wrong, 1 - labels, labels)] + 0.1)
    return follow(guesses, model)


def test_a_model_that_goes_by_the_shortcut_is_found():
    following = told(400, right=0.8, when_misled=0.6, when_right=0.05)
    assert following.difference.low > 0.3
    assert following.p_value < 0.001
    assert following.association.low > 0.3


def test_a_model_that_does_not_is_not_accused():
    clear = sum(
        told(300, right=0.8, when_misled=0.1, when_right=0.1, seed=seed).p_value < 0.05 for seed in range(200)
    )  # fmt: skip
    assert clear <= 16  # 8 %


def test_a_class_with_more_errors_and_more_misleading_is_no_evidence():
    clear = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        labels = np.repeat([0, 1], 200)
        hard = labels == 1
        misled, wrong = (rng.random(400) < np.where(hard, 0.5, 0.05) for _ in range(2))
        guesses = Guesses(labels, np.eye(2)[np.where(misled, 1 - labels, labels)], 0.5)
        answers = Predictions(np.arange(400), labels, np.eye(2)[np.where(wrong, 1 - labels, labels)])
        clear += follow(guesses, answers).p_value < 0.05
    assert clear <= 11


def test_without_a_misleading_image_nothing_is_claimed():
    following = told(100, right=1.1, when_misled=0.5, when_right=0.1)
    assert following.n_misled == 0
    assert not following.difference.is_defined
    assert following.p_value == 1
    assert following.to_json()["error_misled"] is None
    assert type(following).from_json(following.to_json()).to_json() == following.to_json()


def test_images_of_one_group_count_less():
    labels = np.arange(200) % 2
    misled = np.arange(200) // 20 == 3
    guesses = Guesses(labels, np.eye(2)[np.where(misled, 1 - labels, labels)], 0.5)
    model = Predictions(np.arange(200), labels, np.eye(2)[np.where(misled, 1 - labels, labels)])
    alone = follow(guesses, model).difference
    grouped = follow(guesses, model, groups=np.arange(200) // 20).difference
    assert grouped.high - grouped.low > alone.high - alone.low


def test_p_values_are_corrected_for_their_number():
    one = told(60, right=0.8, when_misled=0.4, when_right=0.12, seed=1)
    assert 0.01 < one.p_value < 0.05
    alone = corrected([Shortcut("a", following=one)])[0].following
    among = corrected([Shortcut(str(i), following=one) for i in range(6)])[0].following
    assert alone.is_clear
    assert not among.is_clear
