"""Runs as a tracker sees them, and what MLflow has of them afterwards."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from small_models import write_small_model

from autotl.interfaces import UNDEFINED, ScoreInterval
from autotl.runs.result import RunResult
from autotl.runs.summaries import ChampionSummary
from autotl.runs.verdicts import DefaultVerdict, FineTuningVerdict
from autotl.trial import Reading, TrialRecord
from autotl_plugins.trackers import mlflow as tracker


@dataclass
class FakeRun:
    """What the watcher uses of a run."""

    folder: Path
    config: SimpleNamespace
    fingerprint: str = "f00d"
    found: RunResult | None = None

    @property
    def name(self) -> str:
        return self.folder.name

    def result(self) -> RunResult | None:
        return self.found

    def state(self) -> dict[str, Any]:
        return {"status": "done"}


def new_run(folder: Path, *, seed: int = 0, **options: Any) -> FakeRun:
    """A finished run's folder, not yet tracked."""
    folder.mkdir(parents=True)
    for evidence in ("report.html", "leaderboard.csv", "run.json"):
        (folder / evidence).write_text(evidence)
    scores = {"balanced_accuracy": ScoreInterval(0.9, 0.8, 0.95), "bad": UNDEFINED}
    test = {"balanced_accuracy": scores["balanced_accuracy"].to_json(), "recall/Öl & tar": None}
    metadata = {"fingerprint": "f00d", "objective": "balanced_accuracy", "test": test}
    write_small_model(folder / "champion", seed=seed, metadata=metadata)
    result = RunResult(
        run=str(folder), status="complete", objective="balanced_accuracy",
        champion=ChampionSummary(1, "probe", "lite0", "224x224", "svm", params={"C": 1.0}),
        search=scores, measured_on="cross-validation", test=scores, default_trial=1, default_test=scores,
        fine_tuning=FineTuningVerdict("not tried"), over_default=DefaultVerdict("no difference"), ended="",
        expected_gain=None, n_trials=1, n_items={}, n_unused=0, fingerprint="f00d", passed_over=(), deployable="",
        leaderboard="", report="", seconds=12.5,
    )  # fmt: skip
    config = {
        "tracking_uri": None,
        "register": None,
        "seed": 0,
        "budget_seconds": 600.0,
        "trials": None,
        "objective": "balanced_accuracy",
        "strategy": "auto",
        "data": Path("photos"),
        "workers": 1,
    }
    return FakeRun(folder, SimpleNamespace(**{**config, **options}), found=result)


def a_trial(number: int, **changes: Any) -> TrialRecord:
    fields = {
        "number": number,
        "state": "complete",
        "strategy": "probe",
        "reading": Reading("lite0", (224, 224), "top", "avg"),
        "head": "svm",
        "params": {"svm/C": 0.5, "odd & name": "x" * 9000},
        "score": ScoreInterval(0.8, 0.7, 0.9),
        "started": time.time() - 2,
        "seconds": 2.0,
        "device": "CPU: something",
    }
    return TrialRecord(**{**fields, **changes})


def study(run: FakeRun, *trials: TrialRecord, pause_seconds: float = 0) -> dict[str, Any]:
    tracker.on_search_begin(run)
    time.sleep(pause_seconds)
    for trial in trials:
        tracker.on_trial_end(run, trial)
    tracker.on_search_end(run)
    return json.loads((run.folder / "tracking.json").read_text())


def client_of(note: dict[str, Any]) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=note["tracking_uri"])


def children(note: dict[str, Any]) -> list[Any]:
    condition = f"tags.`mlflow.parentRunId` = '{note['run_id']}'"
    found = client_of(note).search_runs([note["experiment_id"]], condition)
    return sorted(found, key=lambda run: int(run.data.tags["trial"]))


def wait_until(holds: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
