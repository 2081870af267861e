"""The garbage collector is paused for a while, and left as it was."""

from __future__ import annotations

import gc

import pytest

from autotl.runtime.garbage import no_collection


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
