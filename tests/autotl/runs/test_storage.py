"""Storages of trials: SQLite, PostgreSQL and the proxy, opened by many processes at once."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack

import optuna
import pytest
import sqlalchemy
from asking import ROOT, ask_at_once
from optuna.trial import TrialState

from autotl.errors import ConfigError
from autotl.runs import storage as module
from autotl.runs.storage import is_gone, require_storage, serve_storage
from autotl.search.leases import LeaseKeeper


@pytest.fixture
def opened():
    """opened(address): a storage that is closed after the test."""
    with ExitStack() as stack:
        yield lambda address: stack.enter_context(module.opened(address))


@pytest.fixture
def sqlite(tmp_path):
    return f"sqlite:///{tmp_path / 'study.db'}"


@pytest.fixture
def proxy(postgres):
    """The address of `autotl storage-proxy`, which runs in a process of its own."""
    port = free_port()
    environment = {**os.environ, "AUTOTL_STORAGE": postgres.address(postgres.new_database())}
    command = [sys.executable, "-P", "-m", "autotl.cli", "storage-proxy", "--port", str(port)]
    served = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, cwd=ROOT)
    address = f"grpc://127.0.0.1:{port}"
    told = served.stderr.readline()
    assert address in told, told + served.stderr.read()
    yield address
    served.send_signal(signal.SIGTERM)
    _, said = served.communicate(timeout=30)
    assert served.returncode == 130, said


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def require_all_apart(opened, address, *, workers, each=1, queued=40):
    """Let processes ask at once; every queued trial is taken once, no trial twice, and none is lost."""
    study = optuna.create_study(study_name="many", storage=opened(address))
    for value in range(queued):
        study.enqueue_trial({"x": float(value)})
    found = ask_at_once(address, "many", workers=workers, each=each)
    assert [one["error"] for one in found if "error" in one] == []
    numbers = [number for one in found for number, _ in one["given"]]
    taken = Counter(value for one in found for _, value in one["given"] if value is not None)
    assert sorted(numbers) == list(range(max(queued, workers * each)))
    assert taken == dict.fromkeys(map(float, range(queued)), 1)
    assert {trial.state for trial in study.get_trials()} == {TrialState.COMPLETE}


def test_processes_that_ask_a_file_at_once_are_given_trials_of_their_own(opened, sqlite):
    require_all_apart(opened, sqlite, workers=6, each=2, queued=8)


@pytest.mark.heavy
def test_64_processes_ask_a_file_at_once(opened, sqlite):
    require_all_apart(opened, sqlite, workers=64)


@pytest.mark.heavy
@pytest.mark.parametrize("driver", ["pg8000", "psycopg"])
def test_64_processes_ask_postgresql_at_once(opened, postgres, driver):
    pytest.importorskip(driver, reason=f"{driver} is not installed: pip install {driver}")
    require_all_apart(opened, postgres.address(postgres.new_database(), driver), workers=64)


@pytest.mark.heavy
def test_64_processes_ask_a_proxy_at_once(opened, proxy):
    require_all_apart(opened, proxy, workers=64)


def test_the_same_seed_gives_the_same_trials_in_every_storage(opened, sqlite, postgres):
    found = []
    for address in (sqlite, postgres.address(postgres.new_database())):
        sampler = optuna.samplers.TPESampler(seed=5, n_startup_trials=3)
        study = optuna.create_study(study_name="same", storage=opened(address), sampler=sampler)
        keeper = LeaseKeeper(renewal_seconds=0.05)
        for _ in range(8):
            trial = study.ask()
            keeper.hold(trial)
            study.tell(trial, abs(trial.suggest_float("x", 1e-4, 1e2, log=True) - 0.3))
            keeper.release(trial)
        keeper.close()
        found.append([trial.params for trial in study.get_trials()])
    assert found[0] == found[1]
    assert len({params["x"] for params in found[0]}) == 8


def test_a_trial_that_waits_in_a_file_is_given_to_one_of_two_that_saw_it_wait(opened, sqlite, monkeypatch):
    """The other asks between the moments at which the first has read that the trial waits, and takes it."""
    study = optuna.create_study(study_name="two", storage=opened(sqlite))
    study.enqueue_trial({"x": 1.0})
    first, other, taken = opened(sqlite), opened(sqlite), []

    def take(storage):
        taken.append(storage.set_trial_state_values(1, TrialState.RUNNING))

    thread, check = threading.Thread(target=take, args=(other,)), first.check_trial_is_updatable

    def let_the_other_ask(*arguments):
        check(*arguments)
        thread.start()
        thread.join(0.3)

    monkeypatch.setattr(first, "check_trial_is_updatable", let_the_other_ask)
    take(first)
    thread.join(30)
    assert taken == [True, False]


def test_a_file_that_another_process_writes_to_is_waited_for(opened, sqlite):
    study = optuna.create_study(study_name="busy", storage=opened(sqlite))
    engine = opened(sqlite).engine
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        asking = threading.Thread(target=study.ask)
        asking.start()
        time.sleep(0.3)
        assert asking.is_alive()
        connection.rollback()
    asking.join(30)
    assert [trial.state for trial in study.get_trials()] == [TrialState.RUNNING]


def test_a_server_that_was_started_again_is_connected_to_again(opened, postgres):
    storage = opened(postgres.address(postgres.new_database()))
    study = optuna.create_study(study_name="restarted", storage=storage)
    study.tell(study.ask(), 0.5)
    postgres.stop()
    postgres.start()
    study.tell(study.ask(), 0.7)
    assert [trial.value for trial in study.get_trials()] == [0.5, 0.7]


def test_a_process_has_one_connection_to_a_server(opened, postgres):
    storage = opened(postgres.address(postgres.new_database()))
    study = optuna.create_study(study_name="threads", storage=storage)
    threads = [threading.Thread(target=study.ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(study.get_trials()) == 8
    assert storage.engine.pool.checkedin() == 1


@pytest.mark.parametrize(
    ("installed", "expected"),
    [
        ({"psycopg", "pg8000"}, "postgresql+psycopg://me:pw@host/db"),
        ({"pg8000"}, "postgresql+pg8000://me:pw@host/db"),
        (set(), "postgresql+psycopg://me:pw@host/db"),
    ],
)
def test_postgresql_is_reached_by_the_driver_that_is_installed(monkeypatch, installed, expected):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name if name in installed else None)
    assert module._with_installed_driver("postgresql+psycopg://me:pw@host/db") == expected
    # What follows the question mark is for one driver only.
    named = "postgresql+psycopg://host/db?sslmode=require"
    assert module._with_installed_driver(named) == named
    assert module._with_installed_driver("mysql+pymysql://host/db") == "mysql+pymysql://host/db"


@pytest.mark.parametrize("address", ["grpc://host", "grpc://:13000", "grpc://host:port", "grpc://"])
def test_an_address_of_a_proxy_has_a_host_and_a_port(address):
    with pytest.raises(ConfigError, match="not an address of a proxy; it looks like grpc://HOST:PORT"):
        require_storage(address)


def test_a_proxy_that_does_not_answer_is_named(monkeypatch):
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.2)
    port = free_port()
    with pytest.raises(
        ConfigError, match=f"the storage grpc://127.0.0.1:{port} cannot be used: .*timeout.*storage-proxy"
    ):
        require_storage(f"grpc://127.0.0.1:{port}")


def test_a_database_that_does_not_answer_is_named_at_once():
    began = time.monotonic()
    with pytest.raises(ConfigError, match="cannot be used") as raised:
        require_storage(f"postgresql+pg8000://me:s3cret@127.0.0.1:{free_port()}/db")
    assert "s3cret" not in str(raised.value)
    assert time.monotonic() - began < module.PATIENCE_SECONDS / 2


def test_a_port_that_is_taken_is_named(sqlite):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"127.0.0.1:{port} cannot be listened on: .*another --port"):
            serve_storage(sqlite, host="127.0.0.1", port=port)


def test_a_server_that_does_not_answer_is_told_from_other_errors(tmp_path):
    error = optuna.exceptions.StorageInternalError("during the commit")
    error.__cause__ = sqlalchemy.exc.InterfaceError("SELECT 1", {}, ConnectionRefusedError(111, "refused"))
    assert is_gone(error)
    wrapped = RuntimeError("a trial")
    wrapped.__cause__ = error
    assert is_gone(wrapped)
    assert not is_gone(RuntimeError("a fault of ours"))
    assert not is_gone(FileNotFoundError(2, "no such file", str(tmp_path)))
