"""Strata by what the model says."""

from __future__ import annotations

import numpy as np
import pytest
from made_populations import calibrated

from autotl.evidence.shares.strata import LEAST_LABELS, accuracy_bins, bin_names, merged, score_bins


def test_every_item_has_a_bin_and_bins_have_labels_enough_to_expect():
    _, probabilities = calibrated(3000, 0)
    bins = score_bins(probabilities, 120)
    assert sorted(set(bins.tolist())) == list(range(bins.max() + 1))
    assert np.bincount(bins).min() * 120 / 3000 >= 4


def test_items_of_one_bin_have_one_predicted_class_where_labels_allow():
    _, probabilities = calibrated(3000, 1)
    bins = score_bins(probabilities, 300)
    for one in range(bins.max() + 1):
        assert len(set(probabilities[bins == one].argmax(axis=1).tolist())) == 1


def test_a_class_that_is_hardly_ever_predicted_shares_a_bin():
    probabilities = np.tile([0.9, 0.1], (1000, 1))
    probabilities[:3] = [0.4, 0.6]
    bins = score_bins(probabilities, 100)
    assert (bins == bins[0]).sum() > 50


def test_with_few_labels_accuracy_goes_by_confidence_alone():
    _, probabilities = calibrated(2000, 2, n_classes=8)
    few, many = accuracy_bins(probabilities, 100), accuracy_bins(probabilities, 400)
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    assert (np.diff(few[order]) >= 0).all()
    assert np.array_equal(many, score_bins(probabilities, 400))


@pytest.mark.parametrize("rows", [[0, 1], [0, 1, 2, 9], [9], [4, 5, 6, 7]])
def test_bins_with_too_few_labels_are_merged_with_their_neighbours(rows):
    bins = np.repeat([0, 1, 2, 3, 4], 2)
    found = merged(bins, np.array(rows))
    counts = np.bincount(found[rows], minlength=found.max() + 1)
    assert found.max() == 0 or counts.min() >= LEAST_LABELS
    assert (np.diff(found) >= 0).all()


def test_a_bin_is_named_by_the_confidence_in_it():
    names = bin_names(np.array([0, 0, 1]), np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]]))
    assert names == ("1: confidence 0.800 to 0.900", "1: confidence 0.800 to 0.900", "2: confidence 0.700 to 0.700")


def test_no_items_have_no_bins():
    assert score_bins(np.zeros((0, 2)), 10).tolist() == []
