"""An interruption is raised at once, and once more where it went unnoticed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest

from autotl.runtime import interruption


@pytest.fixture(autouse=True)
def former_handlers() -> Iterator[None]:
    former = {number: signal.getsignal(number) for number in interruption.SIGNALS}
    for number in interruption.SIGNALS:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    yield
    for number, handler in former.items():
        signal.signal(number, handler)
    with suppress(KeyboardInterrupt):
        interruption.raise_if_requested()


@pytest.mark.parametrize("number", interruption.SIGNALS)
def test_a_signal_that_was_swallowed_is_raised_again_once(number: signal.Signals) -> None:
    interruption.listen()
    interruption.raise_if_requested()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)
    with pytest.raises(KeyboardInterrupt):
        interruption.raise_if_requested()
    interruption.raise_if_requested()


@pytest.mark.parametrize("number", interruption.SIGNALS)
def test_what_the_caller_ignores_stays_ignored(number: signal.Signals) -> None:
    signal.signal(number, signal.SIG_IGN)  # such as SIGHUP by `nohup`
    interruption.listen()
    assert signal.getsignal(number) is signal.SIG_IGN


@pytest.mark.parametrize("number", interruption.SIGNALS)
def test_what_ends_soon_is_finished_after_one_signal_and_ended_by_a_second(
    number: signal.Signals, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    interruption.listen()
    with os.fdopen(os.dup(2), "w") as errors, interruption.postponed("nearly done; once more to stop"):
        monkeypatch.setattr("sys.stderr", errors)
        signal.raise_signal(number)
        assert capfd.readouterr().err == "nearly done; once more to stop\n"
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)


def test_a_postponed_interruption_is_raised_where_the_next_piece_of_work_begins() -> None:
    interruption.listen()
    with interruption.postponed("nearly done"):
        signal.raise_signal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        interruption.raise_if_requested()


def test_a_child_that_its_parent_ends_ignores_what_reaches_the_whole_group() -> None:
    interruption.leave_to_parent()
    for number in interruption.SIGNALS:
        signal.raise_signal(number)
        assert signal.getsignal(number) is signal.SIG_IGN
