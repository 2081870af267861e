"""How long fits will take is known as soon as each method has made one."""

from __future__ import annotations

import pytest

from autotl.workflows.debias_pace import Pace


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def test_what_is_left_takes_as_long_as_earlier_fits_of_the_method(clock: list[float]) -> None:
    pace = Pace(["quick", "slow", "quick", "slow", "slow"])
    for method, seconds in (("quick", 2.0), ("slow", 60.0)):
        assert pace.eta_seconds() is None
        pace.begin(method)
        clock[0] += seconds
        pace.end()
    assert (pace.done, pace.total, pace.eta_seconds()) == (2, 5, 122.0)
    pace.begin("slow")
    clock[0] += 45
    assert pace.eta_seconds() == 77.0


def test_a_method_that_fails_is_not_waited_for(clock: list[float]) -> None:
    pace = Pace(["quick", "broken", "quick", "broken"])
    pace.begin("quick")
    clock[0] += 2
    pace.end()
    pace.begin("broken")
    clock[0] += 30
    pace.fail()
    assert (pace.done, pace.total, pace.eta_seconds()) == (1, 2, 2.0)


def test_stages_of_a_fit_are_timed_from_their_first_step(clock: list[float]) -> None:
    pace = Pace(["slow"])
    for _ in range(2):  # such as two networks, one after the other
        assert pace.step(1, 20) is None
        clock[0] += 5
        assert pace.step(2, 20) == 90.0
        clock[0] += 35
