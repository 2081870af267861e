"""The search ends in time for the conclusion, but nothing that has to be done is cut short."""

from __future__ import annotations

import math

import numpy as np
import pytest

from autotl.data.split import Split
from autotl.runtime.clock import Clock
from autotl.workflows.search_time import CLOSING_SECONDS, CONCLUDING_EXPORTS, SearchTime

SPLIT = Split(fold=np.array([-1, 0, 1]), cluster=np.arange(3))


def test_what_the_conclusion_takes_is_kept_back():
    timing = SearchTime(Clock(100.0), SPLIT)
    assert timing.left() == pytest.approx(100 - CLOSING_SECONDS, abs=0.5)
    timing.export_seconds, timing.champion_seconds = 5.0, 7.0
    assert timing.left() == pytest.approx(100 - CLOSING_SECONDS - CONCLUDING_EXPORTS * 5 - 7, abs=0.5)


def test_trials_have_to_end_in_time_only_while_that_is_enforced():
    timing = SearchTime(Clock(100.0), SPLIT)
    assert timing.for_trials() == math.inf
    timing.enforced = True
    assert timing.for_trials() < 100


def test_without_a_budget_there_is_always_time():
    timing = SearchTime(Clock(None), SPLIT)
    timing.enforced = True
    assert timing.for_trials() == math.inf
