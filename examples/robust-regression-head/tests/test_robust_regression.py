import autotl_robust_regression

from autotl.testing import check_plugin


def test_everything_it_offers_keeps_the_contract():
    check_plugin(autotl_robust_regression)
