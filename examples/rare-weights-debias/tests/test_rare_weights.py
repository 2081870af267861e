import autotl_rare_weights
import numpy as np

from autotl.testing import check_plugin


def test_everything_it_offers_keeps_the_contract():
    check_plugin(autotl_rare_weights)


def test_the_rare_subgroup_counts_for_more():
    found = autotl_rare_weights.weights(np.array([0] * 9 + [1]), 0.5)
    assert found[-1] == 3 * found[0]
