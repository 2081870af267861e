"""A double click starts one thing."""

from __future__ import annotations

import pytest

from autotl_ui import clicks


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    state: dict[str, object] = {}
    monkeypatch.setattr("streamlit.session_state", state)
    return state


def test_a_second_click_on_the_same_gets_what_the_first_one_got(session: dict[str, object]) -> None:
    made = iter(range(9))
    assert [clicks.once("fit", "a", lambda: next(made)) for _ in range(2)] == [0, 0]
    assert clicks.once("fit", "b", lambda: next(made)) == 1
    assert clicks.once("refit", "b", lambda: next(made)) == 2


def test_whoever_clicks_later_wants_it_again(session: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    made = iter(range(9))
    now = iter((10.0, 10.0 + clicks.SECONDS, 20.0))
    monkeypatch.setattr("time.monotonic", lambda: next(now))
    assert [clicks.once("fit", "a", lambda: next(made)) for _ in range(2)] == [0, 1]


def test_what_failed_may_be_tried_again_at_once(session: dict[str, object]) -> None:
    def fail() -> None:
        raise OSError

    with pytest.raises(OSError):
        clicks.once("fit", "a", fail)
    assert clicks.once("fit", "a", lambda: 3) == 3
