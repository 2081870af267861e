"""What other programs take of the machine, seen from the CPU seconds of all and of one's own."""

from __future__ import annotations

import math

import pytest

from autotl.runtime import contention as module
from autotl.runtime.contention import Contention, Usage, look


@pytest.fixture
def machine(monkeypatch):
    """machine(own=1.5, others=0.5): ten seconds pass in which cores are used so, on two cores."""

    class Machine:
        def __init__(self):
            self.usage = Usage(0.0, 0.0, 0.0)
            self.contention = Contention(lambda: self.usage, n_cores=2)

        def __call__(self, *, own, others, seconds=10.0):
            before = self.usage
            self.usage = Usage(
                before.seconds + seconds, before.busy + seconds * (own + others), before.own + seconds * own
            )
            monkeypatch.setattr(module.time, "monotonic", lambda: self.usage.seconds)
            return self.contention

    return Machine()


def test_on_a_quiet_machine_nothing_is_slowed_down(machine):
    found = machine(own=2.0, others=0.0)
    assert found.threads() == 0
    assert found.slowdown() == 1


def test_one_busy_process_leaves_the_other_core_to_a_single_thread(machine):
    found = machine(own=4 / 3, others=2 / 3)  # three threads share two cores
    assert found.threads() == pytest.approx(1)
    assert found.slowdown() == pytest.approx(1)


def test_six_busy_processes_make_a_thread_wait(machine):
    found = machine(own=0.5, others=1.5)
    assert found.threads() == pytest.approx(6)
    assert found.slowdown() == pytest.approx(3.5)


def test_where_a_core_is_idle_the_others_are_as_many_as_run(machine):
    assert machine(own=0.2, others=0.9).threads() == pytest.approx(0.9)


def test_what_was_seen_long_ago_counts_little(machine):
    machine(own=0.5, others=1.5).threads()
    machine(own=2.0, others=0.0).threads()
    machine(own=2.0, others=0.0).threads()
    assert machine(own=2.0, others=0.0).slowdown() < 1.2


def test_the_seconds_of_this_process_are_a_part_of_all(machine):
    found = look()
    assert 0 < found.own < found.busy < math.inf
