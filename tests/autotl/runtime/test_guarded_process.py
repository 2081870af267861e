"""A watched process: what it holds is measured, it is renewed with all that it held, and it ends with its parent."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from autotl.runtime import guarded_process
from autotl.runtime.guarded_process import ChildEndedError, GuardedProcess

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks a worker and tells what is shared")
PARENT = """
import sys, time
sys.path.append({tests!r})
from autotl.runtime.guarded_process import GuardedProcess
process = GuardedProcess("plain_child")
process.send({{"do": "ping"}})
process.receive()
process.send({{"do": "sleep"}})
print(process._child.pid, process._worker, flush=True)
time.sleep(60)
"""


@pytest.fixture
def child():
    child = GuardedProcess("plain_child")
    yield child
    child.end()


def asked(child, **body):
    child.send(body)
    return child.receive()[0]


@LINUX
def test_files_that_it_maps_are_no_memory_of_its_own(child, tmp_path):
    np.save(tmp_path / "large.npy", np.ones(200_000_000, np.uint8))
    asked(child, do="ping")
    before = child.memory()
    assert asked(child, do="map", file=str(tmp_path / "large.npy")) == {"sum": 200_000_000}
    assert child.memory() - before < 50_000_000
    asked(child, do="take", bytes=200_000_000)
    assert child.memory() - before > 150_000_000


def test_it_may_hold_its_part_of_what_is_free_and_no_more_than_was_said(child, monkeypatch):
    monkeypatch.setattr(guarded_process, "free_bytes", lambda: 10e9)
    held = child.memory()
    assert child.may_hold(1e9) == 1e9
    assert child.may_hold(1e12) == pytest.approx(held + 7e9, abs=1e8)
    assert child.may_hold(1e12, beside=4) == pytest.approx(held + 1.75e9, abs=1e8)


@LINUX
def test_renewed_it_holds_nothing_and_answers_at_once(child):
    asked(child, do="take", bytes=200_000_000)
    server, worker = child._child.pid, child._worker
    child.renew()
    assert asked(child, do="ping") == {"did": "ping"}
    assert child._child.pid == server
    assert child._worker != worker
    assert child.memory() < 150_000_000


@LINUX
def test_an_answer_that_comes_while_it_is_ended_is_late_and_the_next_message_is_answered(child, monkeypatch):
    answered = threading.Event()
    monkeypatch.setattr(child, "_ask_where", lambda: answered.wait(20))
    until = time.monotonic() + 20
    with pytest.raises(ChildEndedError, match="did not end in the time"), child.watched(lambda: 0.0, math.inf):
        assert asked(child, do="ping") == {"did": "ping"}
        while not child._ended_for and time.monotonic() < until:
            time.sleep(0.01)
        answered.set()
    with child.watched(lambda: 60.0, math.inf):
        assert asked(child, do="ping") == {"did": "ping"}


@LINUX
def test_a_reply_to_one_that_has_ended_does_not_confuse_the_next(child):
    asked(child, do="ping")
    child.send({"do": "ask"})
    assert child.receive()[0] == {"asked": "ask"}
    os.kill(child._worker, signal.SIGKILL)
    time.sleep(0.3)
    with pytest.raises(ChildEndedError, match="SIGKILL"):
        child.reply({"value": 1})
        child.receive()
    assert asked(child, do="ping") == {"did": "ping"}


@LINUX
def test_where_memory_runs_out_the_system_takes_it_before_its_parent(child):
    asked(child, do="ping")
    assert Path(f"/proc/{child._worker}/oom_score_adj").read_text() == "500\n"


@LINUX
def test_a_parent_that_is_killed_leaves_no_child():
    code = PARENT.format(tests=str(Path(__file__).parents[2]))
    folder = Path(__file__).parents[3]
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=folder) as parent:
        assert parent.stdout
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2
        os.kill(parent.pid, signal.SIGKILL)
    until = time.monotonic() + 10
    while any(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE for pid in pids):
        assert time.monotonic() < until, "a child lives on"
        time.sleep(0.05)


STARTING = """
import sys, time
sys.path.append({folder!r})
from autotl.runtime.guarded_process import GuardedProcess
process = GuardedProcess("slow_to_import")
print(process._child.pid, flush=True)
time.sleep(60)
"""


@LINUX
def test_a_parent_that_is_killed_leaves_no_child_that_is_still_importing(tmp_path):
    (tmp_path / "slow_to_import.py").write_text(f"open({str(tmp_path / 'begun')!r}, 'w'); import time; time.sleep(60)")
    code = STARTING.format(folder=str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        child = psutil.Process(int(parent.stdout.readline()))
        until = time.monotonic() + 60
        while not (tmp_path / "begun").exists():
            assert time.monotonic() < until
            time.sleep(0.05)
        os.kill(parent.pid, signal.SIGKILL)
    until = time.monotonic() + 10
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until, "the child lives on"
        time.sleep(0.05)
