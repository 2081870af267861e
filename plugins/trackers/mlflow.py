"""Records every study in MLflow: a run per study, a child run per trial, the champion as a registered model.

It works beside the search, in a thread of its own, and never stops it: a store that cannot be reached is reported
once, tried again when the search ends, and otherwise left alone.
"""

from __future__ import annotations

import json
import logging
import math
import os
import re
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from autotl.errors import ConfigError, RunError
from autotl.runtime.atomic_files import write_atomically
from autotl.hookspecs import hookimpl
from autotl.interfaces import TrialRecord
from autotl.deploy.versions import CHAMPION, PREVIOUS, AliasChange, ModelVersion, RegisteredModel, essence, evidence_of

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel

    from autotl.runs.run import Run

EXPERIMENT = "autotl"
EVIDENCE_TAG = "evidence"
"""On a version: the essence of its metadata.json, so that a list of versions opens no model."""
DRAIN_SECONDS = 60
"""How long the end of a search waits for what is still to be recorded."""

EVIDENCE = ("report.html", "leaderboard.csv", "run.json", "champion/model_card.md")
_MANNERS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # standard output belongs to `--json`
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",  # seconds; MLflow's own settings try for minutes
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
}
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
        recorder.finish(run.document(), run.document().get("status") or run.state()["status"])


def register_deployable(folder: Path, name: str, tracking_uri: str | None, default_store: Path) -> dict[str, Any]:
    """Register a deployable and move the alias `champion` to it; returns its name, version and alias.

    default_store: the folder that holds mlflow.db where no address is given. Raises ConfigError.
    """
    note_file = folder.parent / "tracking.json"
    note = json.loads(note_file.read_text(encoding="utf-8")) if note_file.exists() else {}
    uri = _address(tracking_uri, default_store)
    try:
        client = _connect(uri)
        metadata = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
        tags = {"fingerprint": str(metadata.get("fingerprint", "unknown"))}
        logged = None
        if note.get("tracking_uri") == _without_password(uri) and note.get("model_uri"):
            logged = client.get_logged_model(note["model_uri"].removeprefix("models:/"))
        if logged is None or logged.tags.get("model_uuid") != _model_uuid(folder):
            experiment = _experiment(client, uri, default_store)
            run_id = client.create_run(experiment, run_name=f"register {name}").info.run_id
            logged = _log_model(client, experiment, run_id, folder, params={}, tags=tags)
            client.set_terminated(run_id)
        registered = _register(client, uri, name, logged, {**tags, EVIDENCE_TAG: _evidence(folder)})
    except Exception as error:
        message = f"{folder} was not registered as {name} in the MLflow store {uri}: {error}"
        raise ConfigError(_without_password(message)) from error
    if note:
        write_atomically(note_file, json.dumps({**note, "registered": registered}, indent=2).encode())
    return registered


def fetch_model(uri: str, tracking_uri: str | None, default_store: Path) -> Path:
    """The folder of a registered model: `models:/NAME@ALIAS`, `models:/NAME/VERSION` or `models:/MODEL-ID`.

    A store on this machine gives the folder itself, a server a temporary copy. Raises RunError.
    """
    match = re.fullmatch(r"models:/([^@/]+)(?:@([^/]+)|/(\d+))?", uri)
    if not match:
        raise RunError(f"{uri} is no model address; expected models:/NAME@ALIAS or models:/NAME/VERSION.")
    name, alias, version = match.groups()
    store = _address(tracking_uri, default_store)
    if (database := _sqlite_file(store)) and not database.exists():  # asking must not create it
        raise RunError(f"{uri} cannot be had: there is no MLflow store at {database}. Name it by --tracking-uri.")
    try:
        client = _connect(store)
        from mlflow.artifacts import download_artifacts

        if alias:
            version = client.get_model_version_by_alias(name, alias).version
        if version:
            source = client.get_model_version_download_uri(name, version)
        else:
            source = client.get_logged_model(name).artifact_location
        return Path(download_artifacts(artifact_uri=source, tracking_uri=store))
    except Exception as error:
        raise RunError(_without_password(f"{uri} cannot be had from the MLflow store {store}: {error}")) from error


def store_address(tracking_uri: str | None, default_store: Path) -> str:
    """The address, as anybody may see it, of the store that is used where this one, or none, is given."""
    return _without_password(_address(tracking_uri, default_store))


def list_models(tracking_uri: str | None, default_store: Path) -> tuple[RegisteredModel, ...]:
    """Every registered model, the latest first; none where there is no store yet. Raises ConfigError."""
    if (client := _existing(tracking_uri, default_store)) is None:
        return ()
    try:
        models = _all_pages(lambda token: client.search_registered_models(max_results=100, page_token=token))
        found = _all_pages(lambda token: client.search_model_versions(max_results=1000, page_token=token))
    except Exception as error:
        raise _unusable(tracking_uri, default_store, error) from error
    versions: dict[str, list[ModelVersion]] = {model.name: [] for model in models}
    for version in sorted(found, key=lambda version: -int(version.version)):
        if version.name in versions:
            model = next(model for model in models if model.name == version.name)
            aliases = (alias for alias, number in model.aliases.items() if int(number) == int(version.version))
            versions[version.name].append(_read_version(client, version, tuple(sorted(aliases))))
    listed = [RegisteredModel(name, tuple(own)) for name, own in versions.items()]
    return tuple(sorted(listed, key=lambda model: -max((v.created for v in model.versions), default=0)))


def promote(
    name: str, version: int, tracking_uri: str | None, default_store: Path, *, expected: AliasChange | None = None
) -> AliasChange:
    """Move the alias `champion` to a version; the one before keeps the alias `previous`. Raises ConfigError."""
    with _registered(name, tracking_uri, default_store) as (client, aliases):
        _require_version(client, name, version)
        former = aliases.get(CHAMPION)
        change = AliasChange(name, CHAMPION, version, former)
        _require_expected(change, expected)
        if former != version:
            # In this order: if only the first is done, nothing has changed for whoever loads the champion.
            if former is not None:
                client.set_registered_model_alias(name, PREVIOUS, str(former))
            client.set_registered_model_alias(name, CHAMPION, str(version))
        return change


def roll_back(
    name: str, tracking_uri: str | None, default_store: Path, *, expected: AliasChange | None = None
) -> AliasChange:
    """Let champion and previous change places; raises ConfigError where there is no previous champion."""
    with _registered(name, tracking_uri, default_store) as (client, aliases):
        previous, former = aliases.get(PREVIOUS), aliases.get(CHAMPION)
        if previous is None:
            raise ConfigError(
                f"{name} has no version with the alias {PREVIOUS!r}, so there is nothing to go back to; "
                f"name a version: `autotl promote {name!r} VERSION`"
            )
        change = AliasChange(name, CHAMPION, previous, former)
        _require_expected(change, expected)
        client.set_registered_model_alias(name, CHAMPION, str(previous))
        if former is None:
            client.delete_registered_model_alias(name, PREVIOUS)
        else:
            client.set_registered_model_alias(name, PREVIOUS, str(former))
        return change


def set_alias(name: str, alias: str, version: int | None, tracking_uri: str | None, default_store: Path) -> AliasChange:
    """Give a version an alias, or take the alias away (version None). Raises ConfigError."""
    with _registered(name, tracking_uri, default_store) as (client, aliases):
        if version is None:
            client.delete_registered_model_alias(name, alias)
        else:
            _require_version(client, name, version)
            client.set_registered_model_alias(name, alias, str(version))
        return AliasChange(name, alias, version, aliases.get(alias))


def _existing(tracking_uri: str | None, default_store: Path) -> MlflowClient | None:
    """A client of the store, None where there is none yet: asking must not create it."""
    uri = _address(tracking_uri, default_store)
    if (database := _sqlite_file(uri)) and not database.exists():
        return None
    try:
        if database and not _is_sqlite(database):  # MLflow would try it for seconds
            raise ValueError("the file is damaged, or no SQLite database at all")
        return _connect(uri)
    except Exception as error:
        raise _unusable(tracking_uri, default_store, error) from error


@contextmanager
def _registered(
    name: str, tracking_uri: str | None, default_store: Path
) -> Iterator[tuple[MlflowClient, dict[str, int]]]:
    """A client and a model's aliases, held for a change: nobody else on this machine changes them meanwhile."""
    from filelock import FileLock

    uri = _address(tracking_uri, default_store)
    client = _existing(tracking_uri, default_store)
    if client is None:
        raise ConfigError(f"there is no MLflow store at {_sqlite_file(uri)}; register a run first")
    database = _sqlite_file(uri)
    try:
        with FileLock(f"{database}.lock", timeout=60) if database else nullcontext():
            found = client.get_registered_model(name).aliases
            yield client, {alias: int(number) for alias, number in found.items()}
    except ConfigError:
        raise
    except Exception as error:
        if _is_missing(error):
            shown = _without_password(uri)
            raise ConfigError(
                f"there is no registered model {name!r} in {shown}; `autotl models` lists them"
            ) from error
        raise _unusable(tracking_uri, default_store, error) from error


def _require_version(client: MlflowClient, name: str, version: int) -> None:
    try:
        client.get_model_version(name, str(version))
    except Exception as error:
        if not _is_missing(error):
            raise
        raise ConfigError(f"{name} has no version {version}; `autotl models` lists its versions") from error


def _require_expected(change: AliasChange, expected: AliasChange | None) -> None:
    if expected is not None and expected != change:
        raise ConfigError(
            f"the aliases of {change.name} have been moved meanwhile: its champion would change {_from_to(change)}, "
            f"not {_from_to(expected)}. Look at it as it is now, and decide anew"
        )


def _from_to(change: AliasChange) -> str:
    former = "no version" if change.former is None else f"version {change.former}"
    return f"from {former} to version {change.version}"


def _is_missing(error: Exception) -> bool:
    from mlflow.exceptions import MlflowException

    return isinstance(error, MlflowException) and error.error_code == "RESOURCE_DOES_NOT_EXIST"


def _unusable(tracking_uri: str | None, default_store: Path, error: Exception) -> ConfigError:
    store = store_address(tracking_uri, default_store)
    return ConfigError(f"the MLflow store {store} cannot be used: {_first_line(error)}")


def _all_pages(search: Callable[[str | None], Any]) -> list[Any]:
    found: list[Any] = []
    token = None
    while True:
        page = search(token)
        found += page
        token = page.token
        if not token:
            return found


def _read_version(client: MlflowClient, version: Any, aliases: tuple[str, ...]) -> ModelVersion:
    folder = _local_folder(client, version)
    try:
        if EVIDENCE_TAG in version.tags:
            metadata = json.loads(version.tags[EVIDENCE_TAG])
        else:  # registered by an AutoTL that did not write it down
            metadata = json.loads((folder / "metadata.json").read_text(encoding="utf-8")) if folder else {}
    except (OSError, ValueError):
        metadata = {}
    return ModelVersion(
        name=version.name,
        version=int(version.version),
        created=version.creation_timestamp / 1000,
        aliases=aliases,
        evidence=evidence_of(metadata),
        folder=folder,
    )


def _local_folder(client: MlflowClient, version: Any) -> Path | None:
    """Where a version's deployable lies on this machine."""
    source = str(version.source or "")
    if source.startswith("models:/"):
        try:
            source = str(client.get_logged_model(source.removeprefix("models:/")).artifact_location)
        except Exception:  # removed, or its server is away: there is just no folder to offer
            return None
    from urllib.request import url2pathname  # brings HTTP and TLS along

    parts = urlsplit(source)
    if parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost"):
        return None
    folder = Path(url2pathname(parts.path) if parts.scheme else source)
    return folder if (folder / "metadata.json").is_file() else None


@dataclass
class _Recorder:
    """One study's way into MLflow: the hooks put steps into a queue, the thread takes them in order."""

    run: Run
    note: dict[str, Any] = field(init=False)  # what tracking.json will say
    children: dict[int, str] = field(default_factory=dict)  # trial number -> id of its run

    def __post_init__(self) -> None:
        self.folder = self.run.folder.absolute()
        self.uri = _address(self.run.config.tracking_uri, self.folder.parent)
        empty = dict.fromkeys(("experiment_id", "run_id", "model_uri", "registered"))
        self.shown = _without_password(self.uri)
        self.note = {"tracking_uri": self.shown, **empty}
        self.client: MlflowClient
        self.sampler = _Sampler(family=self.run.config.workers > 1)
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

    def finish(self, document: Mapping[str, Any], status: str) -> None:
        self.sampler.stop()
        was_down = self._down
        self._last = lambda: self.end(document, status)
        self.put(self._last)
        # A store that was away may be back: one attempt, but nobody waits a minute for it.
        self._thread.join(DRAIN_SECONDS / 6 if was_down else DRAIN_SECONDS)
        if self._thread.is_alive() and not self._down:
            _log.warning("MLflow at %s is slow: the search ended before everything was recorded", self.shown)
        if self.note["run_id"] or not self._note_file.exists():
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
                if not (self.note["run_id"] and _is_refusal(error)):
                    if not self._down:
                        message = "MLflow at %s cannot be used; the search goes on without it (%s)"
                        _log.warning(message, self.shown, _first_line(error))
                    self._down = True
                    return
                _log.warning("MLflow at %s refused a record: %s", self.shown, _first_line(error))
            pending.popleft()
            self._down = False

    def begin(self) -> None:
        """Create the study's run, or take up the one a killed process left behind."""
        config, client = self.run.config, _connect(self.uri)
        self.client = client
        self.note["experiment_id"] = _experiment(client, self.uri, self.folder.parent)
        if former := self._former_run():
            client.update_run(former, status="RUNNING")
            self.children = _children(client, self.note["experiment_id"], former)
            self.note["run_id"] = former
            return
        tags = {"mlflow.source.name": "autotl", "fingerprint": self.run.fingerprint, "folder": str(self.folder)}
        created = client.create_run(self.note["experiment_id"], run_name=self.run.name, tags=tags)
        names = ("objective", "strategy", "budget_seconds", "trials", "seed", "workers", "data")
        _log_batch(client, created.info.run_id, params={name: getattr(config, name) for name in names})
        self.note["run_id"] = created.info.run_id
        self._write_note()

    def _former_run(self) -> str | None:
        from mlflow.exceptions import MlflowException

        note = json.loads(self._note_file.read_text(encoding="utf-8")) if self._note_file.exists() else {}
        if note.get("tracking_uri") != self.shown or not note.get("run_id"):
            return None
        try:
            info = self.client.get_run(note["run_id"]).info
        except MlflowException as error:
            if _is_refusal(error):  # somebody removed it
                return None
            raise
        return str(info.run_id) if info.lifecycle_stage == "active" else None

    def record_trial(self, trial: TrialRecord) -> None:
        """Write a trial as a child run; a second call completes what a first one began."""
        if trial.number not in self.children:
            tags = {
                "mlflow.parentRunId": self.note["run_id"],
                "mlflow.source.name": "autotl",
                "trial": str(trial.number),
                "state": trial.state,
                "reason": trial.reason[:5000],
                "device": trial.device,
            }
            created = self.client.create_run(
                self.note["experiment_id"],
                start_time=round(trial.started * 1000),
                run_name=f"trial {trial.number}",
                tags={name: value for name, value in tags.items() if value},
            )
            self.children[trial.number] = created.info.run_id
        child = self.children[trial.number]
        choices = ("strategy", "backbone", "size", "stage", "pooling", "head")
        params = {name: getattr(trial, name) for name in choices} | dict(trial.params) | dict(trial.training)
        name = self.run.config.objective
        score = {name: trial.value, f"{name}_low": trial.low, f"{name}_high": trial.high}
        used = self.sampler.window(trial.started, trial.seconds)
        metrics = {**trial.scores, **score, "seconds": trial.seconds, **used}
        _log_batch(self.client, child, params=params, metrics=metrics)
        self.client.set_terminated(child, _STATUS[trial.state], round((trial.started + trial.seconds) * 1000))
        # On the parent too, so that its page shows how the search went.
        _log_batch(self.client, self.note["run_id"], metrics={f"trial/{name}": trial.value}, step=trial.number)

    def end(self, document: Mapping[str, Any], status: str) -> None:
        """Write the champion's evidence, log the deployable as a model and register it."""
        client, run_id, config = self.client, self.note["run_id"], self.run.config
        scores = {
            f"{part}/{name}{suffix}": score.get(key)
            for part, found in (
                ("search", document.get("search")),
                ("test", document.get("test")),
                ("default", (document.get("default") or {}).get("test")),
            )
            for name, score in (found or {}).items()
            for key, suffix in (("value", ""), ("low", "_low"), ("high", "_high"))
        }
        champion = document.get("champion") or {}
        chosen = ("trial", "strategy", "backbone", "head")
        tags = {f"champion.{name}": champion[name] for name in chosen if champion.get(name) is not None}
        _log_batch(client, run_id, metrics={**scores, "seconds": document.get("seconds")}, tags=tags)
        for name in EVIDENCE:
            if (self.folder / name).exists():
                client.log_artifact(run_id, str(self.folder / name))
        deployable = self.folder / "champion"
        # Without a result the model in the folder is the first, untested one.
        if document and (deployable / "MLmodel").exists():
            score = (document.get("test") or {}).get(config.objective) or {}
            facts = {"fingerprint": self.run.fingerprint, "objective": config.objective}
            if score.get("value") is not None:
                facts["objective_value"] = f"{score['value']:.6g}"
            params = {name: str(value) for name, value in champion.items() if value and name != "params"}
            logged = _log_model(client, self.note["experiment_id"], run_id, deployable, params=params, tags=facts)
            self.note["model_uri"] = f"models:/{logged.model_id}"
            if config.register:
                facts |= {EVIDENCE_TAG: _evidence(deployable)}
                self.note["registered"] = _register(client, self.uri, config.register, logged, facts)
        client.set_terminated(run_id, _STATUS.get(status, "FINISHED"))
        self._write_note()

    @property
    def _note_file(self) -> Path:
        return self.folder / "tracking.json"

    def _write_note(self) -> None:
        write_atomically(self._note_file, json.dumps(self.note, indent=2).encode())


class _Sampler(threading.Thread):
    """Measures processor, memory and graphics cards once a second.

    MLflow's own monitor writes to a run that exists while it measures; a trial's run is created after the trial.
    """

    def __init__(self, *, family: bool) -> None:
        super().__init__(name="autotl-system-metrics", daemon=True)
        self._family = family  # child processes count too
        self._samples: deque[tuple[float, dict[str, float]]] = deque(maxlen=24 * 3600)
        self._stopping = threading.Event()

    def stop(self) -> None:
        self._stopping.set()

    def window(self, started: float, seconds: float) -> dict[str, float]:
        """Means, and peaks for memory, from `started` (seconds since the epoch) for `seconds`."""
        samples = list(self._samples)
        inside = [values for when, values in samples if started <= when <= started + seconds]
        if not inside and samples:  # shorter than the interval: the nearest sample stands for it
            when, values = min(samples, key=lambda sample: abs(sample[0] - started - seconds / 2))
            inside = [values] if abs(when - started - seconds / 2) <= 2 else []
        return {
            f"system/{name}": max(column) if name.endswith("megabytes") else sum(column) / len(column)
            for name in (inside[0] if inside else ())
            if (column := [values[name] for values in inside if name in values])
        }

    def run(self) -> None:
        import psutil

        process = psutil.Process()
        cards = _graphics_cards()
        psutil.cpu_percent()  # counts from here
        while not self._stopping.wait(1.0):
            try:
                family = [process, *process.children(recursive=True)] if self._family else [process]
                memory = sum(member.memory_info().rss for member in family)
                values = {"cpu_utilization_percentage": psutil.cpu_percent(), "process_memory_megabytes": memory / 1e6}
                self._samples.append((time.time(), values | cards()))
            except psutil.Error:  # a child that ended meanwhile
                continue


def _graphics_cards() -> Callable[[], dict[str, float]]:
    """A function that measures all NVIDIA cards, under MLflow's own names; it finds none without nvidia-ml-py."""
    try:
        import pynvml  # type: ignore[import-not-found]

        pynvml.nvmlInit()
        cards = [pynvml.nvmlDeviceGetHandleByIndex(n) for n in range(pynvml.nvmlDeviceGetCount())]
    except Exception:  # no library, no driver, no card
        return dict

    def measure() -> dict[str, float]:
        values: dict[str, float] = {}
        for n, card in enumerate(cards):
            try:
                values[f"gpu_{n}_memory_usage_megabytes"] = pynvml.nvmlDeviceGetMemoryInfo(card).used / 1e6
                values[f"gpu_{n}_utilization_percentage"] = float(pynvml.nvmlDeviceGetUtilizationRates(card).gpu)
            except pynvml.NVMLError:  # not every card tells everything
                continue
        return values

    return measure


def _address(tracking_uri: str | None, default_store: Path) -> str:
    """The store's address, with an absolute path where it is a SQLite file."""
    uri = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{default_store / 'mlflow.db'}"
    database = _sqlite_file(uri)
    return f"sqlite:///{database.as_posix()}" if database else uri


def _without_password(text: str) -> str:
    """An address, or a message with addresses in it, as anybody may see it."""
    return re.sub(r"(?<=://)[^/\s]+@", "", text)


def _sqlite_file(uri: str) -> Path | None:
    return Path(uri.removeprefix("sqlite:///")).absolute() if uri.startswith("sqlite:///") else None


def _is_sqlite(database: Path) -> bool:
    with database.open("rb") as file:
        return file.read(16) in (b"", b"SQLite format 3\0")


def _connect(uri: str) -> MlflowClient:
    """A client of its own: no global tracking address is set, so two studies can share a process."""
    for name, value in _MANNERS.items():  # MLflow takes these from here alone; what the user has set stays
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    # A registry elsewhere, which the environment may name, goes with the store that it names.
    registry = None if uri == os.environ.get("MLFLOW_TRACKING_URI") else uri
    database = _sqlite_file(uri)
    if database is None:
        return MlflowClient(tracking_uri=uri, registry_uri=registry)
    from filelock import FileLock

    for noisy in ("mlflow.store.db.utils", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    database.parent.mkdir(parents=True, exist_ok=True)
    # Two processes that create the tables at once would break the file for good.
    with FileLock(f"{database}.lock", timeout=300):
        client = MlflowClient(tracking_uri=uri, registry_uri=registry)
        client.search_experiments(max_results=1)
        client.search_registered_models(max_results=1)
    return client


def _experiment(client: MlflowClient, uri: str, default_store: Path) -> str:
    from mlflow.exceptions import MlflowException

    if found := client.get_experiment_by_name(EXPERIMENT):
        if found.lifecycle_stage != "active":
            client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)
    # A server knows where artifacts go; MLflow's default for a database is the current directory.
    beside = _sqlite_file(uri)
    artifacts = ((beside.parent if beside else default_store) / "mlartifacts").absolute().as_uri()
    try:
        return str(client.create_experiment(EXPERIMENT, None if uri.startswith("http") else artifacts))
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        return str(client.get_experiment_by_name(EXPERIMENT).experiment_id)


def _children(client: MlflowClient, experiment: str, parent: str) -> dict[int, str]:
    found = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{parent}'", max_results=50_000)
    return {int(child.data.tags["trial"]): child.info.run_id for child in found if "trial" in child.data.tags}


def _log_model(
    client: MlflowClient,
    experiment: str,
    run_id: str,
    folder: Path,
    *,
    params: Mapping[str, str],
    tags: Mapping[str, str],
) -> LoggedModel:
    """Upload a deployable as it is, except that its MLmodel gets to know the ids it has here."""
    from mlflow.entities import LoggedModelOutput

    facts = {**tags, "model_uuid": _model_uuid(folder)}
    model = client.create_logged_model(experiment, "champion", run_id, tags=facts, params=dict(params))
    client.log_model_artifacts(model.model_id, str(folder))
    with tempfile.TemporaryDirectory() as temporary:
        text = (folder / "MLmodel").read_text(encoding="utf-8")
        ids = f"model_id: {model.model_id}\nrun_id: {run_id}\nartifact_path: {json.dumps(model.artifact_location)}"
        (Path(temporary) / "MLmodel").write_text(text.replace("model_id: null", ids, 1), encoding="utf-8")
        client.log_model_artifact(model.model_id, str(Path(temporary) / "MLmodel"))
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    return client.finalize_logged_model(model.model_id, "READY")


def _evidence(folder: Path) -> str:
    """What is known of a deployable, as JSON."""
    return json.dumps(essence(json.loads((folder / "metadata.json").read_text(encoding="utf-8"))))


def _model_uuid(folder: Path) -> str:
    found = re.search(r"^model_uuid: (\w+)$", (folder / "MLmodel").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else ""


def _register(client: MlflowClient, uri: str, name: str, model: LoggedModel, tags: Mapping[str, str]) -> dict[str, Any]:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    # A client beside the database would look a model's id up in the global store.
    source = f"models:/{model.model_id}" if uri.startswith("http") else model.artifact_location
    facts = {"run_id": model.source_run_id, "tags": dict(tags), "model_id": model.model_id}
    version = client.create_model_version(name, source, **facts, await_creation_for=0).version
    # What makes the model's page show its versions.
    versions = [*json.loads(model.tags.get("mlflow.modelVersions", "[]")), {"name": name, "version": version}]
    client.set_logged_model_tags(model.model_id, {"mlflow.modelVersions": json.dumps(versions)})
    former = client.get_registered_model(name).aliases.get(CHAMPION)
    if former:
        client.set_registered_model_alias(name, PREVIOUS, former)
    client.set_registered_model_alias(name, CHAMPION, version)
    return {"name": name, "version": int(version), "alias": CHAMPION}


def _log_batch(
    client: MlflowClient,
    run_id: str,
    *,
    params: Mapping[str, Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    step: int = 0,
) -> None:
    """Log what has a value, under names MLflow accepts, within its limits for one call."""
    from mlflow.entities import Metric, Param, RunTag

    now = round(time.time() * 1000)
    numbers = [
        Metric(_name(key), float(value), now, step)
        for key, value in (metrics or {}).items()
        if isinstance(value, int | float) and math.isfinite(value)
    ]
    texts = [Param(_name(key), str(value)[:6000]) for key, value in (params or {}).items() if value not in (None, "")]
    labels = [RunTag(_name(key), str(value)[:5000]) for key, value in (tags or {}).items()]
    for start in range(0, max(len(numbers), len(texts), 1), 100):
        client.log_batch(run_id, numbers[start : start + 100], texts[start : start + 100], labels if start == 0 else ())


def _name(text: str) -> str:
    return re.sub(r"[^\w.\- :/]", "_", str(text))[:250]


def _is_refusal(error: Exception) -> bool:
    """The store answered, and says that what was asked is wrong."""
    from mlflow.exceptions import MlflowException

    refusals = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST", "RESOURCE_DOES_NOT_EXIST")
    return isinstance(error, MlflowException) and error.error_code in refusals


def _first_line(error: BaseException) -> str:
    """The root cause where it is the network's, else what MLflow says."""
    root = error
    while cause := root.__cause__ or root.__context__:
        root = cause
    text = str(root if isinstance(root, OSError) else error).strip()
    return _without_password(text.splitlines()[0])[:300] if text else type(error).__name__
