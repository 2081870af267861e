"""A decoder that dies takes its child process with it, and nothing else."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from autotl.runtime import child_process
from autotl.runtime.child_process import Isolated

CHILD = """
import os, signal, time
from pathlib import Path
from autotl.runtime.child_process import serve

def function(path):
    if path.name == "crash":
        os.abort()
    if path.name.startswith("killed"):
        n = int(path.read_text())
        path.write_text(str(n - 1))
        if n:
            os.kill(os.getpid(), signal.SIGKILL)
    if path.name == "sleep":
        time.sleep(60)
    return b"\\x00" * 100_000 if path.name == "large" else "a reason: ü" if path.name == "bad" else path.name.encode()

serve(function)
"""


@pytest.fixture
def make_isolated(monkeypatch):
    monkeypatch.setattr(child_process, "_CHILD", CHILD.replace("{", "{{").replace("}", "}}"))
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(closing(Isolated("nowhere", "nothing", **options)))


@pytest.fixture
def isolated(make_isolated):
    return make_isolated()


def test_answers_come_back_as_bytes_or_as_a_reason(isolated):
    assert isolated(Path("folder with spaces") / "näme\nof two lines") == "näme\nof two lines".encode()
    assert isolated(Path("large")) == bytes(100_000)
    assert isolated(Path("bad")) == "a reason: ü"


def test_a_crash_gives_a_reason_and_the_next_file_is_not_harmed(isolated):
    assert "crashes the decoder" in isolated(Path("crash"))
    assert isolated(Path("fine")) == b"fine"


def test_what_takes_too_long_is_stopped(make_isolated):
    isolated = make_isolated(seconds=1.5)
    assert "longer than a minute" in isolated(Path("sleep"))
    assert isolated(Path("fine")) == b"fine"


def test_threads_take_turns(isolated):
    answers = {}
    names = [f"{i}" for i in range(20)]
    threads = [threading.Thread(target=lambda n=n: answers.update({n: isolated(Path(n))})) for n in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {name: name.encode() for name in names}


def test_the_child_ends_with_its_owner_and_may_be_killed_by_others(isolated):
    assert isolated(Path("one")) == b"one"
    child = isolated._child
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert isolated(Path("two")) == b"two"
    isolated.close()
    assert isolated._child is None


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
@pytest.mark.parametrize(("n_kills", "answer"), [(1, b"killed"), (2, "crashes the decoder")])
def test_a_child_that_others_kill_while_it_works_is_asked_once_more(isolated, tmp_path, n_kills, answer):
    file = tmp_path / "killed"
    file.write_text(str(n_kills))
    assert answer in isolated(file)
    assert isolated(Path("fine")) == b"fine"
