import autotl_middle

from autotl.testing import check_plugin


def test_everything_it_offers_keeps_the_contract():
    check_plugin(autotl_middle)
