"""A mistake in a part of a page costs that part only, and is explained."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from app_pages import words
from streamlit.testing.v1 import AppTest

from autotl_ui.widgets import error_boundary


def page() -> None:
    import streamlit as st

    from autotl_ui.widgets.error_boundary import error_boundary, live

    def part() -> None:
        raise ZeroDivisionError("of mine")

    live(part)()
    st.markdown("the rest")
    with error_boundary():
        st.stop()
    st.markdown("never")


def test_what_goes_wrong_is_said_and_the_rest_is_drawn(
    runs: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(error_boundary, "CAUGHT", (Exception,))
    with caplog.at_level(logging.ERROR):
        app = AppTest.from_function(page).run()
    assert not app.exception
    assert [error.value for error in app.error] == [error_boundary.SAID]
    assert "the rest" in words(app)
    assert "never" not in words(app)
    assert "of mine" in caplog.text


@pytest.mark.parametrize(
    ("error", "reason"), [(OSError(28, "No space left on device"), "No space left"), (KeyError("x"), "")]
)
def test_a_click_that_could_not_be_carried_out_is_said_with_a_way_on(error: Exception, reason: str) -> None:
    def app(error: Exception) -> None:
        from autotl_ui.widgets.error_boundary import admit

        assert admit(error)

    shown = AppTest.from_function(app, args=(error,)).run()
    assert not shown.exception
    assert error_boundary.UNDONE in shown.error[0].value
    assert reason in shown.error[0].value
    assert "KeyError" not in shown.error[0].value
    assert [button.label for button in shown.button] == ["Show the page again"]
