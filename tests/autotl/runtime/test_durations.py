"""Durations as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotl.errors import ConfigError
from autotl.runtime.durations import duration, parse_duration


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("90", 90), ("90s", 90), ("90 s", 90), ("1h30m", 5400), ("1m56s", 116), ("1.5h", 5400), ("01:30:00", 5400),
        ("1:30", 90), ("2h05m", 7500), ("1h 30m 5s", 5405), ("10 Min", 600), ("2 hours and 3 minutes", 7380),
        ("1d", 86400), ("0.5m", 30), (90, 90), (0.5, 0.5),
    ],
)  # fmt: skip
def test_a_duration_may_be_written_as_people_write_it(given: str | float, seconds: float) -> None:
    assert parse_duration(given) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "given", ["soon", "", "s", "1x", "30m1h", "5m5m", "1h-3m", "-5s", "1:2:3:4", "1:75", "1e3", "inf", "nan", True]
)
def test_what_is_no_duration_is_refused_with_examples(given: str) -> None:
    with pytest.raises(ConfigError, match=r"--budget .* is not a duration; .*such as"):
        parse_duration(given)


@pytest.mark.parametrize("given", [float("inf"), float("nan")])
def test_a_number_without_an_end_is_refused(given: float) -> None:
    with pytest.raises(ConfigError, match=r"budget_seconds .* is not a duration"):
        parse_duration(given, name="budget_seconds")


@given(st.integers(0, 359_999))
def test_what_is_printed_as_a_duration_can_be_given_as_one(seconds: int) -> None:
    shown = duration(seconds)
    assert abs(parse_duration(shown) - seconds) < (60 if "h" in shown else 1)
