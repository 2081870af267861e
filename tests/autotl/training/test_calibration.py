"""Margins become probabilities that can be believed, and no item is calibrated by its own label."""

from __future__ import annotations

import numpy as np
import pytest

from autotl.features.frozen_network import open_session
from autotl.training.calibration import Calibration, cross_fit, fit_calibration


def drawn(n_classes, n=2000, seed=0, scale=1.0):
    """Margins, the true probabilities given them, and labels drawn with these."""
    rng = np.random.default_rng(seed)
    margins = rng.normal(size=(n, n_classes))
    if n_classes == 2:
        margins[:, 0] = -margins[:, 1]
    exponentials = np.exp(2.5 * margins)
    true = exponentials / exponentials.sum(axis=1, keepdims=True)
    labels = (rng.random(n)[:, None] > true.cumsum(axis=1)).sum(axis=1)
    return margins * scale, true, labels


@pytest.mark.parametrize("n_classes", [2, 3, 6])
@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_the_true_probabilities_are_found_again(n_classes, scale):
    margins, true, labels = drawn(n_classes, scale=scale)
    found = fit_calibration(margins, labels, n_classes).probabilities(margins)
    assert found.sum(axis=1) == pytest.approx(1)
    assert np.abs(found - true).mean() < 0.02
    uncalibrated = Calibration(np.eye(n_classes), np.zeros(n_classes)).probabilities(margins)
    assert np.abs(uncalibrated - true).mean() > 0.05


def test_binary_margins_keep_their_order():
    margins, _, labels = drawn(2, n=200)
    found = fit_calibration(margins, labels, 2).probabilities(margins)[:, 1]
    assert (np.diff(found[np.argsort(margins[:, 1])]) > 0).all()


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_class_without_items_gets_next_to_nothing_whatever_its_margin(missing):
    margins, _, labels = drawn(3, n=300)
    margins[:, missing] = 50
    kept = labels != missing
    calibration = fit_calibration(margins[kept], labels[kept], 3)
    found = calibration.probabilities(np.vstack([margins, 100 * margins]))
    assert found.shape == (600, 3)
    assert found[:, missing].max() <= 1e-6
    others = np.delete(found[:300], missing, axis=1)[kept].argmax(axis=1)
    assert (others == np.unique(labels[kept], return_inverse=True)[1]).mean() > 0.7


def test_of_a_single_class_that_class_is_certain():
    found = fit_calibration(np.ones((4, 3)), np.full(4, 1), 3).probabilities(np.ones((2, 3)))
    assert found[:, 1] == pytest.approx(1, abs=1e-5)


def test_a_folds_probabilities_do_not_depend_on_its_own_labels():
    margins, _, labels = drawn(3, n=120)
    fold = np.arange(120) % 4
    before = cross_fit(margins, labels, fold, 3)
    for number in range(4):
        changed = labels.copy()
        changed[fold == number] = (changed[fold == number] + 1) % 3
        after = cross_fit(margins, changed, fold, 3)
        assert np.array_equal(after[fold == number], before[fold == number])
        assert not np.allclose(after[fold != number], before[fold != number], atol=1e-3)


def test_a_fold_is_calibrated_by_all_others_together():
    margins, _, labels = drawn(3, n=120)
    fold = np.array([5, 7, 9])[np.arange(120) % 3]
    found = cross_fit(margins, labels, fold, 3)
    expected = fit_calibration(margins[fold != 7], labels[fold != 7], 3).probabilities(margins[fold == 7])
    assert np.array_equal(found[fold == 7], expected)


def test_a_class_that_lies_in_one_fold_only_is_unknown_to_the_calibration_of_that_fold():
    margins, _, labels = drawn(3, n=90)
    labels[labels == 2] = 1
    fold = np.arange(90) % 3
    labels[fold == 2] = 2
    found = cross_fit(margins, labels, fold, 3)
    assert found[fold == 2][:, 2].max() <= 1e-6
    assert np.isfinite(found).all()


def test_a_single_fold_judges_itself_so_that_pruning_has_something_to_go_by():
    margins, _, labels = drawn(2, n=50)
    expected = fit_calibration(margins, labels, 2).probabilities(margins)
    assert np.array_equal(cross_fit(margins, labels, np.zeros(50, int), 2), expected)


@pytest.mark.parametrize("n_classes", [2, 5])
def test_a_calibration_is_the_same_from_the_disk_and_as_a_graph(tmp_path, n_classes):
    margins, _, labels = drawn(n_classes, n=100)
    calibration = fit_calibration(margins, labels, n_classes)
    expected = calibration.probabilities(margins)
    calibration.save(tmp_path / "calibration.npy")
    assert np.array_equal(Calibration.load(tmp_path / "calibration.npy").probabilities(margins), expected)
    session = open_session(calibration.to_onnx().SerializeToString())
    [found] = session.run(["probabilities"], {"margins": margins.astype(np.float32)})
    assert found == pytest.approx(expected, abs=1e-4)
