"""Forecasts: written, read again, and graded by what the run found."""

import math

import pytest

from autotl.runs.forecasts import CHAMPION, FINE_TUNING, TWICE, Forecast, graded

MADE = Forecast(CHAMPION, 0.9, 0.85, 0.95, 0.88, 100, made_at=5.0, minutes=3.0)


def test_a_forecast_is_read_as_it_was_written():
    left_out = Forecast(TWICE, why_not="12 images are too few")
    assert Forecast.from_json(MADE.to_json()) == MADE
    again = Forecast.from_json(left_out.to_json())
    assert again.why_not == left_out.why_not and math.isnan(again.value) and not again.is_made


@pytest.mark.parametrize(("outcome", "held"), [(0.85, True), (0.96, False), (0.9, True), (0.8, False)])
def test_a_forecast_holds_where_the_outcome_is_in_the_interval(outcome, held):
    (found,) = graded([MADE.to_json()], test=outcome, tuned=None)
    assert found.outcome == outcome
    assert found.held is held
    assert ("held" if held else "missed") in found.cells[3]


def test_what_the_run_cannot_know_stays_open():
    stored = [Forecast(kind, 0.1, 0.0, 0.2).to_json() for kind in (FINE_TUNING, TWICE)]
    assert [forecast.held for forecast in graded(stored, test=0.9, tuned=None)] == [None, None]
    assert [forecast.held for forecast in graded(stored, test=0.9, tuned=0.3)] == [False, None]


def test_a_forecast_that_was_not_made_is_not_graded():
    (found,) = graded([Forecast(CHAMPION, why_not="no interval").to_json()], test=0.9, tuned=None)
    assert found.outcome is None and found.held is None
    assert found.cells == ("the champion on the test split", "none: no interval", "", "")
