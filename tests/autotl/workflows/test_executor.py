"""What an executor is given, and what becomes of the workers it starts."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest

from autotl.interfaces import Executor
from autotl.plugins import Plugins
from autotl.search.limits import Limits
from autotl.workflows import executor

LIMITS = Limits(lambda: float("inf"), None, None)


class Recorded:
    """An executor that keeps its crew, and how it ended."""

    def __init__(self):
        self.crew, self.ended = None, ""

    @contextmanager
    def start(self, crew):
        self.crew = crew
        try:
            yield
        except BaseException:
            self.ended = "gave up"
            raise
        self.ended = "waited"


@pytest.fixture
def recorded(monkeypatch):
    """The executor named "local"."""
    one = Recorded()
    monkeypatch.setattr(Plugins, "pick", lambda self, kind, name: Executor(name, one.start))
    monkeypatch.setattr(executor, "open_to_workers", lambda run: nullcontext())
    return one


def context(tmp_path, workers=3, option=""):
    config = SimpleNamespace(workers=workers, share=None, executor_and_option=("local", option))
    run = SimpleNamespace(folder=tmp_path, config=config, storage="sqlite:///a-study.db", emit=print)
    return SimpleNamespace(run=run, plugins=Plugins())


def test_an_executor_is_given_one_worker_less_than_there_are_processes(tmp_path, recorded):
    with executor.workers(context(tmp_path, option="srun -n1"), LIMITS):
        assert (recorded.crew.n_workers, recorded.crew.option) == (2, "srun -n1")
    assert recorded.ended == "waited"


def test_without_further_workers_no_executor_is_asked(tmp_path, recorded):
    with executor.workers(context(tmp_path, workers=1), LIMITS):
        assert recorded.crew is None


def test_the_address_of_the_store_is_in_the_environment_and_not_on_the_command_line(tmp_path, recorded):
    with executor.workers(context(tmp_path), LIMITS):
        assert "sqlite:///a-study.db" in recorded.crew.environment.values()
        assert "sqlite" not in " ".join(recorded.crew.command(1))


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_of_the_search_ends_the_workers(tmp_path, recorded, error):
    with pytest.raises(error), executor.workers(context(tmp_path), LIMITS):
        raise error
    assert recorded.ended == "gave up"


def test_a_worker_is_told_its_end_by_the_clock_that_it_reads_when_it_starts(tmp_path, recorded, monkeypatch):
    """The clock may have been set since this process began; a new process begins with what it shows now."""
    monkeypatch.setattr(executor.time, "time", lambda: 1_000_000.0)
    with executor.workers(context(tmp_path), Limits(lambda: 60.0, 60.0, None)):
        command = recorded.crew.command(1)
    assert command[command.index("--until") + 1] == "1000060"


def test_a_thread_that_led_a_worker_and_failed_leaves_its_trial_to_the_others(monkeypatch):
    """Its leases would be renewed as long as this process lives, and the search would wait for their trials."""
    closed = []
    processes = SimpleNamespace(close=lambda: closed.append("processes"))
    monkeypatch.setattr(executor, "open_context", lambda *_, **__: SimpleNamespace(processes=processes))

    class Failing:
        def __init__(self, *_, **__):
            pass

        def search(self):
            raise OSError("no space left")

        def close(self):
            closed.append("study")

    monkeypatch.setattr(executor, "StudyLoop", Failing)
    made = SimpleNamespace(run=None, plugins=None, settings=None)
    with pytest.raises(OSError, match="no space left"):
        executor._lead(made, LIMITS, 1, dict)
    assert sorted(closed) == ["processes", "study"]


def test_threads_that_lead_workers_have_no_time_left_after_an_error(tmp_path, recorded, monkeypatch):
    given = []
    monkeypatch.setattr(executor, "_lead", lambda context, limits, number, perform: given.append(limits))
    with pytest.raises(RuntimeError), executor.workers(context(tmp_path), LIMITS):
        recorded.crew.lead(1, dict)
        assert given[0].seconds_left() == float("inf")
        raise RuntimeError
    assert given[0].seconds_left() == 0
