"""Trials as tasks of a real Ray: one of this machine, and a cluster of two nodes, of which one is killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from crews import MadeUp
from ray_nodes import RayNodes, started_ray_nodes

from autotl.errors import ConfigError, MachineError, OutOfTimeError, WorkerLostError
from autotl_plugins.executors import _ray_cluster
from autotl_plugins.executors import ray as ray_executor
from autotl_plugins.executors._ray_options import Options, obstacle_before_ray, parse

TESTS = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("", Options()),
        ("auto", Options("auto")),
        ("10.0.0.1:6379,num_gpus=0.25,num_cpus=2", Options("10.0.0.1:6379", num_cpus=2.0, num_gpus=0.25)),
        ("num_gpus=2,max_calls=0", Options(num_gpus=2.0, max_calls=0)),
    ],
)
def test_the_address_and_the_options_are_read_in_one_line(option, expected):
    assert parse(option) == expected


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("ray://head:10001", "give HOST:PORT"),
        ("head", "whose port is 6379"),
        ("auto,num_gpu=1", "which are num_cpus, num_gpus, max_calls"),
        ("num_cpus=two", "a number of cores"),
        ("num_cpus=-1", "a number of cores"),
        ("num_gpus=1.5", "a fraction of a GPU, or whole ones"),
        ("max_calls=1.5", "a whole number"),
    ],
)
def test_what_cannot_be_meant_is_refused(option, said):
    assert said in ray_executor.obstacle(option, "/run")


def test_a_cluster_without_a_token_is_refused(monkeypatch):
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    assert "there is no token" in obstacle_before_ray(Options("auto"))
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    assert "anyone who reaches a port can run programs as you" in obstacle_before_ray(Options("auto"))


def test_a_token_that_others_can_read_is_refused(monkeypatch, tmp_path):
    token = tmp_path / "token"
    token.write_text("a" * 64)
    token.chmod(0o644)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(token))
    said = obstacle_before_ray(Options("auto"))
    assert f"chmod 600 {token}" in said
    assert "aaaa" not in said
    token.chmod(0o600)
    assert obstacle_before_ray(Options("auto")) == ""


def test_a_cluster_out_of_reach_is_refused_before_ray_is_asked():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{free.getsockname()[1]}"
    assert f"the cluster at {place} cannot be reached" in obstacle_before_ray(Options(place))


def test_a_ray_that_cannot_be_started_is_no_fault_of_ours_and_says_what_to_do(tmp_path):
    def init(**_options):
        raise Exception("The current node timed out during startup.\nSee the logs.")

    with pytest.raises(MachineError, match=r"timed out during startup\. See the logs.* --executor local needs no Ray"):
        _ray_cluster._join(SimpleNamespace(init=init), Options(), 2, tmp_path)


def test_a_connection_that_was_there_before_is_refused_too_where_no_node_has_room(monkeypatch):
    nodes = [{"Alive": True, "Resources": {"CPU": 2.0}}]
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(is_initialized=lambda: True, nodes=lambda: nodes))
    with (
        pytest.raises(ConfigError, match="a trial is to have 4 CPU, and no node of this Ray has more than 2"),
        _ray_cluster.connected(Options(num_cpus=4.0), 1),
    ):
        pass


@pytest.fixture(scope="module")
def performed(tmp_path_factory):
    """What became of tasks in a Ray of this machine, which an interruption ended; by what they were to do."""
    folder, found = tmp_path_factory.mktemp("ray"), {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(TESTS))
        patch.setenv("AUTOTL_PLUGINS", "/of/the/leader")
        patch.setenv("AUTOTL_STORAGE", "with a secret")
        patch.setattr(ray_executor, "LAST_SECONDS", 2.0)
        made = MadeUp(folder, "", n_workers=2)
        first_done = threading.Event()

        def lead(number, perform):
            if number == 1:
                for name in ("answer", "again", "raise", "die", "late"):
                    what = {"do": "sleep" if name == "late" else name, "file": str(folder / name)}
                    try:
                        found[name] = perform({**what, "seconds_left": 30.0 if name != "late" else 1.0})
                    except Exception as error:
                        found[name] = error
                first_done.set()
                return
            first_done.wait()
            try:
                perform({"do": "sleep", "seconds_left": None, "file": str(folder / "sleeping")})
            except BaseException as error:
                found["interrupted"] = error
                raise

        made.crew = replace(made.crew, lead=lead, perform="ray_trials:perform")
        handler = signal.getsignal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt), ray_executor.start(made.crew):
            found["handler kept"] = signal.getsignal(signal.SIGTERM) is handler
            made.wait_for((folder / "sleeping").exists, 150)
            found["sleeping"] = int((folder / "sleeping").read_text())
            raise KeyboardInterrupt
    found["made"] = made
    return found


@pytest.mark.heavy
def test_tasks_answer_each_in_a_process_of_its_own(performed):
    assert performed["answer"]["pid"] != performed["again"]["pid"]
    assert performed["answer"]["plugins"] == "/of/the/leader"
    assert performed["made"].said == []
    assert "printed by a task" in performed["made"].log


@pytest.mark.heavy
def test_the_cluster_asks_for_a_token_that_nobody_else_can_read_and_reports_nothing(performed):
    answer = performed["answer"]
    assert (answer["mode"], answer["token_mode"], answer["usage"]) == ("token", 0o600, "0")
    assert not Path(answer["token_folder"]).exists()  # it is removed in the end
    assert "RAY_AUTH_MODE" not in os.environ


@pytest.mark.heavy
def test_the_address_of_the_trials_does_not_travel_and_signals_keep_their_handlers(performed):
    # A Ray of this machine inherits the variables; those that are handed on to nodes leave the address out.
    from autotl_plugins.executors._ray_cluster import shared_settings

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOTL_STORAGE", "with a secret")
        patch.setenv("AUTOTL_CACHE", "/shared")
        assert shared_settings()["AUTOTL_CACHE"] == "/shared"
        assert "AUTOTL_STORAGE" not in shared_settings()
    assert performed["handler kept"]


@pytest.mark.heavy
def test_what_a_trial_raises_is_raised_as_it_is_and_a_lost_process_told_apart(performed):
    assert isinstance(performed["raise"], ValueError)
    assert str(performed["raise"]) == "of the trial"
    assert isinstance(performed["die"], WorkerLostError)
    assert isinstance(performed["late"], OutOfTimeError)


@pytest.mark.heavy
def test_an_interruption_cancels_what_runs_and_leaves_no_process(performed):
    assert isinstance(performed["interrupted"], KeyboardInterrupt)
    assert not psutil.pid_exists(performed["sleeping"])
    assert not [one for one in psutil.Process().children(recursive=True) if "ray" in one.name()]


@pytest.fixture
def two_nodes(tmp_path, monkeypatch, cache):
    monkeypatch.setenv("AUTOTL_PLUGINS", str(TESTS / "sleeping_plugins"))
    monkeypatch.setenv("SLEEPER_SECONDS", "3")  # so long that the nodes have begun before the leading process is done
    with started_ray_nodes(tmp_path) as nodes:
        yield nodes


def complete_trials(run: Path) -> dict[int, list[float]]:
    import optuna

    if not (run / "study.db").exists():
        return {}
    storage = optuna.storages.RDBStorage(f"sqlite:///{run}/study.db")
    [study] = optuna.get_all_study_names(storage)
    trials = optuna.load_study(study_name=study, storage=storage).get_trials(deepcopy=False)
    return {one.number: one.values for one in trials if one.state == optuna.trial.TrialState.COMPLETE}


class Search:
    """`autotl fit` on two nodes, of which the second performs a trial when this returns."""

    def __init__(self, data: Path, folder: Path, nodes: RayNodes) -> None:
        self.run, self.told = folder / "run", folder / "told"
        command = [
            sys.executable, "-m", "autotl.cli", "fit", str(data), "--run", str(self.run), "--trials", "10", "--workers",
            "3", "--executor", f"ray:{nodes.address}", "--backbones", "tiny", "--heads", "sleeper", "--strategy",
            "probe", "--disable-plugin", "mlflow", "--json",
        ]  # fmt: skip
        with self.told.open("w") as told:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=told, text=True)
        until = time.monotonic() + 500
        while not nodes.tasks(second_only=True):
            assert time.monotonic() < until and self._process.poll() is None, self.told.read_text()
            time.sleep(0.2)

    def result(self) -> dict:
        """What it found, once it has ended as it should."""
        out, _ = self._process.communicate(timeout=500)
        assert self._process.returncode == 0, self.told.read_text()
        return json.loads(out)

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def search(shapes, tmp_path, two_nodes):
    began = Search(shapes, tmp_path, two_nodes)
    yield began
    began.close()


def trials_of(run: Path):
    from autotl.runs.run import open_run
    from autotl.search.optuna_study import read_records

    return read_records(open_run(run))


def require_nothing_lost(search: Search, before: dict[int, list[float]], result: dict) -> None:
    assert Path(result["deployable"], "model.onnx").exists()
    assert before.items() <= complete_trials(search.run).items()  # no finished trial is lost
    lost = [trial for trial in trials_of(search.run) if trial.state == "failed"]
    assert lost  # what ran there
    assert all(trial.cause == "lost" and "its parameters are tried again" in trial.reason for trial in lost)
    assert result["n_trials"] >= 10


@pytest.mark.heavy
@pytest.mark.timeout(1200)
def test_a_search_on_two_nodes_of_which_one_is_killed_ends_with_a_champion(search, two_nodes):
    before = complete_trials(search.run)
    assert before
    two_nodes.kill_one()
    require_nothing_lost(search, before, search.result())


@pytest.mark.heavy
@pytest.mark.timeout(1200)
def test_a_search_whose_head_node_vanishes_says_so_and_goes_on_alone(search, two_nodes):
    before = complete_trials(search.run)
    two_nodes.kill_head()
    require_nothing_lost(search, before, search.result())
    told = search.told.read_text()
    assert "the search goes on without it: the head node of Ray is gone" in told
    assert "Traceback" not in told
