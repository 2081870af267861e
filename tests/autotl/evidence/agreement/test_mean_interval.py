"""The interval of a mean over items: its width where items weigh differently, and none is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from autotl.evidence.agreement.mean_interval import mean_interval
from autotl.evidence.intervals import wilson


def test_it_is_wilson_s_for_zeros_and_ones_of_equal_weight():
    values = np.repeat([0.0, 1.0], [7, 43])
    found, expected = mean_interval(values, (0.0, 1.0)), wilson(43, 50)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-4)


@pytest.mark.parametrize("n_wrong", [0, 1])
def test_unequal_weights_make_it_wider_even_where_nearly_all_are_right(n_wrong):
    weights = np.repeat([1.0, 5.0], 50)
    values = np.ones(100)
    values[:n_wrong] = 0.0  # among those of little weight
    effective = weights.sum() ** 2 / (weights**2).sum()
    found = mean_interval(values, (0.0, 1.0), weights=weights)
    assert found.low < wilson(effective, effective).low + 0.002
