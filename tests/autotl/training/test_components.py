"""Principal components say what the features say, of few items and of many, and are the same in every form."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from autotl.features.frozen_network import open_session
from autotl.training.components import MAX_COMPONENTS, fit_components, location_and_spread, read_in_blocks

SHAPES = [(12, 40), (40, 40), (200, 40)]


def features(n, n_features, *, seed=0, location=0.0, scale=1.0):
    """Correlated columns of different spread."""
    rng = np.random.default_rng(seed)
    mixed = rng.normal(size=(n, n_features)) @ rng.normal(size=(n_features, n_features))
    return ((mixed * rng.uniform(0.1, 5, n_features)) * scale + location).astype(np.float32)


def standardised(vectors):
    """In float64, with two more items of the median column's variance counted."""
    exact = vectors.astype(np.float64)
    n, variance = len(exact), exact.var(axis=0)
    return (exact - exact.mean(axis=0)) / np.sqrt((n * variance + 2 * np.median(variance)) / (n + 2))


def fit(vectors, items=None, seed=0):
    return fit_components(
        lambda wanted: vectors[wanted], np.arange(len(vectors)) if items is None else items, seed=seed
    )


@pytest.mark.parametrize(("n", "n_features"), SHAPES)
@pytest.mark.parametrize(("location", "scale"), [(0.0, 1.0), (3000.0, 1000.0), (0.0, 1e-3)])
def test_distances_between_standardised_features_stay(n, n_features, location, scale):
    vectors = features(n, n_features, location=location, scale=scale)
    expected = pdist(standardised(vectors))
    found = fit(vectors)(vectors)
    assert found.dtype == np.float32
    # Axes with less than 1e-5 of the first one's variance are left out.
    assert pdist(found) == pytest.approx(expected, rel=1e-3, abs=1e-2)


@pytest.mark.parametrize(("n", "n_features"), SHAPES)
def test_components_are_centred_uncorrelated_and_ordered_by_their_variance(n, n_features):
    vectors = features(n, n_features)
    found = fit(vectors)(vectors).astype(np.float64)
    covariance = found.T @ found / n
    variances = np.diag(covariance)
    assert found.mean(axis=0) == pytest.approx(0, abs=1e-4)
    assert (np.diff(variances) <= 0).all()
    assert np.abs(covariance - np.diag(variances)).max() < 1e-4 * variances[0]


def test_no_more_components_than_512_and_those_of_the_largest_variance():
    vectors = features(600, 700)
    principal = fit(vectors)
    assert principal.axes.shape == (700, MAX_COMPONENTS)
    scaled = standardised(vectors)
    expected = np.linalg.svd(scaled, compute_uv=False)[:MAX_COMPONENTS]
    assert np.linalg.norm(principal(vectors), axis=0) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("n", [10, 2000])
@pytest.mark.parametrize("constant", [0.0, 0.1, 1234.567])
def test_a_constant_column_changes_nothing_however_many_items_there_are(n, constant):
    # Sums in float32 would give it a deviation of 1e-5 of its value, by which it would be divided.
    vectors = features(n, 6)
    with_constant = np.hstack([vectors, np.full((n, 1), constant, dtype=np.float32)])
    principal = fit(with_constant)
    assert (principal.axes[-1] == 0).all()
    assert pdist(principal(with_constant)[:50]) == pytest.approx(pdist(fit(vectors)(vectors)[:50]), rel=1e-4)
    new = with_constant[:5].copy()
    new[:, -1] = constant + 100
    assert np.array_equal(principal(new), principal(with_constant[:5]))


def test_a_column_that_varies_little_around_a_large_value_is_standardised_like_any_other():
    vectors = np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32)
    vectors[:, 2] += 500
    mean, deviation = location_and_spread(vectors)
    assert mean == pytest.approx(vectors.mean(axis=0, dtype=np.float64), rel=1e-6, abs=1e-6)
    assert deviation == pytest.approx(vectors.std(axis=0, dtype=np.float64), rel=1e-6)


def test_a_column_that_hardly_varies_among_a_few_items_does_not_drown_the_others_elsewhere():
    vectors = features(6, 10)
    vectors[:, 3] = vectors[:, 3] * 1e-5 + 1
    elsewhere = features(50, 10)
    lengths = np.linalg.norm(fit(vectors)(elsewhere), axis=1)
    without = np.linalg.norm(fit(np.delete(vectors, 3, axis=1))(np.delete(elsewhere, 3, axis=1)), axis=1)
    assert lengths == pytest.approx(without, rel=1.0)  # a hundred times as long by plain standardisation


@pytest.mark.parametrize("n", [1, 2, 30])
def test_images_that_are_all_equal_give_one_component_of_zeros(n):
    vectors = np.repeat(features(1, 20, location=7), n, axis=0)
    principal = fit(vectors)
    assert (principal(vectors) == 0).all()
    assert np.isfinite(principal(features(5, 20, seed=3))).all()
    assert principal(vectors).shape == (n, 1)


def test_only_the_items_given_are_looked_at():
    vectors = features(30, 10)
    items = np.arange(0, 30, 2)
    before = fit(vectors, items)
    vectors[1::2] = np.nan
    after = fit(vectors, items)
    assert np.array_equal(before.axes, after.axes)
    assert np.array_equal(before.offset, after.offset)


def test_many_items_are_represented_by_a_sample_that_the_seed_decides():
    vectors = features(2500, 5)
    read = []

    def fit_watched(seed):
        return fit_components(lambda wanted: read.append(wanted) or vectors[wanted], np.arange(2500), seed=seed)

    first, same, other = fit_watched(1), fit_watched(1), fit_watched(2)
    assert [len(set(items)) for items in read] == [3 * MAX_COMPONENTS] * 3
    assert np.array_equal(first.axes, same.axes)
    assert not np.array_equal(first.axes, other.axes)


@pytest.mark.parametrize("n", [1, 2047, 2048, 4100])
def test_components_read_in_blocks_are_those_read_at_once(n):
    vectors = features(n, 8)
    principal = fit(features(50, 8, seed=1))
    found = read_in_blocks(lambda items: vectors[items], principal, np.arange(n), (n, len(principal.offset)))
    assert found == pytest.approx(principal(vectors), rel=1e-4, abs=1e-3)


@pytest.mark.parametrize(("location", "scale"), [(0.0, 1.0), (3000.0, 1000.0), (0.0, 1e-3)])
@pytest.mark.parametrize(("n", "n_features"), SHAPES)
def test_numpy_the_graph_and_keras_agree(n, n_features, location, scale):
    import keras

    vectors = features(n, n_features, location=location, scale=scale)
    principal = fit(vectors)
    expected = principal(vectors)
    session = open_session(principal.to_onnx().SerializeToString())
    [graph] = session.run(["components"], {"features": vectors})
    inputs = keras.Input((expected.shape[1],))
    network = principal.to_keras(keras.Model(inputs, keras.layers.Rescaling(1.0)(inputs)))
    tolerance = 1e-5 * float(np.abs(expected).max())
    assert graph == pytest.approx(expected, abs=tolerance)
    assert np.asarray(network(vectors)) == pytest.approx(expected, abs=tolerance)


def test_the_axes_of_the_keras_model_are_not_trained_with_its_head():
    import keras

    principal = fit(features(30, 6))
    inputs = keras.Input((len(principal.offset),))
    head = keras.Model(inputs, keras.layers.Dense(2, "softmax")(inputs))
    model = principal.to_keras(head)
    assert [v.path for v in model.trainable_variables] == [v.path for v in head.trainable_variables]
