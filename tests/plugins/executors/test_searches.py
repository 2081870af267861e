"""Whole searches by each executor: the same kinds of trials, the same report, and nothing lost where a worker dies."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from postgres import started_postgres

TESTS = Path(__file__).parents[2]
EXECUTORS = {"local": "local", "command": "command:sh -c {}", "ray": "ray"}


@dataclass
class Search:
    """`autotl fit` as a process."""

    run: Path
    process: subprocess.Popen
    told: Path

    def end(self, seconds: float = 400) -> dict:
        """Wait for its end; its result."""
        try:
            out, _ = self.process.communicate(timeout=seconds)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.communicate()
        assert self.process.returncode == 0, self.told.read_text() + self.workers
        return json.loads(out)

    @property
    def workers(self) -> str:
        """What the workers printed."""
        log = self.run / "workers.log"
        return log.read_text() if log.exists() else ""

    def worker_processes(self) -> list[psutil.Process]:
        """Those of its workers that run."""
        found = psutil.Process(self.process.pid).children(recursive=True)
        return [one for one in found if one.is_running() and "worker" in one.cmdline() and one.name() != "sh"]


def begin(data: Path, folder: Path, *options: str, seconds: float = 0.1, **variables: str) -> Search:
    """Start a search with a head that sleeps so long in each fold."""
    run = folder / "run"
    command = [sys.executable, "-m", "autotl.cli", "fit", str(data), "--run", str(run), "--backbones", "tiny"]
    told = folder / "told"
    environment = {
        **os.environ, "AUTOTL_PLUGINS": str(TESTS / "sleeping_plugins"), "SLEEPER_SECONDS": str(seconds), **variables,
    }  # fmt: skip
    with told.open("w") as errors:
        process = subprocess.Popen(
            [*command, "--disable-plugin", "mlflow", "--json", *options], stdout=subprocess.PIPE, stderr=errors,
            text=True, env=environment,
        )  # fmt: skip
    return Search(run, process, told)


def records(run: Path, storage: str | None = None):
    from autotl.runs.run import open_run
    from autotl.search.optuna_study import read_records

    return read_records(open_run(run).at(storage=storage, tracking_uri=None))


@pytest.fixture(scope="module")
def ended(shapes, tmp_path_factory):
    """A search by each executor, with what it found."""
    found = {}
    for name, executor in EXECUTORS.items():
        search = begin(
            shapes, tmp_path_factory.mktemp(name), "--trials", "8", "--workers", "2", "--executor", executor,
            "--strategy", "probe", "--heads", "sleeper", seconds=3.0,
        )  # fmt: skip
        found[name] = search, search.end()
    return found


@pytest.mark.heavy
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", EXECUTORS)
def test_every_executor_runs_the_same_kinds_of_trials_and_writes_the_same_report(name, ended):
    (local, of_local), (search, result) = ended["local"], ended[name]
    assert result.keys() == of_local.keys()
    assert result["default"]["test"] == of_local["default"]["test"]  # the baselines are the same trials
    kinds = {(trial.strategy, trial.head) for trial in records(search.run)}
    assert kinds == {(trial.strategy, trial.head) for trial in records(local.run)}
    assert {trial.state for trial in records(search.run)} <= {"complete", "pruned"}

    def headings(run):
        return re.findall(r"<h2[^>]*>(.*?)</h2>", (run / "report.html").read_text())

    assert headings(search.run) == headings(local.run) != []
    assert "Traceback" not in search.workers


@pytest.mark.heavy
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", EXECUTORS)
def test_the_workers_of_every_executor_have_run_trials(name, ended):
    import optuna

    search, _ = ended[name]
    storage = optuna.storages.RDBStorage(f"sqlite:///{search.run}/study.db")
    [study] = optuna.get_all_study_names(storage)
    trials = optuna.load_study(study_name=study, storage=storage).trials
    assert {trial.user_attrs["autotl_lease"]["worker"] for trial in trials if "autotl_lease" in trial.user_attrs} == {
        0,
        1,
    }


@pytest.mark.heavy
@pytest.mark.timeout(600)
def test_with_one_worker_the_executor_changes_nothing(shapes, tmp_path):
    """The same seed and one worker: the same trials."""
    found = []
    for number, executor in enumerate(("local", "command:env")):
        folder = tmp_path / str(number)
        folder.mkdir()
        options = ["--trials", "6", "--executor", executor, "--strategy", "probe", "--heads", "logistic,knn"]
        search = begin(shapes, folder, *options)
        search.end()
        found.append([(t.number, t.head, t.reading, dict(t.params), t.score) for t in records(search.run)])
    assert found[0] == found[1]


@pytest.mark.heavy
@pytest.mark.timeout(600)
def test_a_worker_of_a_line_that_is_killed_costs_nothing_on_postgresql(shapes, tmp_path):
    with started_postgres() as server:
        address = server.address(server.new_database())
        search = begin(
            shapes, tmp_path, "--trials", "8", "--workers", "3", "--executor", "command:sh -c 'true && {}'",
            "--strategy", "probe", "--heads", "sleeper", "--storage", address, seconds=1.0,
        )  # fmt: skip
        try:
            until = time.monotonic() + 300
            while search.workers.count("takes trials of") < 2:
                assert time.monotonic() < until and search.process.poll() is None, search.told.read_text()
                time.sleep(0.2)
            time.sleep(2)  # until it has a trial
            before = {trial.number for trial in records(search.run, address) if trial.state == "complete"}
            killed = search.worker_processes()[0]
            killed.send_signal(signal.SIGKILL)
            result = search.end()
        finally:
            search.process.kill()
        told = search.told.read_text()
        ended = records(search.run, address)
        assert Path(result["deployable"], "model.onnx").exists()
        assert re.search(r"worker [12] .* and is started again", told), told
        assert before <= {trial.number for trial in ended if trial.state == "complete"}
        lost = [trial for trial in ended if trial.state == "failed"]
        assert all(trial.cause == "lost" and "tried again" in trial.reason for trial in lost), lost
        assert result["n_trials"] >= 8
        assert search.workers.count("takes trials of") >= 3
