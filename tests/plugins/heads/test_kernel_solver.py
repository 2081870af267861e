"""The kernel machine's margins are those of scikit-learn's SVC, and its graph answers alike."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from sklearn.svm import SVC

from autotl.features.frozen_network import open_session
from autotl_plugins.heads._kernel_solver import KernelMachine

CLASSES = (2, 3, 6)


def clouds(n_classes, *, n=150, n_columns=15, scale=1.0, location=0.0, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % n_classes
    vectors = rng.normal(size=(n_classes, n_columns))[labels] + rng.normal(size=(n, n_columns))
    return (vectors * scale + location).astype(np.float32), labels


def graph_says(machine, vectors):
    [found] = open_session(machine.to_onnx().SerializeToString()).run(["margins"], {"features": vectors})
    return found


@pytest.mark.parametrize("class_weight", [None, "balanced"])
@pytest.mark.parametrize(("C", "gamma_factor"), [(0.1, 0.03), (3.0, 0.3), (1e3, 10.0)])
@pytest.mark.parametrize("n_classes", CLASSES)
def test_the_margin_of_a_class_is_svcs_smallest_against_another(n_classes, C, gamma_factor, class_weight):
    vectors, labels = clouds(n_classes)
    labels[labels == n_classes - 1] = np.where(np.arange((labels == n_classes - 1).sum()) < 9, n_classes - 1, 0)
    others, _ = clouds(n_classes, seed=1)
    found = KernelMachine(C, gamma_factor, class_weight).fit(vectors, labels).decision_function(others)
    gamma = gamma_factor / vectors.astype(np.float64).var(axis=0).sum()
    reference = SVC(C=C, gamma=gamma, class_weight=class_weight, decision_function_shape="ovo")
    pairs = reference.fit(vectors.astype(np.float64), labels).decision_function(others)
    if n_classes == 2:
        pairs = -pairs[:, None]  # of two classes the margin speaks for the second one
    against = np.full((n_classes, n_classes, len(others)), np.inf)
    for number, (i, j) in enumerate(itertools.combinations(range(n_classes), 2)):
        against[i, j], against[j, i] = pairs[:, number], -pairs[:, number]
    # libsvm stops at a violation of 1e-3.
    assert found == pytest.approx(against.min(axis=1).T, abs=5e-3)


@pytest.mark.parametrize("n_classes", CLASSES)
def test_it_predicts_what_svc_predicts_of_two_classes_and_nearly_so_of_more(n_classes):
    vectors, labels = clouds(n_classes, n=400)
    machine = KernelMachine(C=3.0).fit(vectors[:200], labels[:200] + 5)
    reference = SVC(C=3.0, gamma="scale").fit(vectors[:200], labels[:200] + 5)
    assert machine.classes_.tolist() == list(range(5, 5 + n_classes))
    # Votes and smallest margins differ only where no class wins against all others, or by gamma's definition.
    agreement = (machine.predict(vectors[200:]) == reference.predict(vectors[200:])).mean()
    assert agreement >= (0.97 if n_classes == 2 else 0.9)


@pytest.mark.parametrize("n_classes", CLASSES)
@pytest.mark.parametrize(
    ("scale", "location"), [(1.0, 0.0), (1e-3, 0.0), (3000.0, 0.0), (1000.0, 4000.0), (1.0, 3000.0)]
)
def test_the_graph_answers_like_the_machine_for_small_large_and_shifted_values(n_classes, scale, location):
    vectors, labels = clouds(n_classes, scale=scale, location=location)
    others, other_labels = clouds(n_classes, scale=scale, location=location, seed=0, n=300)
    machine = KernelMachine(C=3.0).fit(vectors, labels)
    for items in (vectors, others):
        assert graph_says(machine, items) == pytest.approx(machine.decision_function(items), abs=1e-4)
    assert (machine.predict(others) == other_labels).mean() > 0.7


@pytest.mark.parametrize("C", [3.0, 1e3])
def test_the_graph_answers_like_the_machine_where_thousands_of_large_terms_cancel(C):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(2000, 100)).astype(np.float32)
    labels = (vectors[:, 0] + rng.normal(size=2000) > 0).astype(int)
    machine = KernelMachine(C, gamma_factor=0.1).fit(vectors, labels)
    expected = machine.decision_function(vectors[:300])
    assert graph_says(machine, vectors[:300]) == pytest.approx(expected, abs=1e-4 * C**0.5)


@pytest.mark.parametrize("n_columns", [10, 400])
@pytest.mark.parametrize("n_classes", CLASSES)
def test_one_item_of_each_class_is_told_from_the_others(n_classes, n_columns):
    vectors, labels = clouds(n_classes, n=n_classes, n_columns=n_columns)
    machine = KernelMachine().fit(vectors, labels)
    assert machine.predict(vectors).tolist() == labels.tolist()
    assert graph_says(machine, vectors) == pytest.approx(machine.decision_function(vectors), abs=1e-4)


def test_constant_columns_change_nothing():
    vectors, labels = clouds(3)
    wider = np.hstack([vectors, np.full((len(vectors), 1), 1234.567, np.float32)])
    expected = KernelMachine().fit(vectors, labels).decision_function(vectors)
    machine = KernelMachine().fit(wider, labels)
    assert machine.decision_function(wider) == pytest.approx(expected, abs=1e-3)
    assert graph_says(machine, wider) == pytest.approx(machine.decision_function(wider), abs=1e-4)


@pytest.mark.parametrize("value", [0.0, 7.3])
def test_a_set_of_equal_items_gives_every_item_the_same_finite_margins(value):
    vectors = np.full((8, 3), value, dtype=np.float32)
    machine = KernelMachine().fit(vectors, np.arange(8) % 2)
    margins = machine.decision_function(vectors)
    assert np.isfinite(margins).all()
    assert (margins == margins[0]).all()
    assert graph_says(machine, vectors) == pytest.approx(margins, abs=1e-4)


def test_items_with_weights_count_as_they_do_in_svc():
    vectors, labels = clouds(2)
    weights = np.where(labels == 1, 5.0, 1.0)
    found = KernelMachine(0.1, 0.3).fit(vectors, labels, weights).decision_function(vectors)
    reference = SVC(C=0.1, gamma=0.3 / vectors.astype(np.float64).var(axis=0).sum())
    margins = reference.fit(vectors.astype(np.float64), labels, weights).decision_function(vectors)
    assert found[:, 1] == pytest.approx(margins, abs=5e-3)
    assert (found[:, 1] > KernelMachine(0.1, 0.3).fit(vectors, labels).decision_function(vectors)[:, 1]).mean() > 0.9
