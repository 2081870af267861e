"""The run folder: everything one study writes, and what a later process needs to continue it."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from autotl.data.dataset import Dataset
from autotl.data.item_kinds import KINDS
from autotl.data.modalities import modality_named
from autotl.data.patch import Decision
from autotl.data.rare_labels import without_rare_labels
from autotl.data.scan import scan
from autotl.data.small_classes import without_small_classes
from autotl.data.source import Source
from autotl.data.split import Split, subsample
from autotl.errors import ConfigError, RunError
from autotl.runs.config import Config
from autotl.runs.event_log import EVENTS_FILE, EventWriter
from autotl.runs.events import Event, Listener, Message, Progress
from autotl.runs.new_folder import DATASET_FILE, PAIRS_FILE, claimed
from autotl.runs.result import RunResult
from autotl.runtime.addresses import absolute_address, hide_secrets, reveal_secrets, sqlite_address
from autotl.runtime.atomic_files import write_atomically
from autotl.runtime.user_paths import expand_home, short_name
from autotl.targets import LABELS, NUMBER, named_kind, strata

STORAGE_VARIABLE = "AUTOTL_STORAGE"
"""The environment variable with the address of Optuna's store, which the run folder keeps without its password."""
_NO_FOLD = -9
"""In dataset.parquet: the image is not an item: it has no label or was skipped."""
_TRACED_PACKAGES = (
    "autotl", "keras", "tensorflow-cpu", "tensorflow", "torch", "jax", "onnx", "onnxruntime", "scikit-learn",
    "skl2onnx", "optuna", "keras-tuner", "numpy", "pandas", "pillow", "mlflow",
)  # fmt: skip
_TELLING = threading.RLock()
"""Threads that look after workers emit events too, and listeners need not expect that."""


@dataclass(frozen=True)
class Run:
    """A study's folder with its configuration, dataset and split.

    listeners: called with every event, besides the line that goes to events.jsonl.
    """

    folder: Path
    config: Config
    dataset: Dataset
    split: Split
    listeners: tuple[Listener, ...] = field(default=(), compare=False)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def fingerprint(self) -> str:
        """The dataset's fingerprint."""
        return self.dataset.fingerprint

    @property
    def test_fingerprint(self) -> str:
        """Hash of the contents and labels of the test split: two models that bear the same one took the same test."""
        items = self.dataset.items.iloc[self.split.test]
        return hashlib.sha256("\n".join(sorted(items["sha256"] + " " + items["label"])).encode()).hexdigest()[:16]

    @property
    def champion(self) -> Path:
        """Where the deployable is."""
        return self.folder / "champion"

    @property
    def study_name(self) -> str:
        """The study's name in Optuna's store: its own, whatever the folder is called."""
        name: str = self.state()["study_name"]
        return name

    @property
    def storage(self) -> str:
        """The address of Optuna's store, in full; ConfigError if its password is not known to this process."""
        if self.config.storage:
            return reveal_secrets(self.config.storage, STORAGE_VARIABLE, option="--storage")
        return sqlite_address(self.folder / "study.db")

    def trial_folder(self, number: int) -> Path:
        """Where a trial keeps its predictions and, if it was fine-tuned, its network."""
        return self.folder / "trials" / f"{number:04d}"

    @cached_property
    def log(self) -> EventWriter:
        """What appends events to events.jsonl."""
        return EventWriter(self.folder / EVENTS_FILE)

    def emit(self, event: Event) -> None:
        """Append an event to events.jsonl and tell the listeners, one event at a time, in this run's words."""
        event = self.dataset.words(event) if isinstance(event, Message) else event
        with _TELLING:
            self.log(event)
            for listener in self.listeners:
                listener(event)

    def result(self) -> RunResult | None:
        """What the search found, None until it has ended; RunError if that is damaged."""
        document = self.state().get("result")
        return RunResult.from_json(document) if document else None

    def tracking(self) -> dict[str, object] | None:
        """Where a tracker recorded this run, if one did: what it left in tracking.json."""
        path = self.folder / "tracking.json"
        try:
            facts: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return facts

    def at(self, *, storage: str | None, tracking_uri: str | None) -> Run:
        """The same run with addresses in full; None leaves one as it is. ConfigError if it is another storage."""
        storage = absolute_address(storage) if storage else None
        if storage and hide_secrets(storage) != self.config.to_json()["storage"]:
            kept = self.config.storage or "study.db in its folder"
            raise ConfigError(f"the trials of {self.folder} are in {kept}, not in {hide_secrets(storage)}")
        config = self.config
        return replace(
            self,
            config=replace(config, storage=storage or config.storage, tracking_uri=tracking_uri or config.tracking_uri),
        )

    def subsampled(self, n_items: int) -> Run:
        """The same run on about so many of its items: see `split.subsample`."""
        return replace(self, split=subsample(self.split, strata(self.dataset.labels), n_items, seed=self.config.seed))

    def state(self) -> dict[str, Any]:
        """The content of run.json."""
        return read_state(self.folder)

    def update(self, **fields: Any) -> None:
        """Change fields of run.json."""
        text = json.dumps({**self.state(), **fields}, indent=2, allow_nan=False)
        write_atomically(self.folder / "run.json", text.encode())


def scan_data(
    config: Config, *, cache: Path, listeners: tuple[Listener, ...],
    hashed: Callable[[str], None] = lambda _: None, examined: Callable[[Dataset], None] = lambda _: None,
    apart: bool = False, opened: Source | None = None,
) -> Dataset:  # fmt: skip
    """Read the data that a configuration names, telling the listeners how far it is.

    hashed, examined, apart, opened: see `data.scan.scan`.
    """

    def progress(stage: str, done: int, total: int) -> None:
        for listener in listeners:
            listener(Progress(stage, done, total))

    dataset = scan(
        config.data, label=config.label, text=config.text, image=config.image, classes=config.classes,
        groups=config.groups, attributes=config.attributes, patch=config.patch,
        mirrored=config.mirrored, cache=cache, progress=progress, hashed=hashed,
        examined=examined, apart=apart, kind=named_kind(config.target), opened=opened,
        order=config.order, min_per_class=config.min_per_class,
    )  # fmt: skip
    if config.min_per_class is None:
        return dataset
    if dataset.kind == NUMBER:
        raise ConfigError("--min-per-class counts the items of each class, and the target is a number; leave it out")
    without = without_rare_labels if dataset.kind == LABELS else without_small_classes
    return without(dataset, config.min_per_class, seed=config.seed)


def require_classes(run: Run, what: str) -> None:
    """Raise ConfigError if the target of a run is not of classes. what: such as "agreement with people"."""
    if not run.dataset.target.is_classes:
        raise ConfigError(
            f"{what} is about one class for each item, and the target of {run.folder} is {run.dataset.kind!r}; see its "
            "report for what is known of it"
        )


def require_images(run: Run) -> None:
    """Raise RunError if images that a run learns from, or parts of them, are gone."""
    dataset, parts = run.dataset, modality_named(run.dataset.modality).parts
    for kind in (dataset.modality, *parts):
        paths = dataset.part(kind).items["path"]
        missing = [path for path in paths if not (dataset.root / path).exists()]
        if missing:
            raise RunError(
                f"{len(missing)} of the {len(paths)} {KINDS[kind].plural} of {run.folder} are gone, the first: "
                f"{dataset.root / missing[0]}. Put them back, or start a new run with `autotl fit`."
            )


def create(config: Config, dataset: Dataset, split: Split, listeners: tuple[Listener, ...] = ()) -> Run:
    """Make the folder of a run, with its configuration and dataset; ConfigError if it is not free."""
    with claimed(config.run):
        _write_new(config, dataset, split)
    return Run(config.run, config, dataset, split, listeners)


def _write_new(config: Config, dataset: Dataset, split: Split) -> None:
    table = dataset.table.copy()
    usable = (table["quarantine"] == "") & (table["label"] != "")
    for column, values, default in (
        ("split", split.part_names(), ""),
        ("fold", split.fold, _NO_FOLD),
        ("cluster", split.cluster, -1),
    ):
        table[column] = default
        table.loc[usable, column] = values
    table.to_parquet(config.run / DATASET_FILE, index=False)
    dataset.pairs.to_parquet(config.run / PAIRS_FILE, index=False)
    state = {
        "config": config.to_json(),
        "root": str(dataset.root),
        "ignored": dict(dataset.ignored),
        "layout": dataset.layout,
        "modality": dataset.modality,
        "stale": [asdict(decision) for decision in dataset.stale],
        "study_name": f"{config.run.name}-{uuid.uuid4().hex[:8]}",
        "seed": config.seed,
        "fingerprint": dataset.fingerprint,
        "versions": installed_versions(),
        "status": "running",
        "spent_seconds": 0.0,
    }
    write_atomically(config.run / "run.json", json.dumps(state, indent=2).encode())  # last: it makes a run of it


def open_run(folder: Path, listeners: tuple[Listener, ...] = ()) -> Run:
    """Read a run folder; RunError if it is none or is damaged."""
    folder = folder.absolute()
    state = read_state(folder)
    try:
        table = pd.read_parquet(folder / DATASET_FILE)
        config = replace(Config.from_json(state["config"]), run=folder)
        usable = table["fold"] != _NO_FOLD
        split = Split(
            fold=table.loc[usable, "fold"].to_numpy(dtype=int), cluster=table.loc[usable, "cluster"].to_numpy(dtype=int)
        )
        table = table.drop(columns=["split", "fold", "cluster"])
        pairs = pd.read_parquet(folder / PAIRS_FILE)
        stale = tuple(Decision(**decision) for decision in state["stale"])
        dataset = Dataset(
            Path(state["root"]), table, state["ignored"], state["layout"], pairs, stale,
            modality=state.get("modality", "image"), kind=named_kind(config.target),
            order=config.order,
        )  # fmt: skip
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise RunError(
            f"the run folder {folder} is damaged: run.json, dataset.parquet or pairs.parquet cannot be read ({error}). "
            "Start a new search with `autotl fit`; the features it computed are still cached."
        ) from error
    run = Run(folder, config, dataset, split, listeners)
    return run.subsampled(state["subsampled_to"]) if "subsampled_to" in state else run


def read_state(folder: Path) -> dict[str, Any]:
    """The content of run.json; RunError if there is none or it cannot be read."""
    path = folder / "run.json"
    if not path.exists():
        raise RunError(f"{folder} is not a run folder: it has no run.json. Give a folder that `autotl fit` wrote.")
    try:
        state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise RunError(
            f"{path} is damaged: it is not valid JSON ({error}). Start a new search with `autotl fit`."
        ) from None
    return state


def default_run_folder(data: Path, now: time.struct_time) -> Path:
    """A folder under ./autotl-runs named after the data and the time."""
    name = short_name(expand_home(data).resolve().name)
    return Path("autotl-runs") / f"{name}-{time.strftime('%Y%m%d-%H%M%S', now)}"


def installed_versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide what a run computes."""
    versions = {"python": platform.python_version()}
    for name in _TRACED_PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def cluster_of(run: Run, items: np.ndarray) -> np.ndarray | None:
    """Cluster of each item for cluster bootstraps, or None if every item stands alone."""
    cluster = run.split.cluster
    return None if len(np.unique(cluster)) == len(cluster) else cluster[items]
