"""The garbage collector is paused for a while, and left as it was; freed memory goes back to the system."""

from __future__ import annotations

import gc
import platform

import psutil
import pytest

from autotl.runtime.garbage import give_back_memory, no_collection


def test_it_is_paused_inside_and_runs_again_afterwards_whatever_happens():
    gc.enable()
    with pytest.raises(ValueError, match="inside"), no_collection():
        assert not gc.isenabled()
        raise ValueError("inside")
    assert gc.isenabled()


def test_one_that_was_off_stays_off():
    gc.disable()
    try:
        with no_collection():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries give it back by themselves")
def test_memory_that_was_freed_below_what_is_in_use_goes_back_to_the_system():
    blocks = [bytearray(100_000) for _ in range(1000)]
    last, full = bytearray(100_000), psutil.Process().memory_info().rss
    del blocks
    give_back_memory()
    assert psutil.Process().memory_info().rss < full - 50_000_000
    assert len(last) == 100_000
