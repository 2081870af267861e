"""How long the process of a trial is waited for: always longer than the trial's own clock, and never for ever."""

from __future__ import annotations

import math

import pytest

from autotl.search.trial_deadlines import TrialDeadlines
from autotl.search.trial_task import TrialTask, Tuning
from autotl.trial import FINE_TUNE, PROBE, TrialRecord


def task(strategy=FINE_TUNE, *, untimed=False, max_seconds=math.inf, most_folds=None):
    begun = TrialRecord(5, "failed", strategy)
    return TrialTask(begun, untimed=untimed, tuning=Tuning(max_seconds=max_seconds, most_folds=most_folds))


def limit(deadlines, task, seconds_left, expected=7.0):
    return deadlines.for_trial(task, seconds_left, n_folds=3, expected=lambda: expected)()


@pytest.mark.parametrize(
    ("strategy", "options", "left", "seconds"),
    [
        (FINE_TUNE, {}, 100.0, 110.0),  # all the time left, and a tenth of the budget for its files
        (FINE_TUNE, {"max_seconds": 9.0}, 100.0, 46.0),  # three folds, and what comes before them
        (FINE_TUNE, {"max_seconds": 9.0, "most_folds": 1}, 100.0, 28.0),
        (FINE_TUNE, {"max_seconds": 9.0}, 20.0, 30.0),  # no longer than the run
        (FINE_TUNE, {}, -3.0, 10.0),
        (PROBE, {}, 60.0, 40.0),  # half of it, so that others have their turn
    ],
)
def test_within_a_budget(strategy, options, left, seconds):
    assert limit(TrialDeadlines(100.0), task(strategy, **options), left) == pytest.approx(seconds, abs=0.1)


@pytest.mark.parametrize(("budget", "grace"), [(10.0, 5.0), (300.0, 30.0), (36_000.0, 60.0)])
def test_the_grace_goes_with_the_budget_within_limits(budget, grace):
    assert limit(TrialDeadlines(budget), task(), 100.0) == pytest.approx(100 + grace, abs=0.1)


def test_without_a_budget_a_trial_may_take_many_times_what_the_longest_took_or_it_should_take():
    deadlines = TrialDeadlines(None)
    assert limit(deadlines, task(), math.inf) == pytest.approx(670, abs=0.1)
    deadlines.took(task(PROBE), 500.0)
    assert limit(deadlines, task(), math.inf) == pytest.approx(670, abs=0.1)
    deadlines.took(task(), 30.0)
    deadlines.took(task(), 20.0)
    assert limit(deadlines, task(), math.inf) == pytest.approx(900, abs=0.1)


@pytest.mark.parametrize(
    ("options", "left", "seconds"),
    [
        ({"max_seconds": 50.0}, 2.0, 110.0),  # a fold, what comes before it, and the grace
        ({"max_seconds": 5.0}, 60.0, 70.0),
        ({"strategy": PROBE}, 2.0, 80.0),
    ],
)
def test_what_was_asked_for_by_name_is_not_cut_short_by_the_end_of_the_run(options, left, seconds):
    assert limit(TrialDeadlines(100.0), task(untimed=True, **options), left) == pytest.approx(seconds, abs=0.1)
