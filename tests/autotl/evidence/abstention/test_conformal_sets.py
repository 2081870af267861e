"""Conformal sets hold the true class as often as promised, and say where that cannot be promised."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from autotl.evidence.abstention.conformal_sets import (
    LAC,
    RAPS,
    calibrate_sets,
    conformal_quantile,
    coverage_spread,
    needed_items,
    scores_of,
)


def answers(n, n_classes=3, *, seed=0, sharpness=2.0, shares=None):
    """Labels with probabilities of a model that is right more often than not, and not calibrated."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(n_classes, n, p=shares)
    logits = rng.normal(size=(n, n_classes)) + sharpness * np.eye(n_classes)[labels]
    shares = np.exp(1.7 * logits)
    return labels, shares / shares.sum(axis=1, keepdims=True)


class Oracle:
    """A classifier for MAPIE whose features are its probabilities."""

    def __init__(self, n_classes):
        self.classes_, self.fitted_ = np.arange(n_classes), True

    def fit(self, x, y):
        return self

    def predict(self, x):
        return x.argmax(axis=1)

    def predict_proba(self, x):
        return x

    def __sklearn_is_fitted__(self):
        return True


def mapie_sets(labels, probabilities, asked):
    """What MAPIE 1.6 puts into sets at 90 %, bool (n, n_classes), and its threshold."""
    pytest.importorskip("mapie")
    from mapie.classification import SplitConformalClassifier

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = SplitConformalClassifier(
            Oracle(probabilities.shape[1]), confidence_level=0.9, conformity_score="lac", random_state=0
        )
        model.conformalize(probabilities, labels)
        found = model.predict_set(asked)[1][:, :, 0]
        return found, float(model._mapie_classifier.conformity_score_function_.quantiles_[0])


def test_each_threshold_and_set_is_that_of_mapie_for_the_items_of_the_class():
    (labels, probabilities), (_, asked) = answers(400), answers(200, seed=1)
    rule = calibrate_sets(labels, probabilities)
    found = rule.contains(asked)
    for k in range(3):
        sets, threshold = mapie_sets(labels[labels == k], probabilities[labels == k], asked)
        assert rule.thresholds[k] == pytest.approx(threshold, abs=1e-6)
        assert np.array_equal(found[:, k], sets[:, k])


def test_raps_scores_are_those_of_the_papers_equation():
    _, probabilities = answers(20, 25)
    found = scores_of(RAPS, probabilities)
    for row, expected in zip(probabilities, found, strict=True):
        for k in range(25):
            more_probable, rank = row[row > row[k]].sum(), 1 + (row > row[k]).sum()
            assert expected[k] == pytest.approx(more_probable + row[k] + 0.01 * max(0, rank - 5), abs=1e-12)


def test_raps_adds_a_penalty_for_each_rank_beyond_the_free_ones():
    probabilities = np.array([[0.3, 0.2, 0.15, 0.1, 0.1, 0.06, 0.05, 0.04]])
    expected = np.cumsum(probabilities) + np.array([0, 0, 0, 0, 0, 0.01, 0.02, 0.03])
    assert scores_of(RAPS, probabilities)[0] == pytest.approx(expected)
    turned = scores_of(RAPS, probabilities[:, ::-1])[0]
    assert turned[::-1] == pytest.approx([*expected[:3], expected[4], expected[3], *expected[5:]])


@pytest.mark.parametrize(("n", "rank"), [(9, 9), (19, 18), (99, 90), (100, 91)])
def test_the_threshold_is_the_score_of_the_rank_that_exchangeability_asks_for(n, rank):
    assert conformal_quantile(np.arange(1.0, n + 1)[::-1], 0.1) == rank


def test_fewer_items_than_one_over_alpha_less_one_allow_no_threshold():
    assert needed_items(0.1) == 9
    assert needed_items(0.05) == 19
    assert conformal_quantile(np.arange(8.0), 0.1) == math.inf
    assert conformal_quantile(np.arange(9.0), 0.1) == 8


def test_a_class_with_too_few_items_has_the_threshold_of_all_and_is_said_to():
    labels, probabilities = answers(300, shares=[0.6, 0.385, 0.015])
    rule = calibrate_sets(labels, probabilities)
    assert np.bincount(labels)[2] < 9
    assert rule.pooled.tolist() == [False, False, True]
    assert rule.n_calibration.tolist() == [*np.bincount(labels)[:2], 300]
    scores = 1 - probabilities[np.arange(300), labels]
    assert rule.thresholds[2] == conformal_quantile(scores, 0.1)


def test_with_too_few_items_of_all_classes_nothing_is_promised():
    assert calibrate_sets(*answers(8)) is None
    assert calibrate_sets(*answers(9)) is not None


def test_from_21_classes_on_sets_are_made_by_raps():
    assert calibrate_sets(*answers(300, 20)).method == LAC
    assert calibrate_sets(*answers(300, 21)).method == RAPS


@pytest.mark.parametrize("method", [LAC, RAPS])
def test_over_many_calibrations_each_class_is_covered_as_promised(method):
    labels, probabilities = answers(40_000, seed=3)
    new_labels, new = answers(20_000, seed=4)
    rng, covered = np.random.default_rng(0), []
    for _ in range(150):
        drawn = rng.choice(len(labels), 300, replace=False)
        held = calibrate_sets(labels[drawn], probabilities[drawn], method=method).contains(new)
        held = held[np.arange(len(new)), new_labels]
        covered.append([held[new_labels == k].mean() for k in range(3)])
    # 100 items a class: between 90 % and 91 %, with a standard error of 0.25 points here
    assert np.mean(covered, axis=0) == pytest.approx(0.905, abs=0.01)


def test_the_coverage_of_single_calibrations_spreads_as_was_said():
    labels, probabilities = answers(60_000, 1 + 1, seed=5)
    rng, own = np.random.default_rng(0), np.flatnonzero(labels == 0)
    scores = 1 - probabilities[own, 0]
    covered = np.array([
        (scores <= conformal_quantile(scores[rng.choice(len(own), 40, replace=False)], 0.1)).mean() for _ in range(600)
    ])  # fmt: skip
    low, high = coverage_spread(40, 0.1)
    assert ((covered >= low) & (covered <= high)).mean() == pytest.approx(0.9, abs=0.035)
    assert low < 0.85 < 0.95 < high < 1


def test_the_spread_is_that_of_vovks_beta_distribution():
    # Angelopoulos & Bates 2023, A gentle introduction, figure 12: n = 1000 gives 0.9 within about 0.0155 in 90 %
    low, high = coverage_spread(1000, 0.1)
    assert (low, high) == (pytest.approx(0.884, abs=0.001), pytest.approx(0.915, abs=0.001))
    assert coverage_spread(8, 0.1) == (0.0, 1.0)


def test_one_image_of_a_cluster_counts_so_that_copies_do_not_narrow_anything():
    labels, probabilities = answers(60, 2, seed=6)
    copied = np.repeat(np.arange(60), 20)
    rule = calibrate_sets(labels[copied], probabilities[copied], clusters=copied)
    alone = calibrate_sets(labels, probabilities)
    assert np.array_equal(rule.thresholds, alone.thresholds)
    assert np.array_equal(rule.n_calibration, alone.n_calibration)


def test_images_of_new_groups_are_covered_although_those_of_one_group_are_alike():
    rng = np.random.default_rng(0)

    def grouped(n_groups, size):
        group = np.repeat(np.arange(n_groups), size)
        p = 1 / (1 + np.exp(-(1.5 + 1.5 * rng.normal(size=n_groups)[group] + 0.5 * rng.normal(size=len(group)))))
        return np.zeros(len(group), int), np.stack([p, 1 - p], axis=1), group

    new_labels, new, _ = grouped(4000, 1)
    covered = []
    for _ in range(200):
        labels, probabilities, group = grouped(30, 25)
        rule = calibrate_sets(labels, probabilities, clusters=group, seed=int(rng.integers(1e6)))
        covered.append(rule.contains(new)[np.arange(len(new)), new_labels].mean())
    # 30 groups: 28 of 31 is 90.3 %; standard error 0.4 points
    assert np.mean(covered) == pytest.approx(0.903, abs=0.013)
