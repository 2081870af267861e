"""`--workers auto`: one process for a few cores, several for GPUs, never more than the memory holds."""

from __future__ import annotations

import pytest

from autotl.errors import ConfigError
from autotl.runtime.gpus import Gpu
from autotl.workflows import worker_count
from autotl.workflows.worker_count import Machine, choose_workers, read_workers, require_memory

GB = 1e9


@pytest.mark.parametrize(
    ("machine", "expected", "why"),
    [
        (Machine(2, 16 * GB), 1, "2 cores"),
        (Machine(16, 64 * GB), 4, "16 cores"),
        (Machine(64, 6 * GB), 4, r"but 6\.0 GB of free memory"),
        (Machine(64, 0.5 * GB), 1, r"but 0\.5 GB of free memory"),
        (Machine(8, 64 * GB, (Gpu("0", 16 * GB),)), 2, "1 GPU with room for 2 trials"),
        (Machine(64, 200 * GB, (Gpu("0", 80 * GB), Gpu("1", 1 * GB))), 5, "2 GPUs with room for 5 trials"),
        (Machine(4, 200 * GB, (Gpu("0", 80 * GB),)), 2, "but 4 cores"),
    ],
)
def test_the_number_follows_from_the_cores_the_memory_and_the_gpus(machine, expected, why):
    import re

    n, sentence = choose_workers(machine)
    assert n == expected
    assert re.search(why, sentence)
    assert sentence.startswith(f"{n} worker")


def test_a_number_is_taken_as_it_is_and_auto_is_asked_of_the_machine(monkeypatch):
    monkeypatch.setattr(worker_count, "this_machine", lambda: Machine(12, 64 * GB))
    assert [read_workers(given) for given in (5, "5", "auto", " AUTO ")] == [5, 5, 3, 3]


def test_what_auto_chose_is_told_with_the_reason(monkeypatch):
    said = []
    monkeypatch.setattr(worker_count, "this_machine", lambda: Machine(12, 64 * GB))
    read_workers("auto", said.append)
    read_workers("5", said.append)
    assert said == ["3 workers: 12 cores, of which a process keeps some busy"]


@pytest.mark.parametrize("text", ["many", "", "1.5"])
def test_anything_else_is_refused(text):
    with pytest.raises(ConfigError, match="expected a whole number, or 'auto'"):
        read_workers(text)


def test_more_processes_than_the_machine_has_memory_for_are_refused():
    require_memory(1)
    with pytest.raises(ConfigError, match=r"100000 workers on this machine need more than 50000 GB .* --workers auto"):
        require_memory(100_000)


def test_this_machine_has_a_core_and_memory():
    machine = worker_count.this_machine()
    assert machine.cores >= 1
    assert machine.memory_bytes > 0
