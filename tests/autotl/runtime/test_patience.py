"""A plugin that does not answer is left behind and not asked again; the others are waited for as before."""

from __future__ import annotations

import threading
import time

import pytest

from autotl.errors import PluginError
from autotl.runtime.patience import Patience

WHO = "evaluator 'slow' of plugin 'theirs'"


@pytest.fixture
def patience():
    patience = Patience()
    patience.share(4.0)
    return patience


def loop():
    while True:
        pass


def wait():
    threading.Event().wait()


@pytest.mark.parametrize("hang", [loop, wait, lambda: time.sleep(60)], ids=["loops", "waits", "sleeps"])
def test_one_that_hangs_is_named_with_its_line_and_not_asked_again(patience, hang):
    began = time.monotonic()
    with pytest.raises(PluginError, match=rf"{WHO} did not answer within 0 s .*test_patience.py, line \d+"):
        patience.call("theirs", WHO, hang)
    with pytest.raises(PluginError, match="is not asked: the plugin 'theirs' did not answer before"):
        patience.call("theirs", WHO, lambda: 1)
    assert time.monotonic() - began < 3
    assert patience.call("another", WHO, lambda: 2) == 2


def test_a_loop_that_is_left_behind_ends(patience):
    ended = threading.Event()

    def until_told():
        try:
            loop()
        finally:
            ended.set()

    with pytest.raises(PluginError):
        patience.call("theirs", WHO, until_told)
    assert ended.wait(10)


def test_one_plugin_is_always_called_in_the_same_thread_and_may_call_itself(patience):
    first, second = (patience.call("theirs", WHO, threading.current_thread) for _ in range(2))
    assert first is second is not threading.current_thread()
    assert patience.call("theirs", WHO, lambda: patience.call("theirs", WHO, lambda: 3)) == 3


def test_what_it_raises_is_raised(patience):
    with pytest.raises(ZeroDivisionError):
        patience.call("theirs", WHO, lambda: 1 / 0)
    assert patience.call("theirs", WHO, lambda: 4) == 4


def test_the_time_is_a_share_of_the_budget_and_a_minute_without_one():
    patience = Patience()
    assert patience.seconds == 60
    patience.share(40.0)
    assert patience.seconds == 4
    patience.share(36_000.0)
    assert patience.seconds == 60
