"""Servers that are away for a moment are waited for, and for no longer."""

from __future__ import annotations

import threading
import time

import optuna
import pytest
from optuna.storages import GrpcStorageProxy
from optuna.trial import TrialState

from autotl.runs import patient_storage as module
from autotl.runs.patient_storage import ProxyStorage
from autotl.runs.storage import close_storage, open_storage, opened
from autotl.runtime.addresses import sqlite_address


@pytest.fixture
def study(postgres):
    with opened(postgres.address(postgres.new_database())) as storage:
        yield optuna.create_study(study_name="away", storage=storage)


@pytest.mark.parametrize("driver", ["pg8000", "psycopg"])
def test_a_result_waits_for_a_server_that_is_started_again(postgres, driver):
    pytest.importorskip(driver, reason=f"{driver} is not installed: pip install {driver}")
    with opened(postgres.address(postgres.new_database(), driver)) as storage:
        study = optuna.create_study(study_name="away", storage=storage)
        trial = study.ask()
        postgres.stop()
        telling = threading.Thread(target=study.tell, args=(trial, 0.5))
        telling.start()
        time.sleep(1.5)
        postgres.start()
        telling.join(60)
        assert [(one.state, one.value) for one in study.get_trials()] == [(TrialState.COMPLETE, 0.5)]


@pytest.mark.parametrize("driver", ["pg8000", "psycopg"])
def test_a_process_that_stops_amid_a_transaction_does_not_stop_the_others(postgres, driver, monkeypatch):
    pytest.importorskip(driver, reason=f"{driver} is not installed: pip install {driver}")
    monkeypatch.setattr(module, "IDLE_SECONDS", 1.0)
    address = postgres.address(postgres.new_database(), driver)
    with opened(address) as stopped, opened(address) as storage:
        study = optuna.create_study(study_name="stopped", storage=storage)
        with stopped.engine.connect() as connection:
            connection.exec_driver_sql("SELECT * FROM studies FOR UPDATE")
            began = time.monotonic()
            study.ask()  # which locks the study, too
            assert time.monotonic() - began > 0.5
            connection.invalidate()
        assert stopped.get_all_studies()[0].study_name == "stopped"


def test_a_server_that_stays_away_is_not_waited_for_longer(postgres, study, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.5)
    postgres.stop()
    try:
        began = time.monotonic()
        with pytest.raises(Exception) as raised:
            study.ask()
        assert module.is_away(raised.value)
        assert 0.5 <= time.monotonic() - began < 20
    finally:
        postgres.start()


def test_what_a_server_refuses_is_raised_at_once(study):
    began = time.monotonic()
    with pytest.raises(KeyError):
        study._storage.get_trial(12345)
    with pytest.raises(optuna.exceptions.StorageInternalError) as raised:
        study._storage.set_study_user_attr(study._study_id, "x" * 1000, 1)
    assert not module.is_away(raised.value)
    assert time.monotonic() - began < module.PATIENCE_SECONDS / 2


def test_errors_of_a_driver_count_though_nothing_has_wrapped_them():
    class DatabaseError(Exception):
        pass

    class InterfaceError(Exception):
        pass

    assert module.is_away(InterfaceError("network error"))
    assert module.is_away(DatabaseError("the database system is starting up"))
    assert not module.is_away(DatabaseError("value too long"))
    assert not module.is_away(ValueError("the database system is starting up"))


def test_a_storage_whose_server_has_gone_can_be_closed(monkeypatch, tmp_path):
    class InterfaceError(Exception):
        pass

    def gone():
        raise InterfaceError("network error")

    storage = open_storage(sqlite_address(tmp_path / "study.db"))
    whole = storage.remove_session
    monkeypatch.setattr(storage, "remove_session", gone)
    close_storage(storage)
    monkeypatch.setattr(storage, "remove_session", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        close_storage(storage)
    whole()


class UnavailableError(Exception):
    """As gRPC says that a server cannot be reached."""

    def code(self):
        class Code:
            name = "UNAVAILABLE"

        return Code


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_a_proxy_that_is_started_again_is_waited_for(monkeypatch):
    asked = []

    def answer_late(request):
        asked.append(request)
        if len(asked) < 3:
            raise UnavailableError
        return type("Response", (), {"study_id": 7})

    proxy = ProxyStorage(host="127.0.0.1", port=1)
    monkeypatch.setattr(proxy._stub, "GetStudyIdFromName", answer_late)
    monkeypatch.setattr(module.random, "uniform", lambda *_: 0.0)
    assert proxy.get_study_id_from_name("away") == 7
    assert isinstance(proxy, GrpcStorageProxy)
    assert len(asked) == 3
    proxy.close()
