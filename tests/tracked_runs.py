"""Runs as a tracker sees them, and what MLflow has of them afterwards."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from small_models import write_small_model

from autotl.interfaces import ScoreInterval
from autotl.trial import Reading, TrialRecord
from autotl_plugins.trackers import mlflow as tracker


@dataclass
class FakeRun:
    """What the watcher uses of a run."""

    folder: Path
    config: SimpleNamespace
    fingerprint: str = "f00d"
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.folder.name

    def document(self) -> dict[str, Any]:
        return self.result

    def state(self) -> dict[str, Any]:
        return {"status": "done"}


def new_run(folder: Path, *, seed: int = 0, **options: Any) -> FakeRun:
    """A finished run's folder, not yet tracked."""
    folder.mkdir(parents=True)
    for evidence in ("report.html", "leaderboard.csv", "run.json"):
        (folder / evidence).write_text(evidence)
    score = {"balanced_accuracy": {"value": 0.9, "low": 0.8, "high": 0.95}, "recall/Öl & tar": None}
    scores = {name: value for name, value in score.items() if value} | {"bad": {"value": float("nan")}}
    metadata = {"fingerprint": "f00d", "objective": "balanced_accuracy", "test": score}
    write_small_model(folder / "champion", seed=seed, metadata=metadata)
    result = {
        "seconds": 12.5,
        "champion": {"trial": 1, "strategy": "probe", "backbone": "lite0", "head": "svm", "params": {"C": 1.0}},
        "search": scores,
        "test": scores,
        "default": {"test": scores},
    }
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
    return FakeRun(folder, SimpleNamespace(**{**config, **options}), result=result)


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
