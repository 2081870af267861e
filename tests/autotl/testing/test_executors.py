"""The conformance check of executors: ours pass it, and each breach of the contract is named."""

from __future__ import annotations

import subprocess
import threading
from contextlib import contextmanager, suppress

import pytest
from made_plugins import plugin

from autotl.interfaces import Executor
from autotl.testing import check_executor, check_plugin, executors
from autotl_plugins.executors import command, local

STARTED: list[subprocess.Popen] = []


@pytest.fixture(autouse=True)
def left_over():
    """End what an executor with a defect leaves behind."""
    yield
    for one in STARTED:
        one.kill()
        one.wait()
    STARTED.clear()


def processes(crew, numbers, *, waits=True, ends=True):
    started = [subprocess.Popen(crew.command(number), stderr=subprocess.DEVNULL) for number in numbers]
    STARTED.extend(started)
    try:
        yield
        for one in started if waits else ():
            one.wait()
    except BaseException:
        for one in started if ends else ():
            one.kill()
            one.wait()
        raise


def made(start, obstacle=lambda option, run: ""):
    return Executor("mine", contextmanager(start), obstacle)


def test_the_executor_of_this_machine_conforms():
    check_plugin(local)


def test_a_line_conforms():
    check_plugin(command)  # without a line it says what is missing
    [executor] = command.register_executors()
    check_executor(executor, option="env")


@pytest.mark.heavy
def test_ray_conforms():
    from autotl_plugins.executors import ray

    [executor] = ray.register_executors()
    check_executor(executor)


def test_one_that_calls_lead_conforms():
    def start(crew):
        started = []

        def perform(document):
            started.append(subprocess.Popen(crew.command(document["number"])))
            if started[-1].wait():
                raise KeyboardInterrupt
            return {"number": document["number"]}

        threads = [threading.Thread(target=crew.lead, args=(number, perform)) for number in (1, 2)]
        for thread in threads:
            thread.start()
        try:
            yield
        except BaseException:
            for one in started:
                one.kill()
            raise
        finally:
            for thread in threads:
                thread.join()

    check_executor(made(start))


BREACHES = {
    r"of 2 workers \[1?\] began": lambda crew: processes(crew, [1]),
    "expected it to wait": lambda crew: processes(crew, [1, 2], waits=False),
    "of its workers went on": lambda crew: processes(crew, [1, 2], ends=False),
}


@pytest.mark.parametrize("said", BREACHES)
def test_a_breach_is_named(said, monkeypatch):
    monkeypatch.setattr(executors, "END_SECONDS", 0.5)
    monkeypatch.setattr(executors, "LONG_SECONDS", 3.0)
    if "began" in said:
        monkeypatch.setattr(executors, "BEGIN_SECONDS", 2.0)
    with pytest.raises(AssertionError, match=said):
        check_executor(made(BREACHES[said]))


def test_one_that_swallows_the_end_of_the_search_is_named():
    def start(crew):
        with suppress(Exception):
            yield from processes(crew, [1, 2])

    with pytest.raises(AssertionError, match="swallowed the exception"):
        check_executor(made(start))


def test_one_that_raises_is_named_with_what_it_did():
    def start(crew):
        raise OSError("no such machine")
        yield

    with pytest.raises(AssertionError, match=r"start\(crew\) raised OSError: no such machine"):
        check_executor(made(start))


def test_an_obstacle_is_a_text_and_leaves_nothing_beside_the_run(tmp_path):
    with pytest.raises(AssertionError, match="expected a text"):
        check_executor(made(lambda crew: iter(()), lambda option, run: None))

    def littering(option, run):
        from pathlib import Path

        Path(run).mkdir()
        return ""

    with pytest.raises(AssertionError, match="beside the run folder"):
        check_executor(made(lambda crew: iter(()), littering))


def test_a_plugin_with_an_executor_is_loaded_by_its_hook():
    check_plugin(plugin(register_executors=lambda: [made(lambda crew: processes(crew, [1, 2]))]))
