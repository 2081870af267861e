"""Tilting: how well a variance is known that rare answers make."""

from __future__ import annotations

import numpy as np
import pytest

from autotl.evidence.tilting import Influences


def influences(values: np.ndarray, counts: np.ndarray | None = None) -> Influences:
    """Of one stratum, which loses a degree of freedom to its mean."""
    return Influences(values, np.ones(len(values)) if counts is None else counts, np.zeros(len(values), int), lost=1)


def test_a_variance_that_few_answers_make_has_few_degrees_of_freedom():
    even, rare = np.tile([-1.0, 1.0], 100), np.r_[np.zeros(198), -1.0, 1.0]
    assert influences(even).freedom == pytest.approx(200)
    assert influences(rare).freedom < 5


def test_a_kind_of_answers_that_was_never_seen_stands_for_the_rare_ones():
    rare, counts = np.r_[np.zeros(198), -1.0, 1.0, 30.0], np.r_[np.ones(200), 0.0]
    assert influences(rare, counts).freedom == pytest.approx(200)
