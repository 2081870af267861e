"""One study in MLflow: its run, a child run per trial, its evidence, and the champion as a logged model."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from autotl.interfaces import ModelStore
from autotl.runs.target_folders import store_folder
from autotl.runtime.atomic_files import write_atomically
from autotl_plugins.mlflow_store.address import resolve_address, store_address
from autotl_plugins.mlflow_store.client import connect, first_line, is_refusal
from autotl_plugins.mlflow_store.logged_models import log_model, open_experiment
from autotl_plugins.mlflow_store.records import log_batch
from autotl_plugins.trackers.system_metrics import MetricsSampler

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from autotl.runs.result import RunResult
    from autotl.runs.run import Run
    from autotl.trial import TrialRecord

EVIDENCE = ("report.html", "leaderboard.csv", "run.json", "champion/model_card.md")
_CHAMPION_TAGS = ("trial", "strategy", "backbone", "head")
_STATUS = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED", "interrupted": "KILLED"}

_log = logging.getLogger("autotl.mlflow")


@dataclass
class StudyRecord:
    """A study as MLflow holds it; every step may be taken again, and completes what it began.

    experiment_id, run_id, model_uri: of the study in MLflow, each empty until it is there.
    """

    run: Run
    sampler: MetricsSampler
    experiment_id: str = ""
    run_id: str = ""
    model_uri: str = ""
    children: dict[int, str] = field(default_factory=dict)  # trial number -> id of its run

    def __post_init__(self) -> None:
        self.folder = self.run.folder.absolute()
        self.store = ModelStore(self.run.config.tracking_uri, (store_folder(self.folder),))
        self.shown = store_address(self.store)
        self.client: MlflowClient

    @property
    def note_file(self) -> Path:
        """What the run folder holds about its record."""
        return self.folder / "tracking.json"

    def note(self) -> dict[str, object]:
        """What is noted of this study in this store; empty where nothing is."""
        try:
            found = json.loads(self.note_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) and found.get("tracking_uri") == self.shown else {}

    def write_note(self, problem: str = "") -> None:
        """Note where the study is recorded, and why it is not, or not all of it."""
        note = {
            "tracking_uri": self.shown, "experiment_id": self.experiment_id or None, "run_id": self.run_id or None,
            "model_uri": self.model_uri or None, "registered": None, "problem": problem or None,
        }  # fmt: skip
        write_atomically(self.note_file, json.dumps(note, indent=2).encode())

    def begin(self) -> None:
        """Create the study's run, or take up the one a killed process left behind."""
        config, client = self.run.config, connect(resolve_address(self.store))
        self.client = client
        self.experiment_id = open_experiment(client, self.store)
        if former := self._former_run():
            client.update_run(former, status="RUNNING")
            self.children = _children(client, self.experiment_id, former)
            self.run_id = former
            return
        tags = {"mlflow.source.name": "autotl", "fingerprint": self.run.fingerprint, "folder": str(self.folder)}
        created = client.create_run(
            self.experiment_id, run_name=self.folder.relative_to(store_folder(self.folder)).as_posix(), tags=tags
        )
        names = ("objective", "strategy", "budget_seconds", "trials", "seed", "workers", "data")
        log_batch(client, created.info.run_id, params={name: getattr(config, name) for name in names})
        self.run_id = created.info.run_id
        self.write_note()

    def _former_run(self) -> str | None:
        from mlflow.exceptions import MlflowException

        run_id = self.note().get("run_id")
        if not run_id:
            return None
        try:
            info = self.client.get_run(str(run_id)).info
        except MlflowException as error:
            if is_refusal(error):  # somebody removed it
                return None
            raise
        return str(info.run_id) if info.lifecycle_stage == "active" else None

    def record_trial(self, trial: TrialRecord) -> None:
        """Write a trial as a child run; a second call completes what a first one began."""
        if trial.number not in self.children:
            tags = {
                "mlflow.parentRunId": self.run_id,
                "mlflow.source.name": "autotl",
                "trial": str(trial.number),
                "state": trial.state,
                "reason": trial.reason[:5000],
                "device": trial.device,
            }
            created = self.client.create_run(
                self.experiment_id,
                start_time=round(trial.started * 1000),
                run_name=f"trial {trial.number}",
                tags={name: value for name, value in tags.items() if value},
            )
            self.children[trial.number] = created.info.run_id
        child = self.children[trial.number]
        choices = ("strategy", "backbone", "size", "stage", "pooling", "head")
        plain = trial.to_json()
        own = cast(Mapping[str, object], plain["params"])
        params = {**{name: plain[name] for name in choices}, **own, **trial.training}
        name = self.run.config.objective
        score = {name: trial.score.value, f"{name}_low": trial.score.low, f"{name}_high": trial.score.high}
        used = self.sampler.window(trial.started, trial.seconds)
        metrics = {**trial.scores, **score, "seconds": trial.seconds, **used}
        log_batch(self.client, child, params=params, metrics=metrics)
        self.client.set_terminated(child, _STATUS[trial.state], round((trial.started + trial.seconds) * 1000))
        # On the parent too, so that its page shows how the search went.
        log_batch(self.client, self.run_id, metrics={f"trial/{name}": trial.score.value}, step=trial.number)

    def end(self, result: RunResult | None, status: str) -> None:
        """Write the champion's evidence and log the deployable as a model, which the registry may then name.

        What MLflow refuses of it is named and left out; the rest is done all the same.
        """
        for step in self._closing_steps(result):
            try:
                step()
            except Exception as error:
                if not is_refusal(error):
                    raise
                _log.warning("MLflow at %s refused a record: %s", self.shown, first_line(error))
        self.client.set_terminated(self.run_id, _STATUS.get(status, "FINISHED"))
        self.write_note()

    def _closing_steps(self, result: RunResult | None) -> Iterator[Callable[[], object]]:
        if result:
            yield lambda: self._record_result(result)
        for file in (self.folder / name for name in EVIDENCE):
            if file.exists():
                yield lambda file=file: self.client.log_artifact(self.run_id, str(file))  # type: ignore[misc]
        # Without a result the model in the folder is the first, untested one.
        if result and (self.folder / "champion" / "MLmodel").exists():
            yield lambda: self._log_champion(result)

    def _record_result(self, result: RunResult) -> None:
        tags = {f"champion.{name}": getattr(result.champion, name) for name in _CHAMPION_TAGS}
        log_batch(
            self.client,
            self.run_id,
            metrics={**_scores(result), "seconds": result.seconds, "n_trials": result.n_trials},
            tags=tags,
        )

    def _log_champion(self, result: RunResult) -> None:
        score = result.test[result.objective]
        facts = {"fingerprint": self.run.fingerprint, "objective": self.run.config.objective}
        if score.is_defined:
            facts["objective_value"] = f"{score.value:.6g}"
        choices = result.champion.to_json()
        params = {name: str(value) for name, value in choices.items() if value and name != "params"}
        deployable = self.folder / "champion"
        logged = log_model(self.client, self.experiment_id, self.run_id, deployable, params=params, tags=facts)
        self.model_uri = f"models:/{logged.model_id}"


def _scores(result: RunResult) -> dict[str, float]:
    """Every number of every score, by the part it was measured on."""
    parts = {"search": result.search, "test": result.test, "default": result.default_test}
    return {
        f"{part}/{name}{suffix}": number
        for part, scores in parts.items()
        for name, score in scores.items()
        for number, suffix in ((score.value, ""), (score.low, "_low"), (score.high, "_high"))
    }


def _children(client: MlflowClient, experiment: str, parent: str) -> dict[int, str]:
    found = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{parent}'", max_results=50_000)
    return {int(child.data.tags["trial"]): child.info.run_id for child in found if "trial" in child.data.tags}
