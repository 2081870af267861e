"""The budget counts everything since the process began."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time

import pytest

from autotl.runtime.clock import Clock, seconds_since_process_began, steady_time


def test_a_clock_counts_on_from_what_was_spent_before(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    clock = Clock(60.0, spent_seconds=20.0)
    now[0] += 5
    assert (clock.spent(), clock.left()) == (25, 35)
    now[0] += 40
    assert clock.left() == -5


def test_without_a_budget_there_is_always_time_left():
    clock = Clock(None, 5.0)
    assert clock.left() == math.inf
    assert clock.spent() >= 5


@pytest.mark.skipif(sys.platform == "win32", reason="a fresh process takes too long to start there")
def test_the_time_before_this_module_was_imported_counts():
    code = (
        "import time; time.sleep(2)\n"
        "from autotl.runtime.clock import seconds_since_process_began\n"
        "print(seconds_since_process_began())"
    )
    began = time.time()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    # When the machine started, from which Linux counts, is known to the second only.
    assert 1 < float(done.stdout) < time.time() - began + 1


def test_this_process_began_before_now_and_its_age_grows():
    first = seconds_since_process_began()
    time.sleep(0.05)
    assert seconds_since_process_began() - first == pytest.approx(0.05, abs=0.04)


def test_a_process_that_waited_counts_from_its_turn_and_its_children_from_their_birth(monkeypatch):
    monkeypatch.setenv("AUTOTL_CLOCK_STARTED", f"{os.getpid()}:{time.time() + 0.5}")
    assert seconds_since_process_began() == 0
    monkeypatch.setenv("AUTOTL_CLOCK_STARTED", f"{os.getpid()}:{time.time() - 1000}")
    assert seconds_since_process_began() == pytest.approx(1000, abs=1)
    monkeypatch.setenv("AUTOTL_CLOCK_STARTED", f"{os.getppid()}:{time.time() - 100_000}")
    assert seconds_since_process_began() < 50_000


def test_the_time_for_durations_does_not_jump_with_the_clock(monkeypatch):
    before = steady_time()
    monkeypatch.setattr(time, "time", lambda: before - 3600)
    assert before <= steady_time() < before + 60
