"""The learning curve carried on: a power law is found, what is unknown widens it, and it never rises."""

import numpy as np
import pytest

from autotl.evidence.extrapolation import LearningCurve, exponents, remaining_error, spread_of
from autotl.predictions import Predictions


def error(labels, probabilities):
    return float((probabilities.argmax(axis=1) != labels).mean())


def curve(n, errors):
    """A curve whose answers to n items have these errors; what is wrong with more images is wrong with fewer."""
    labels, rows = np.arange(n) % 2, np.arange(n)
    hard = np.random.default_rng(0).permutation(n)
    found = [Predictions(rows, labels, np.eye(2)[np.where(hard < round(e * n), 1 - labels, labels)]) for e in errors]
    return LearningCurve((0.25, 0.5, 1.0), tuple(found))


def test_a_steep_curve_promises_more_than_a_flat_one():
    steep, flat = (
        np.median(exponents(curve(2000, errors), error, groups=None, seed=0))
        for errors in ((0.4, 0.2, 0.1), (0.2, 0.2, 0.2))
    )
    assert steep < -0.6
    assert flat == pytest.approx(0, abs=0.05)
    assert remaining_error(0.1, np.array([steep]), 2.0)[0] < 0.07


def test_few_images_leave_the_curve_more_uncertain():
    few, many = (exponents(curve(n, (0.4, 0.28, 0.2)), error, groups=None, seed=0) for n in (40, 4000))
    assert np.ptp(np.quantile(few, [0.1, 0.9])) > 1.15 * np.ptp(np.quantile(many, [0.1, 0.9]))


def test_groups_are_drawn_whole_and_more_images_never_harm():
    drawn = exponents(curve(60, (0.1, 0.2, 0.3)), error, groups=np.arange(60) // 6, seed=0)
    assert (drawn <= 0).all()


def test_an_error_of_nothing_stays_nothing():
    drawn = exponents(curve(60, (0.0, 0.0, 0.0)), error, groups=None, seed=0)
    assert (remaining_error(0.0, drawn, 2.0) == 0).all()


def test_the_ends_are_those_of_80_in_100():
    middle, low, high = spread_of(np.zeros(20000), 1.0, seed=0)
    assert (middle, low, high) == pytest.approx((0, -1.28, 1.28), abs=0.05)
