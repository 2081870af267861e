"""The search ends in time for the conclusion, but nothing that has to be done is cut short."""

from __future__ import annotations

import math

import numpy as np
import pytest

from autotl.data.split import Split
from autotl.runtime.clock import Clock
from autotl.workflows.search_time import CLOSING_EXPORTS, EVIDENCE_SHARE, EXPORTS, MOST_EVIDENCE_SECONDS, SearchTime

EVIDENCE = 100 * EVIDENCE_SHARE
SPLIT = Split(fold=np.array([-1, 0, 1]), cluster=np.arange(3))


class Others:
    """So many threads of other programs, on two cores."""

    def __init__(self, threads: float = 0.0) -> None:
        self.now = threads

    def threads(self) -> float:
        return self.now

    def slowdown(self) -> float:
        return self.slowdown_by(self.now)

    def slowdown_by(self, threads: float) -> float:
        return max(1.0, (1 + threads) / 2)


def timing_of(budget_seconds, others):
    return SearchTime(Clock(budget_seconds), SPLIT, others)


def test_what_the_conclusion_takes_is_kept_back():
    timing = timing_of(100.0, Others())
    unknown = timing.left()
    assert 80 < unknown < 100 - EVIDENCE
    timing.learn_export(5.0)
    timing.champion_seconds = 7.0
    assert timing.left() == pytest.approx(100 - (EXPORTS + CLOSING_EXPORTS) * 5 - 7 - EVIDENCE, abs=0.5)


def test_a_machine_that_became_busier_ends_the_search_earlier():
    others = Others()
    timing = timing_of(100.0, others)
    timing.learn_export(2.0)
    quiet = timing.concluding() - EVIDENCE
    others.now = 3.0
    assert timing.concluding() - EVIDENCE == pytest.approx(2 * quiet)
    others.now = 1.0  # one busy process leaves the other core to this one
    assert timing.concluding() - EVIDENCE == pytest.approx(quiet)


def test_time_that_a_busy_machine_would_have_taken_is_used_once_it_is_quiet():
    others = Others(3.0)
    timing = timing_of(100.0, others)
    timing.learn_export(4.0)
    busy = timing.concluding() - EVIDENCE
    others.now = 2.5
    assert timing.concluding() - EVIDENCE >= busy - 0.1, "that others take a little less is not known well enough"
    others.now = 0.0
    assert timing.concluding() - EVIDENCE == pytest.approx(busy / 2, rel=0.01)


def test_evidence_is_kept_a_share_of_the_budget_and_never_more_than_it_can_use():
    short, long = timing_of(100.0, Others()), timing_of(10_000.0, Others())
    assert long.concluding() - short.concluding() == pytest.approx(MOST_EVIDENCE_SECONDS - EVIDENCE)


def test_nothing_is_learned_where_no_model_was_written():
    timing = timing_of(100.0, Others())
    unknown = timing.concluding()
    timing.learn_export(0.0)
    assert timing.concluding() == unknown


def test_panels_may_take_what_writing_the_model_again_leaves():
    timing = timing_of(10.0, Others())
    timing.learn_export(1.0)
    assert timing.left() < timing.for_panels() < 10 - 1
    assert timing_of(0.5, Others()).for_panels() < 0


def test_trials_have_to_end_in_time_only_while_that_is_enforced():
    timing = timing_of(100.0, Others())
    assert timing.for_trials() == math.inf
    timing.enforced = True
    assert timing.for_trials() < 100


def test_without_a_budget_there_is_always_time():
    timing = timing_of(None, Others())
    timing.enforced = True
    assert timing.for_trials() == timing.for_panels() == math.inf
