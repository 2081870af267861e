"""The progress of a search in numbers."""

from __future__ import annotations

import pytest

from autotl.runs.events import DatasetRead, Event, Message, Progress, SearchBegun, TrialEnded
from autotl.runs.progress import (
    best_trials,
    ended_trials,
    images_per_second,
    trial_seconds,
    trials_per_minute,
    working_seconds,
)

DATASET = DatasetRead(90, ("a", "b"), time=50.0)


def trial(number: int, when: float, best: int, value: float = 0.8, strategy: str = "probe") -> TrialEnded:
    return TrialEnded(
        number, f"t{number}", strategy=strategy, value=value, low=value - 0.1, high=value + 0.1, seconds=2.0,
        best_trial=best, time=when,
    )  # fmt: skip


def test_the_best_so_far_is_told_over_the_working_time_and_not_the_time_between_attempts() -> None:
    events: list[Event] = [
        DatasetRead(9, ("a",), time=1000.0), SearchBegun(7.0, time=1002.0),
        trial(1, 1005.0, 1), trial(2, 1006.0, 1, 0.7),
        SearchBegun(12.0, time=9000.0), trial(3, 9003.0, 3, 0.9),
    ]  # fmt: skip
    assert [(best.trial, best.seconds, best.score.value) for best in best_trials(events)] == [
        (1, 10.0, 0.8),
        (3, 15.0, 0.9),
    ]


def test_a_run_without_attempts_in_its_events_counts_from_the_first() -> None:
    assert [best.seconds for best in best_trials([DATASET, trial(1, 60.0, 1)])] == [10.0]
    assert best_trials([]) == ()


def test_working_time_is_counted_from_the_latest_attempt() -> None:
    events: list[Event] = [SearchBegun(0.0, time=100.0), SearchBegun(20.0, time=500.0), Message("a", time=505.0)]
    assert working_seconds(events, now=507.0) == 27.0
    assert working_seconds(events, now=507.0, since=500.0) == 27.0
    assert working_seconds(events, now=507.0, since=501.0) is None
    assert working_seconds([DATASET], now=507.0) is None


@pytest.mark.parametrize(
    ("ages", "pace"),
    [((), None), ((5.0, 1.0), None), ((18.0, 10.0, 2.0), 9), ((400.0, 50.0, 30.0), 2), ((400.0, 90.0), None)],
)
def test_the_pace_is_that_of_the_last_minute_or_of_the_time_since_the_first_trial(
    ages: tuple[float, ...], pace: int | None
) -> None:
    assert trials_per_minute([trial(number, 1000.0 - age, 0) for number, age in enumerate(ages)], now=1000.0) == pace


def test_the_rate_of_reading_is_known_only_while_images_are_read() -> None:
    assert images_per_second([DATASET, Progress("features", 1, 2, 40.0)]) == 40.0
    assert images_per_second([Progress("features", 1, 2, 40.0), DATASET]) is None
    assert images_per_second([]) is None


def test_the_majority_class_is_no_trial_and_each_strategy_has_its_typical_time() -> None:
    tuned = [trial(n, 60.0, 1, strategy="fine-tune") for n in (3, 4)]
    events = [trial(0, 50.0, 0, strategy="majority"), trial(1, 55.0, 1), *tuned]
    trials = ended_trials(events)
    assert [one.number for one in trials] == [1, 3, 4]
    assert trial_seconds(trials) == {"probe": 2.0, "fine-tune": 2.0}
