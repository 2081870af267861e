"""A double click starts one thing."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from autotl_ui.widgets import clicks


def test_a_second_click_on_the_same_gets_what_the_first_one_got(runs: Path) -> None:
    made = iter(range(9))
    assert [clicks.once("fit", "a", lambda: next(made)) for _ in range(2)] == [0, 0]
    assert clicks.once("fit", "b", lambda: next(made)) == 1
    assert clicks.once("refit", "b", lambda: next(made)) == 2


def test_a_second_click_waits_for_a_first_one_that_is_at_work(runs: Path) -> None:
    made = iter(range(9))
    begun, answers = threading.Event(), list[int]()

    def slow() -> int:
        begun.set()
        time.sleep(0.2)
        return next(made)

    first = threading.Thread(target=lambda: answers.append(clicks.once("slow", "a", slow)))
    first.start()
    begun.wait()
    answers.append(clicks.once("slow", "a", slow))
    first.join()
    assert answers == [0, 0]


def test_whoever_clicks_later_wants_it_again(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = iter(range(9))
    now = [10.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    assert clicks.once("fit", "a", lambda: next(made)) == 0
    now[0] += clicks.SECONDS
    assert clicks.once("fit", "a", lambda: next(made)) == 1


def test_what_failed_may_be_tried_again_at_once(runs: Path) -> None:
    def fail() -> None:
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        clicks.once("fit", "a", fail)
    assert clicks.once("fit", "a", lambda: 3) == 3
