"""A head is fitted on items with weights: by its own sample weights, or on repeated items."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from autotl.runtime import keras_backend
from autotl.training.classifiers import EstimatorClassifier, NetworkClassifier
from autotl.training.weighted_fit import fit_weighted, repeats


@pytest.fixture
def sample() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = (np.arange(200) < 20).astype(int)
    return (rng.normal(0, 1, (200, 3)) + labels[:, None]).astype(np.float32), labels


def probabilities(estimator: object, sample: tuple[np.ndarray, np.ndarray], weights: np.ndarray | None) -> np.ndarray:
    classifier = EstimatorClassifier(estimator, 3, 2)
    fit_weighted(classifier, *sample, weights, seed=0)
    return classifier.probabilities(sample[0])


def test_only_proportions_of_weights_count(sample: tuple[np.ndarray, np.ndarray]) -> None:
    weights = np.where(sample[1] == 1, 9.0, 1.0)
    one, other = (probabilities(LogisticRegression(), sample, factor * weights) for factor in (1, 1000))
    assert np.allclose(one, other, atol=1e-4)
    assert one[:, 1].mean() > 1.5 * probabilities(LogisticRegression(), sample, None)[:, 1].mean()


def test_weights_replace_those_that_the_head_gives_to_classes(sample: tuple[np.ndarray, np.ndarray]) -> None:
    weights = np.where(sample[1] == 1, 9.0, 1.0)
    plain, balanced = (
        probabilities(LogisticRegression(class_weight=w), sample, weights) for w in (None, "balanced")
    )  # fmt: skip
    assert np.array_equal(plain, balanced)


def test_a_head_without_weights_is_fitted_on_repeated_items(sample: tuple[np.ndarray, np.ndarray]) -> None:
    weights = np.where(sample[1] == 1, 9.0, 1.0)
    found = probabilities(KNeighborsClassifier(15), sample, weights)
    assert found[:, 1].mean() > 1.5 * probabilities(KNeighborsClassifier(15), sample, None)[:, 1].mean()


def test_a_keras_head_trains_and_is_held_out_on_items_that_are_not_repeated(
    sample: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    weights, held_out = np.where(sample[1] == 1, 9.0, 1.0), []
    with keras_backend.session(0):
        from keras import Input, Sequential, layers

        model = Sequential([Input((3,)), layers.Dense(2, "softmax")])
        classifier = NetworkClassifier(model, 3, 2, scaling="none", seed=0)
        own = classifier._weighted_loss
        monkeypatch.setattr(classifier, "_weighted_loss", lambda *given: held_out.append(given) or own(*given))
        fit_weighted(classifier, *sample, weights, seed=0)
        found = classifier.probabilities(sample[0])
        classifier.fit(*sample)
        plain = classifier.probabilities(sample[0])
    assert found[:, 1].mean() > 1.3 * plain[:, 1].mean()
    vectors, labels, given = held_out[0]
    assert len(labels) == 30
    assert len(np.unique(vectors, axis=0)) == 30
    assert given / given.min() == pytest.approx(np.where(labels == 1, 9.0, 1.0))


def test_items_are_repeated_as_often_as_their_weights_say() -> None:
    found = repeats(np.array([1.0, 2.0, 1.0, 0.0]), 8, seed=0)
    assert found.tolist() == [2, 4, 2, 0]
    uneven = repeats(np.random.default_rng(0).random(100), 250, seed=1)
    assert uneven.sum() == 250


@pytest.mark.parametrize("weights", [np.zeros(200), np.full(200, np.nan), -np.ones(200), np.ones(3)])
def test_weights_that_are_none_are_refused(sample: tuple[np.ndarray, np.ndarray], weights: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected 200 finite weights"):
        probabilities(LogisticRegression(), sample, weights)
