"""The linear solver ends where scikit-learn's and liblinear's do, and its graph answers alike."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from autotl.features.frozen_network import open_session
from autotl_plugins.heads._linear_solver import LinearMachine, LogisticClassifier, multinomial, squared_hinge

ESTIMATORS = (LogisticClassifier, LinearMachine)
CLASSES = (2, 3, 6)


def clouds(n_classes, *, n=240, n_columns=20, seed=0, scale=1.0, rarest=None):
    """Uncorrelated columns of decreasing spread, as principal components have, and overlapping classes."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % n_classes)
    if rarest is not None:
        labels[np.flatnonzero(labels == n_classes - 1)[rarest:]] = 0
    vectors = 0.8 * rng.normal(size=(n_classes, n_columns))[labels] + rng.normal(size=(n, n_columns))
    vectors = (vectors - vectors.mean(axis=0)) * np.geomspace(3, 0.1, n_columns)
    return (vectors * scale).astype(np.float32), labels


def objective(coefficients, intercepts, vectors, labels, C, class_weight):
    """What scikit-learn minimises, divided by C n; coefficients: (n_classes or 1, n_columns)."""
    n_classes = labels.max() + 1
    margins = vectors.astype(np.float64) @ coefficients.T + intercepts
    if margins.shape[1] == 1:
        margins = np.hstack([np.zeros_like(margins), margins])
    weights = np.ones(len(labels))
    if class_weight:
        weights = len(labels) / (n_classes * np.bincount(labels)[labels])
    losses = np.log(np.exp(margins).sum(axis=1)) - margins[np.arange(len(labels)), labels]
    return float((weights * losses).mean() + 0.5 * (coefficients**2).sum() / (C * len(labels)))


@pytest.mark.parametrize("n_columns", [20, 400])
@pytest.mark.parametrize("C", [1e-3, 0.01, 1.0, 10.0])
@pytest.mark.parametrize("class_weight", [None, "balanced"])
@pytest.mark.parametrize("n_classes", CLASSES)
def test_logistic_regression_reaches_scikit_learns_optimum(n_classes, class_weight, C, n_columns):
    vectors, labels = clouds(n_classes, n_columns=n_columns, rarest=12)
    found = LogisticClassifier(C=C, class_weight=class_weight).fit(vectors, labels)
    reference = LogisticRegression(C=C, class_weight=class_weight, tol=1e-8, max_iter=20_000)
    reference.fit(vectors.astype(np.float64), labels)
    coefficients, intercepts = found.coef_[:-1].T.astype(np.float64), found.coef_[-1].astype(np.float64)
    if n_classes == 2:
        coefficients, intercepts = coefficients[1:] - coefficients[:1], intercepts[1:] - intercepts[:1]
    lowest = objective(reference.coef_, reference.intercept_, vectors, labels, C, class_weight)
    assert objective(coefficients, intercepts, vectors, labels, C, class_weight) < lowest + 3e-4
    assert np.abs(found.predict_proba(vectors) - reference.predict_proba(vectors)).max() < 0.015


@pytest.mark.parametrize("C", [3e-4, 0.01, 0.1])
@pytest.mark.parametrize("class_weight", [None, "balanced"])
@pytest.mark.parametrize("n_classes", CLASSES)
def test_the_linear_machine_finds_liblinears_margins(n_classes, class_weight, C):
    vectors, labels = clouds(n_classes, rarest=12)
    found = LinearMachine(C=C, class_weight=class_weight).fit(vectors, labels).decision_function(vectors)
    for label in range(n_classes):
        # liblinear penalises the intercept, which a large scaling undoes; "balanced" weighs the classes as they came.
        weights = len(labels) / (n_classes * np.bincount(labels)[labels]) if class_weight else None
        reference = LinearSVC(C=C, dual=False, intercept_scaling=100, tol=1e-8, max_iter=20_000)
        reference.fit(vectors.astype(np.float64), labels == label, sample_weight=weights)
        assert found[:, label] == pytest.approx(reference.decision_function(vectors), abs=0.03)


@pytest.mark.parametrize("loss", [multinomial, squared_hinge])
def test_the_gradient_is_that_of_the_loss(loss):
    rng = np.random.default_rng(0)
    margins, targets = rng.normal(size=(5, 3)), np.eye(3)[[0, 1, 2, 0, 1]]
    _, gradient = loss(margins, targets)
    for i, j in np.ndindex(5, 3):
        step = np.zeros_like(margins)
        step[i, j] = 1e-6
        slope = (loss(margins + step, targets)[0].sum() - loss(margins - step, targets)[0].sum()) / 2e-6
        assert gradient[i, j] == pytest.approx(slope, abs=1e-5)


def test_a_warm_start_ends_where_a_cold_one_does():
    vectors, labels = clouds(3)
    warm = LogisticClassifier(C=10.0, warm_start=True).fit(vectors[::2], labels[::2])
    begun = warm.coef_
    warm.fit(vectors, labels)
    cold = LogisticClassifier(C=10.0).fit(vectors, labels)
    assert np.abs(warm.predict_proba(vectors) - cold.predict_proba(vectors)).max() < 0.01
    assert not np.array_equal(warm.coef_, begun)
    assert warm.fit(vectors[:, :5], labels).coef_.shape == (6, 3)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("n_classes", CLASSES)
@pytest.mark.parametrize("scale", [1e-3, 1.0, 3000.0])
def test_the_graph_answers_like_the_estimator_for_small_and_for_large_values(estimator, n_classes, scale):
    vectors, labels = clouds(n_classes, scale=scale)
    fitted = estimator(C=0.01 / scale**2).fit(vectors, labels)
    expected = fitted.predict_proba(vectors) if estimator is LogisticClassifier else fitted.decision_function(vectors)
    session = open_session(fitted.to_onnx().SerializeToString())
    [found] = session.run(None, {"features": vectors})
    assert [o.name for o in session.get_outputs()] == [
        "probabilities" if estimator is LogisticClassifier else "margins"
    ]
    assert found == pytest.approx(expected, abs=1e-4)
    assert np.abs(expected - expected.mean(axis=0)).max() > 0.01  # it has learned something to compare


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_constant_columns_and_a_set_of_equal_items_do_no_harm(estimator):
    vectors, labels = clouds(3)
    with_constant = np.hstack([vectors, np.zeros((len(vectors), 2), np.float32)])
    plain, wider = estimator().fit(vectors, labels), estimator().fit(with_constant, labels)
    assert np.array_equal(wider.predict(with_constant), plain.predict(vectors))
    equal = estimator().fit(np.zeros((9, 4), np.float32), np.repeat([0, 1], [6, 3]))
    assert (equal.predict(np.zeros((2, 4), np.float32)) == 0).all()
    assert np.isfinite(equal.coef_).all()


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("n_classes", CLASSES)
def test_one_item_of_each_class_is_told_from_the_others(estimator, n_classes):
    vectors, _ = clouds(n_classes, n=n_classes, n_columns=50)
    fitted = estimator().fit(vectors, np.arange(n_classes))
    assert fitted.predict(vectors).tolist() == list(range(n_classes))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_classes_keep_their_names(estimator):
    vectors, labels = clouds(3)
    fitted = estimator().fit(vectors, labels * 2 + 5)
    assert fitted.classes_.tolist() == [5, 7, 9]
    assert set(fitted.predict(vectors)) == {5, 7, 9}


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_one_class_is_refused(estimator):
    with pytest.raises(ValueError, match="needs at least two"):
        estimator().fit(np.ones((3, 2)), np.zeros(3, int))


@pytest.mark.parametrize("class_weight", [None, "balanced"])
def test_items_with_weights_count_as_they_do_in_scikit_learn(class_weight):
    vectors, labels = clouds(3, rarest=12)
    weights = np.random.default_rng(1).uniform(0.1, 4, len(labels))
    weights *= len(labels) / weights.sum()
    found = LogisticClassifier(C=0.1, class_weight=class_weight).fit(vectors, labels, weights)
    balanced = np.ones(len(labels)) if class_weight is None else len(labels) / (3 * np.bincount(labels)[labels])
    both = weights * balanced
    reference = LogisticRegression(C=0.1, tol=1e-8, max_iter=20_000)
    reference.fit(vectors.astype(np.float64), labels, sample_weight=both * len(labels) / both.sum())
    assert np.abs(found.predict_proba(vectors) - reference.predict_proba(vectors)).max() < 0.015
    assert np.array_equal(
        LogisticClassifier(C=0.1).fit(vectors, labels).coef_,
        LogisticClassifier(C=0.1).fit(vectors, labels, None).coef_,
    )
