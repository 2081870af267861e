"""Records every study in MLflow: a run per study, a child run per trial, the champion as a logged model.

It works beside the search, in a thread of its own, and never stops it: a store that cannot be reached is reported
once, tried again when the search ends, and otherwise left alone.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, cast

from autotl.hookspecs import hookimpl
from autotl.interfaces import ModelStore
from autotl.runtime.atomic_files import write_atomically
from autotl_plugins.mlflow_store.address import resolve_address, without_password
from autotl_plugins.mlflow_store.client import connect, first_line, is_refusal
from autotl_plugins.mlflow_store.logged_models import log_model, open_experiment
from autotl_plugins.mlflow_store.records import log_batch
from autotl_plugins.trackers.system_metrics import MetricsSampler

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from autotl.runs.result import RunResult
    from autotl.runs.run import Run
    from autotl.trial import TrialRecord

DRAIN_SECONDS = 60
"""How long the end of a search waits for what is still to be recorded."""

EVIDENCE = ("report.html", "leaderboard.csv", "run.json", "champion/model_card.md")
_CHAMPION_TAGS = ("trial", "strategy", "backbone", "head")
_STATUS = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED", "interrupted": "KILLED"}

_log = logging.getLogger("autotl.mlflow")
_recorders: dict[Path, _Recorder] = {}


@hookimpl
def on_search_begin(run: Run) -> None:
    """Start recording."""
    recorder = _recorders[run.folder.absolute()] = _Recorder(run)
    recorder.start()


@hookimpl
def on_trial_end(run: Run, trial: TrialRecord) -> None:
    """Record a trial, later."""
    if recorder := _recorders.get(run.folder.absolute()):
        recorder.put(lambda: recorder.record_trial(trial))


@hookimpl
def on_search_end(run: Run) -> None:
    """Record the champion, and wait until everything is recorded."""
    if recorder := _recorders.pop(run.folder.absolute(), None):
        result = run.result()
        status = run.state()["status"]  # of this attempt: the result may be that of one before
        recorder.finish(result, result.status if result and status == "running" else status)


@dataclass
class _Recorder:
    """One study's way into MLflow: the hooks put steps into a queue, the thread takes them in order.

    experiment_id, run_id, model_uri: of the study in MLflow, each empty until it is there.
    """

    run: Run
    experiment_id: str = ""
    run_id: str = ""
    model_uri: str = ""
    children: dict[int, str] = field(default_factory=dict)  # trial number -> id of its run

    def __post_init__(self) -> None:
        self.folder = self.run.folder.absolute()
        self.store = ModelStore(self.run.config.tracking_uri, (self.folder.parent,))
        self.uri = resolve_address(self.store)
        self.shown = without_password(self.uri)
        self.client: MlflowClient
        self.sampler = MetricsSampler(family=self.run.config.workers > 1)
        self._queue: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="autotl-mlflow", daemon=True)
        self._last: Callable[[], None] | None = None
        self._down = False

    def start(self) -> None:
        self.put(self.begin)
        self.sampler.start()
        self._thread.start()

    def put(self, step: Callable[[], None]) -> None:
        self._queue.put(step)

    def finish(self, result: RunResult | None, status: str) -> None:
        self.sampler.stop()
        was_down = self._down
        self._last = lambda: self.end(result, status)
        self.put(self._last)
        # A store that was away may be back: one attempt, without a long wait.
        self._thread.join(DRAIN_SECONDS / 6 if was_down else DRAIN_SECONDS)
        if self._thread.is_alive() and not self._down:
            _log.warning("MLflow at %s is slow: the search ended before everything was recorded", self.shown)
        if self.run_id or not self._note_file.exists():
            self._write_note()

    def _work(self) -> None:
        # MLflow takes seconds of a core to import, for which the first model should not have to wait: the first step
        # is taken when there is a second.
        pending = deque([self._queue.get()])
        while True:
            pending.append(step := self._queue.get())
            if not self._down or step is self._last:
                self._deliver(pending)
            if step is self._last:
                return

    def _deliver(self, pending: deque[Callable[[], None]]) -> None:
        """Take steps off the left until none is left, or until the store cannot be used."""
        while pending:
            try:
                pending[0]()
            except Exception as error:  # whatever happens here must not reach the search
                if not (self.run_id and is_refusal(error)):
                    if not self._down:
                        message = "MLflow at %s cannot be used; the search goes on without it (%s)"
                        _log.warning(message, self.shown, first_line(error))
                    self._down = True
                    return
                _log.warning("MLflow at %s refused a record: %s", self.shown, first_line(error))
            pending.popleft()
            self._down = False

    def begin(self) -> None:
        """Create the study's run, or take up the one a killed process left behind."""
        config, client = self.run.config, connect(self.uri)
        self.client = client
        self.experiment_id = open_experiment(client, self.store)
        if former := self._former_run():
            client.update_run(former, status="RUNNING")
            self.children = _children(client, self.experiment_id, former)
            self.run_id = former
            return
        tags = {"mlflow.source.name": "autotl", "fingerprint": self.run.fingerprint, "folder": str(self.folder)}
        created = client.create_run(self.experiment_id, run_name=self.run.name, tags=tags)
        names = ("objective", "strategy", "budget_seconds", "trials", "seed", "workers", "data")
        log_batch(client, created.info.run_id, params={name: getattr(config, name) for name in names})
        self.run_id = created.info.run_id
        self._write_note()

    def _former_run(self) -> str | None:
        from mlflow.exceptions import MlflowException

        note = json.loads(self._note_file.read_text(encoding="utf-8")) if self._note_file.exists() else {}
        if note.get("tracking_uri") != self.shown or not note.get("run_id"):
            return None
        try:
            info = self.client.get_run(note["run_id"]).info
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
        """Write the champion's evidence and log the deployable as a model, which the registry may then name."""
        client, run_id, config = self.client, self.run_id, self.run.config
        if result:
            tags = {f"champion.{name}": getattr(result.champion, name) for name in _CHAMPION_TAGS}
            log_batch(client, run_id, metrics={**_scores(result), "seconds": result.seconds}, tags=tags)
        for name in EVIDENCE:
            if (self.folder / name).exists():
                client.log_artifact(run_id, str(self.folder / name))
        deployable = self.folder / "champion"
        # Without a result the model in the folder is the first, untested one.
        if result and (deployable / "MLmodel").exists():
            score = result.test[result.objective]
            facts = {"fingerprint": self.run.fingerprint, "objective": config.objective}
            if score.is_defined:
                facts["objective_value"] = f"{score.value:.6g}"
            choices = result.champion.to_json()
            params = {name: str(value) for name, value in choices.items() if value and name != "params"}
            logged = log_model(client, self.experiment_id, run_id, deployable, params=params, tags=facts)
            self.model_uri = f"models:/{logged.model_id}"
        client.set_terminated(run_id, _STATUS.get(status, "FINISHED"))
        self._write_note()

    @property
    def _note_file(self) -> Path:
        return self.folder / "tracking.json"

    def _write_note(self) -> None:
        note = {
            "tracking_uri": self.shown, "experiment_id": self.experiment_id or None, "run_id": self.run_id or None,
            "model_uri": self.model_uri or None, "registered": None,
        }  # fmt: skip
        write_atomically(self._note_file, json.dumps(note, indent=2).encode())


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
