"""The targets of a study share its budget, less what the model of all of them takes."""

from __future__ import annotations

import math
from typing import Any

import pytest

from autotl.runtime.clock import Clock
from autotl.workflows.study_time import LEAST_SECONDS, StudyTime


class Others:
    """What others take makes everything so many times slower."""

    def __init__(self, times: float = 1.0) -> None:
        self.times = times

    def slowdown(self) -> float:
        return self.times


def times_of(budget: float | None, n_targets: int, *, spent: float = 0.0, slowdown: float = 1.0) -> StudyTime:
    others: Any = Others(slowdown)
    return StudyTime(Clock(budget, spent), n_targets, others)


def test_the_shares_of_the_targets_and_what_is_reserved_are_the_budget() -> None:
    times = times_of(60.0, 2)
    assert 2 * times.share(2) + times.concluding() == pytest.approx(60, abs=0.1)
    assert times_of(60.0, 2, spent=30.0).share(1) + times.concluding() == pytest.approx(30, abs=0.1)


def test_more_is_reserved_for_more_targets_and_on_a_busy_machine() -> None:
    assert times_of(60.0, 2).concluding() < times_of(60.0, 5).concluding()
    assert times_of(60.0, 2, slowdown=4.0).concluding() == pytest.approx(4 * times_of(60.0, 2).concluding())


def test_a_target_that_comes_when_the_time_is_used_up_gets_no_more_than_it_needs() -> None:
    assert times_of(20.0, 2, spent=25.0).share(1) == LEAST_SECONDS
    assert times_of(20.0, 2, spent=6.0).share(2) < 10


def test_without_a_budget_no_target_has_a_limit() -> None:
    assert math.isinf(times_of(None, 2).share(1))
