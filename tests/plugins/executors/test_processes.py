"""Workers that are processes: they are started again where they die, and end with the search."""

from __future__ import annotations

import os
import signal
import time

import psutil
import pytest
from crews import ADDRESS, MadeUp

from autotl_plugins.executors import _processes, local
from autotl_plugins.executors._processes import worker_processes

_others: set[int] = set()


@pytest.fixture(autouse=True)
def _before():
    """What other tests have started, such as servers, goes on."""
    _others.update(process.pid for process in psutil.Process().children(recursive=True))
    yield
    _others.clear()


def children():
    found = psutil.Process().children(recursive=True)
    return [process for process in found if process.is_running() and process.pid not in _others]


def begun(made):
    return made.log.split().count("begun")


def test_the_end_waits_for_the_last_trials_of_the_workers(tmp_path):
    made = MadeUp(tmp_path, "sleep 0.5; echo done $0", n_workers=2)
    with local.start(made.crew):
        assert len(children()) >= 2
    assert sorted(made.log.splitlines()) == ["done 1", "done 2"]
    assert made.said == []


def test_a_worker_that_dies_is_started_again_twice_and_then_given_up(tmp_path):
    made = MadeUp(tmp_path, "echo begun; exit 1")
    with local.start(made.crew):
        made.wait_for(lambda: len(made.said) == 3)
    assert begun(made) == 3
    assert made.said[0] == f"worker 1 ended with exit code 1 and is started again; {made.crew.log} may say why"
    assert "a third time; the search goes on without it" in made.said[2]


def test_one_that_was_killed_is_started_again_and_its_signal_named(tmp_path):
    made = MadeUp(tmp_path, "echo begun; test -e again || { touch again; kill -9 $$; }; echo done")
    with local.start(made.crew):
        made.wait_for(lambda: "done" in made.log)
    assert made.said == [f"worker 1 was ended by SIGKILL and is started again; {made.crew.log} may say why"]


def test_one_that_refuses_what_it_was_given_is_not_started_again(tmp_path):
    made = MadeUp(tmp_path, "echo begun; exit 2")
    with local.start(made.crew):
        made.wait_for(lambda: made.said)
    assert begun(made) == 1
    assert "the search goes on without it" in made.said[0]


def test_one_that_ended_by_itself_is_left_in_peace(tmp_path):
    made = MadeUp(tmp_path, "echo begun")
    with local.start(made.crew):
        made.wait_for(lambda: not children())
    assert (begun(made), made.said) == (1, [])


def test_one_that_dies_at_the_end_of_the_search_is_told_and_not_started_again(tmp_path):
    made = MadeUp(tmp_path, "echo begun; while ! test -e over; do sleep 0.05; done; exit 3")
    with local.start(made.crew):
        made.wait_for(lambda: begun(made) == 1)
        (tmp_path / "over").touch()
        os.sync()
    assert begun(made) <= 2  # it may have been seen to die before the search ended
    assert any("exit code 3" in text for text in made.said)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interruption_ends_all_workers_and_what_they_started(tmp_path, error):
    made = MadeUp(tmp_path, "echo begun; sleep 60 & sleep 60", n_workers=2)
    with pytest.raises(error), local.start(made.crew):
        made.wait_for(lambda: begun(made) == 2)
        raise error
    assert not children()
    assert made.said == []


def test_one_that_is_being_started_again_while_the_search_is_interrupted_is_ended_too(tmp_path):
    made, asked = MadeUp(tmp_path, ""), []

    def command(number):
        asked.append(number)
        if len(asked) == 1:
            return ["false"]
        time.sleep(0.5)
        return ["sleep", "60"]

    with pytest.raises(KeyboardInterrupt), worker_processes(made.crew, command, lambda number: {}):
        made.wait_for(lambda: len(asked) == 2)
        raise KeyboardInterrupt
    time.sleep(0.7)
    assert not children()


def test_one_that_does_not_listen_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(_processes, "PATIENCE_SECONDS", 0.5)
    made = MadeUp(tmp_path, "trap '' TERM; echo begun; while true; do sleep 0.1; done")
    with pytest.raises(KeyboardInterrupt), local.start(made.crew):
        made.wait_for(lambda: begun(made) == 1)
        raise KeyboardInterrupt
    assert not children()


def test_the_budget_holds_where_a_worker_does_not_end(tmp_path, monkeypatch):
    monkeypatch.setattr(_processes, "LAST_SECONDS", 0.5)
    made = MadeUp(tmp_path, "sleep 60")
    with local.start(made.crew):
        made.left = -1.0
    assert not children()
    assert made.said == ["worker 1 did not end with the search, so it is ended"]


def test_a_signal_to_the_terminal_does_not_reach_the_workers(tmp_path):
    made = MadeUp(tmp_path, "echo begun; sleep 1; echo done")
    with local.start(made.crew):
        made.wait_for(lambda: begun(made) == 1)
        [worker, *_] = children()
        assert os.getpgid(worker.pid) != os.getpgid(0)


def test_the_input_of_a_worker_is_closed_where_the_process_that_started_it_is_gone(tmp_path):
    made = MadeUp(tmp_path, "read address; echo $address; cat; echo closed")
    with worker_processes(made.crew, made.crew.command, lambda number: {}, f"{ADDRESS}\n"):
        made.wait_for(lambda: ADDRESS in made.log)
        assert "closed" not in made.log
        [worker, *_] = children()
        os.killpg(worker.pid, signal.SIGTERM)


def test_each_worker_has_a_gpu_of_its_own_and_the_first_is_left_to_the_leading_process(tmp_path, monkeypatch):
    smi = tmp_path / "nvidia-smi"
    smi.write_text("#!/bin/sh\nprintf '0, GPU-aa, 1000\\n1, GPU-bb, 2000\\n2, GPU-cc, 3000\\n'")
    smi.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    made = MadeUp(tmp_path, "echo $0 $CUDA_VISIBLE_DEVICES", n_workers=4)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,GPU-aa")
    with local.start(made.crew):
        pass
    assert sorted(made.log.splitlines()) == ["1 GPU-aa", "2 2", "3 GPU-aa", "4 2"]


def test_the_local_executor_takes_no_option():
    [executor] = local.register_executors()
    assert executor.obstacle("", "/run") == ""
    assert "takes no option" in executor.obstacle("4", "/run")
