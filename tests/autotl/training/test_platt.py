"""Platt scaling of many columns at once."""

from __future__ import annotations

import numpy as np
import pytest

from autotl.training.platt import fit_platt


def made(n=400, seed=0):
    rng = np.random.default_rng(seed)
    margins = rng.normal(size=(n, 3)) * (1, 5, 0.1)
    labels = rng.random((n, 3)) < 1 / (1 + np.exp(-(margins * (2, 0.3, 10) + (0, -2, 1))))
    return margins, labels


def test_it_is_what_scikit_learn_fits_with_the_same_smoothed_targets():
    from sklearn.linear_model import LogisticRegression

    margins, labels = made()
    slope, intercept, loss = fit_platt(margins, labels)
    for k in range(3):
        n_with = int(labels[:, k].sum())
        target = np.where(labels[:, k], (n_with + 1) / (n_with + 2), 1 / (len(labels) - n_with + 2))
        twice = np.concatenate([margins[:, [k]], margins[:, [k]]])
        both = np.concatenate([np.ones(len(labels)), np.zeros(len(labels))])
        peer = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000)
        peer.fit(twice, both, sample_weight=np.concatenate([target, 1 - target]))
        assert slope[k] == pytest.approx(peer.coef_[0, 0], rel=1e-4)
        assert intercept[k] == pytest.approx(peer.intercept_[0], abs=1e-3)
    assert (loss > 0).all()


def test_items_of_which_a_label_is_unknown_do_not_count():
    margins, labels = made()
    partly = labels.astype(np.int8)
    partly[100:200, 1] = -1
    found = fit_platt(margins, partly)
    kept = np.r_[:100, 200:400]
    alone = fit_platt(margins[kept, 1:2], labels[kept, 1:2])
    for whole, part in zip(found, alone, strict=True):
        assert whole[1] == pytest.approx(part[0], rel=1e-6)


def test_a_label_without_items_gets_a_small_probability_and_no_certainty():
    margins, labels = made()
    labels[:, 0] = False
    slope, intercept, _ = fit_platt(margins, labels)
    probability = 1 / (1 + np.exp(-(slope[0] * margins[:, 0] + intercept[0])))
    assert 0 < probability.max() < 0.02


def test_margins_that_say_the_opposite_or_nothing_are_not_used():
    margins, labels = made()
    opposite = -np.abs(margins) * labels + np.abs(margins) * ~labels
    opposite[:, 2] = 7.0
    slope, intercept, _ = fit_platt(opposite, labels)
    assert slope.tolist() == [0, 0, 0]
    share = (labels.sum(axis=0) + 1) / (len(labels) + 2)
    assert 1 / (1 + np.exp(-intercept)) == pytest.approx(share)
