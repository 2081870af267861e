"""Second opinions on shares, against the published algorithms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from autotl.evidence.shares.cross_checks import (
    prediction_powered_mean,
    rogan_gladen,
    shares_by_confusion,
    shares_by_expectation_maximisation,
)

_AT = np.arange(40)
_SCORES = np.round((np.sin(_AT * 1.7) + 1) / 2, 3)
_LABELS = ((_SCORES + 1.1 * np.cos(_AT * 2.3)) > 0.55).astype(float)
_BETTER = np.round(np.clip(0.6 * _SCORES + 0.4 * (_LABELS * 0.7 + 0.15), 0, 1), 3)
_ELSEWHERE = np.round((np.sin(np.arange(1000, 1300) * 1.7) * 0.8 + 1) / 2, 3)


# The numbers are those of ppi-python 0.2.3: ppi_mean_pointestimate and ppi_mean_ci with alpha=0.05.
@pytest.mark.parametrize(
    ("scores", "weights", "expected"),
    [
        (_BETTER, None, (0.4209274193912982, 0.29805878756045256, 0.5437960512221438)),
        (_SCORES, None, (0.3976202082666297, 0.24718839415935528, 0.548052022373904)),
        (1 - _SCORES, None, (0.4, 0.2481818425742008, 0.5518181574257992)),
        (_SCORES, 1.0 + _AT % 3, (0.3947682756630343, 0.22831587538088594, 0.5612206759451827)),
    ],
    ids=["good scores", "poor scores", "scores that mislead", "weighted labels"],
)
def test_ppi_agrees_with_the_authors_package(scores, weights, expected):
    one = prediction_powered_mean(_LABELS, scores, _ELSEWHERE, weights)
    assert (one.value, one.low, one.high) == pytest.approx(expected, abs=1e-6)


def test_scores_that_all_say_the_same_leave_the_mean_of_the_labels():
    one = prediction_powered_mean(_LABELS, np.full(40, 0.5), np.full(300, 0.5))
    assert one.value == pytest.approx(_LABELS.mean())


def test_without_labels_there_is_no_ppi():
    assert not prediction_powered_mean(np.zeros(0), np.zeros(0), _ELSEWHERE).is_defined


def test_rogan_gladen_undoes_known_errors():
    # Sensitivity 0.9 and specificity 0.8: of 30 % positives, 0.9 * 0.3 + 0.2 * 0.7 = 0.41 are answered.
    labels = np.repeat([True, False], [10, 10])
    answers = np.repeat([True, False, True, False], [9, 1, 2, 8])
    assert rogan_gladen(labels, answers, 0.41) == pytest.approx(0.3)
    assert rogan_gladen(labels, answers, 0.05) == 0


@pytest.mark.parametrize("labels", [np.ones(4, dtype=bool), np.zeros(4, dtype=bool)])
def test_rogan_gladen_needs_labels_of_both_kinds(labels):
    assert math.isnan(rogan_gladen(labels, np.array([True, False, True, False]), 0.5))


def test_rogan_gladen_says_nothing_of_a_model_that_tells_nothing():
    half = np.array([True, False, True, False])
    assert math.isnan(rogan_gladen(np.array([True, True, False, False]), half, 0.5))


def test_both_methods_without_labels_find_shifted_shares():
    random = np.random.default_rng(0)
    means = np.array([-1.5, 0.0, 1.5])

    def drawn(shares, n):
        labels = random.choice(3, n, p=shares)
        evidence = np.exp(-((random.normal(means[labels], 1)[:, None] - means) ** 2) / 2)
        return labels, evidence / evidence.sum(axis=1, keepdims=True)

    known, before = drawn([1 / 3] * 3, 30_000)
    _, after = drawn([0.1, 0.2, 0.7], 30_000)
    found = shares_by_expectation_maximisation(after, np.full(3, 1 / 3))
    assert found == pytest.approx([0.1, 0.2, 0.7], abs=0.02)
    confusion = np.zeros((3, 3), dtype=int)
    np.add.at(confusion, (known, before.argmax(axis=1)), 1)
    answered = np.bincount(after.argmax(axis=1), minlength=3) / len(after)
    assert shares_by_confusion(confusion, answered) == pytest.approx([0.1, 0.2, 0.7], abs=0.02)


def test_a_confusion_matrix_that_cannot_be_inverted_gives_no_shares():
    assert shares_by_confusion(np.array([[5, 5], [5, 5]]), np.array([0.5, 0.5])) is None
    assert shares_by_confusion(np.array([[5, 1], [0, 0]]), np.array([0.5, 0.5])) is None
