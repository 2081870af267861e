"""Images of another kind are refused, known ones no more often than was said."""

from __future__ import annotations

import numpy as np
import pytest

from autotl.evidence.abstention import novelty
from autotl.evidence.abstention.novelty import (
    ITEMS_PER_COMPONENT,
    MAX_DISTANCES,
    calibrate_novelty,
    fit_distances,
    p_values,
)

N_FEATURES = 60


def known(n, *, seed, n_classes=3):
    """Features and labels of classes that lie near three points, as deep features do in a few directions."""
    rng = np.random.default_rng(seed)
    shape = np.random.default_rng(42)
    centres, axes = shape.normal(size=(n_classes, N_FEATURES)), shape.normal(size=(12, N_FEATURES))
    labels = rng.integers(0, n_classes, n)
    spread = rng.normal(size=(n, 12)) @ axes * 0.15 + 0.05 * rng.normal(size=(n, N_FEATURES))
    return (4 + centres[labels] + spread).astype(np.float32), labels


def other(n, *, seed):
    rng = np.random.default_rng(seed)
    return (4 + np.random.default_rng(7).normal(size=N_FEATURES) + 0.3 * rng.normal(size=(n, N_FEATURES))).astype(
        np.float32
    )


def calibrated(n=200, *, seed=0, clusters=None, copies=1):
    features, labels = known(n, seed=seed)
    features, labels = np.repeat(features, copies, axis=0), np.repeat(labels, copies)
    folds = np.repeat(np.arange(n) % 5, copies)
    return calibrate_novelty(
        lambda items: features[items], np.arange(len(labels)), labels, folds, clusters=clusters, seed=0
    )


def test_distances_are_mahalanobis_distances_to_the_nearest_class():
    from sklearn.covariance import ledoit_wolf

    features, labels = known(150, seed=1)
    found = fit_distances(features, labels, n_components=10, seed=0)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    mean = unit.mean(axis=0)
    axes = np.linalg.svd(unit - mean, full_matrices=False)[2][:10].T
    turned = (unit - mean).astype(np.float64) @ axes
    centres = np.stack([turned[labels == k].mean(axis=0) for k in range(3)])
    inverse = np.linalg.inv(ledoit_wolf(turned - centres[labels], assume_centered=True)[0])
    new, _ = known(20, seed=2)
    asked = (new / np.linalg.norm(new, axis=1, keepdims=True) - mean) @ axes
    apart = asked[:, None] - centres
    expected = np.einsum("nki,ij,nkj->nk", apart, inverse, apart).min(axis=1)
    assert found(new) == pytest.approx(expected, rel=0.02)


def test_known_images_are_refused_no_more_often_than_said_on_average():
    shares = [np.mean(calibrated(seed=s).p_values(known(400, seed=100 + s)[0]) <= 0.05) for s in range(8)]
    assert np.mean(shares) == pytest.approx(0.05, abs=0.02)


def test_images_of_another_kind_are_refused():
    assert np.mean(calibrated().p_values(other(200, seed=3)) <= 0.05) > 0.9


def test_distances_to_what_an_item_was_fitted_on_itself_would_refuse_too_many():
    features, labels = known(200, seed=4)
    detector = fit_distances(features, labels, n_components=40, seed=0)
    naive = p_values(detector(features), detector(known(400, seed=5)[0]))
    assert np.mean(naive <= 0.05) > 0.08


def test_a_p_value_counts_the_calibration_distances_that_are_at_least_as_large():
    assert p_values(np.array([3.0, 1.0, 2.0]), np.array([0.5, 2.0, 2.5, 9.0])).tolist() == [1, 0.75, 0.5, 0.25]


def test_with_too_few_images_or_a_single_fold_nothing_is_offered():
    assert calibrated(novelty.FEWEST_ITEMS - 1) is None
    assert calibrated(novelty.FEWEST_ITEMS) is not None
    features, labels = known(100, seed=0)
    assert calibrate_novelty(lambda items: features[items], np.arange(100), labels, np.zeros(100, int)) is None


def test_copies_of_an_image_count_once():
    rule = calibrated(60, clusters=np.repeat(np.arange(60), 4), copies=4)
    assert rule.n == 60
    assert len(rule.distances) == 60


def test_few_images_have_few_components():
    assert calibrated(100).detector.axes.shape == (N_FEATURES, 80 // ITEMS_PER_COMPONENT)


def test_of_many_distances_evenly_spaced_ones_are_kept_that_give_the_same_p_values(monkeypatch):
    everything = np.sort(np.random.default_rng(0).exponential(size=2999))
    kept = novelty._thinned(everything)
    asked = np.linspace(0, 9, 200)
    assert len(kept) == MAX_DISTANCES
    assert p_values(kept, asked) == pytest.approx(p_values(everything, asked), abs=0.001)


def test_equal_images_have_no_variance_and_are_no_error():
    features, labels = np.ones((60, 5), np.float32), np.arange(60) % 2
    rule = calibrate_novelty(lambda items: features[items], np.arange(60), labels, np.arange(60) % 3)
    assert rule.p_values(features[:1])[0] > 0.05
    assert rule.p_values(np.eye(5, dtype=np.float32)[:1])[0] <= 0.05
