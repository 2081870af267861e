"""An interruption is raised at once, and once more where it went unnoticed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest

from autotl.runtime import interruption


@pytest.fixture(autouse=True)
def former_handlers() -> Iterator[None]:
    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in former.items():
        signal.signal(number, handler)
    with suppress(KeyboardInterrupt):
        interruption.raise_if_requested()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_was_swallowed_is_raised_again_once(number: signal.Signals) -> None:
    interruption.listen()
    interruption.raise_if_requested()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)
    with pytest.raises(KeyboardInterrupt):
        interruption.raise_if_requested()
    interruption.raise_if_requested()


def test_what_the_caller_ignores_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    interruption.listen()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
