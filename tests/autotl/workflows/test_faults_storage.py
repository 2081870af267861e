"""A database server that goes away in the middle of a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from endurance import stores
from faults import AtPhase
from postgres import Postgres, started_postgres

from autotl.errors import MachineError
from autotl.runs.config import Config
from autotl.settings import Settings
from autotl.workflows.fit import fit, resume

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with started_postgres() as started:
        yield started


def test_a_database_that_goes_away_is_named_and_the_run_is_carried_on_once_it_is_back(
    server: Postgres,
    shapes: Path,
    plugins: Any,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("autotl.runs.patient_storage.PATIENCE_SECONDS", 3.0)
    address = server.address(server.new_database())
    config = Config(
        data=shapes, run=tmp_path / "run", budget_seconds=None, trials=4, strategy="probe", heads=("logistic", "knn"),
        storage=address,
    )  # fmt: skip
    known: list[stores.Trials] = []

    def stop() -> None:
        known.append(stores.read_trials(config.run, address))
        server.stop()

    with pytest.raises(MachineError, match=r"the storage .* has gone away.*carry on with `autotl resume") as raised:
        fit(config, plugins=plugins, settings=settings, listeners=(AtPhase("trial", stop, after=3),))
    assert "127.0.0.1" in str(raised.value)
    server.start()
    run = resume(config.run, plugins=plugins, settings=settings, storage=address)
    assert run.result().status == "complete"
    after = stores.read_trials(config.run, address)
    assert known[0].complete
    assert known[0].complete.items() <= after.complete.items()
    assert {cause for cause, _ in after.failed.values()} <= {"lost"}
