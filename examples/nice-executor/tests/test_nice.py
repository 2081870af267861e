import autotl_nice

from autotl.testing import check_executor, check_plugin


def test_everything_it_offers_keeps_the_contract():
    check_plugin(autotl_nice)


def test_it_takes_a_priority():
    [executor] = autotl_nice.register_executors()
    assert executor.obstacle("high", "/run")
    assert executor.obstacle("20", "/run")
    check_executor(executor, option="15")
