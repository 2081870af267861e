"""A clock that is put right, or wrong, in the middle of a run: the budget and all durations go by another one."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Any

import pytest

from autotl.runs.config import Config
from autotl.search.optuna_study import read_records
from autotl.settings import Settings
from autotl.workflows.fit import fit


@pytest.mark.heavy
def test_a_clock_that_jumps_by_hours_neither_ends_a_run_nor_makes_durations_of_them(
    shapes: Path, plugins: Any, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    true, jumps = time.time, itertools.cycle((0, 7200, -7200, 3600))
    monkeypatch.setattr(time, "time", lambda: true() + next(jumps))
    config = Config(
        data=shapes, run=tmp_path / "run", budget_seconds=120.0, trials=3, strategy="auto", heads=("logistic", "dense")
    )  # fmt: skip
    began = time.monotonic()
    run = fit(config, plugins=plugins, settings=settings)
    spent = time.monotonic() - began
    result = run.result()
    assert (result.status, result.ended) == ("complete", "all 3 trials are done")
    assert 0 <= result.seconds <= spent
    assert all(0 <= trial.seconds <= spent for trial in read_records(run))
    assert abs(min(trial.started for trial in read_records(run)) - true()) < 600
