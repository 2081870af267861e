"""Worker processes are waited for, or ended where the search fails."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from autotl.search.limits import Limits
from autotl.workflows import executor


class FakeProcess:
    """A process that ends with a code when waited for."""

    def __init__(self, command, code):
        self.command, self.code, self.did = command, code, []

    def terminate(self):
        self.did.append("terminate")

    def wait(self):
        self.did.append("wait")
        return self.code


@pytest.fixture
def launched(monkeypatch):
    """The processes that were started; the last one fails."""
    processes = []

    def start(command, **_):
        processes.append(FakeProcess(command, code=len(processes)))
        return processes[-1]

    monkeypatch.setattr(executor.subprocess, "Popen", start)
    return processes


@pytest.fixture
def run(tmp_path):
    texts = []
    run = SimpleNamespace(folder=tmp_path, config=SimpleNamespace(workers=3, storage=None), texts=texts)
    run.emit = lambda event: texts.append(event.text)
    return run


LIMITS = Limits(lambda: float("inf"), None, None)


def test_workers_are_numbered_waited_for_and_a_failure_is_reported(launched, run):
    with executor.workers(run, LIMITS):
        assert [process.command[-1] for process in launched] == ["1", "2"]
    assert [process.did for process in launched] == [["wait"], ["wait"]]
    assert run.texts == [f"a worker failed; {run.folder / 'workers.log'} says why"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_workers_are_ended_where_the_search_fails_or_is_interrupted(launched, run, error):
    with pytest.raises(error), executor.workers(run, LIMITS):
        raise error
    assert [process.did for process in launched] == [["terminate", "wait"]] * 2
    assert run.texts == []
