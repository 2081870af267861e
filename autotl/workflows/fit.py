"""Starting, resuming or refitting a run: scan, split, run folder and checks; then `run_study`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from autotl.checks.leakage import count_leaks
from autotl.checks.run_checks import run_checks
from autotl.data.changes import save_manifest, since_last_run
from autotl.data.dataset import Dataset, require_learnable
from autotl.data.label_shares import label_share_sentences
from autotl.data.patch import patch_file
from autotl.data.split import Split, split
from autotl.deploy.registry import require_name, require_other_database, require_registry, require_store
from autotl.errors import ConfigError
from autotl.evidence.evaluations import gives_one_value
from autotl.evidence.evaluators import objective_of
from autotl.interfaces import Evaluator, Executor, Head, Sampler
from autotl.plugins import Plugins
from autotl.runs.config import Config
from autotl.runs.events import DatasetRead, FindingMade, Listener, Message
from autotl.runs.groups import GroupsFound
from autotl.runs.new_folder import require_free
from autotl.runs.run import Run, create, open_run, require_images, scan_data
from autotl.runs.run_share import require_unused
from autotl.runtime.clock import Clock
from autotl.runtime.remote_folder import RemoteFolder
from autotl.search.sources import absolute_names, require_tunable, sources_of, usage_notes
from autotl.settings import Settings
from autotl.targets import named_kind
from autotl.workflows.auditing import require_attributes
from autotl.workflows.early_reading import EarlyReading
from autotl.workflows.groups_first import look_and_keep, no_look
from autotl.workflows.kept_findings import keep_findings
from autotl.workflows.networks import opened_encoders, require_networks, require_unchanged
from autotl.workflows.places import conditions_explained, require_places
from autotl.workflows.worker_count import require_memory


@dataclass(frozen=True)
class Moved:
    """Where the data of a run, and the tables that belong to them, have been moved; None for what has not."""

    data: Path | None = None
    groups: str | None = None
    attributes: Path | None = None
    patch: Path | None = None

    def places(self) -> dict[str, Any]:
        """Those that have been moved."""
        return {name: place for name, place in vars(self).items() if place is not None}


def fit(
    config: Config,
    *,
    plugins: Plugins,
    settings: Settings,
    listeners: tuple[Listener, ...] = (),
    clock: Clock | None = None,
) -> Run:
    """Run a whole study: scan, check, split, search, conclude; returns the run, whose `result()` says what it found.

    An interruption (KeyboardInterrupt) after the first trial ends the search early, with status "interrupted".
    Raises AutoTLError where the data, the configuration or a plugin asked for is at fault.
    """
    clock = clock or Clock(config.budget_seconds)
    with conditions_explained(settings, config.run, storage=config.storage):
        config = replace(config, backbones=absolute_names(config.backbones, plugins))
        return _begin(config, plugins, settings, listeners, clock, lambda dataset: split(dataset, seed=config.seed))


def refit(
    folder: Path, new: Path, *, plugins: Plugins, settings: Settings, listeners: tuple[Listener, ...] = (),
    register: str | None = None, moved: Moved | None = None,
) -> Run:  # fmt: skip
    """Read a finished run's data again, with the decisions of now, and fit its champion to them: no search.

    Every image keeps its side of the split; see `refit.carry_split`. A probe takes seconds, for its
    features are cached; a fine-tuned champion is trained again. moved: where the data and what belongs to them are now.
    Raises AutoTLError where run or data do not allow it.
    """
    former = open_run(folder)
    if former.result() is None:
        raise ConfigError(
            f"{folder} has not finished yet, so it has no champion; finish it with `autotl resume {folder}`"
        )
    config = replace(
        former.config, run=new, refit=folder.absolute(), register=register, budget_seconds=None, trials=1, workers=1,
        storage=None, share=None, **(moved or Moved()).places(),
    )  # fmt: skip
    _require_moved(config)

    def carried(dataset: Dataset) -> Split:
        from autotl.workflows.refit import carry_split, corrections  # imports Optuna, which takes its time

        return carry_split(former, dataset, corrections(former, dataset).place)

    with conditions_explained(settings, config.run, storage=config.storage):
        require_unchanged(former.state().get("opened", {}), config, plugins, settings)
        return _begin(config, plugins, settings, listeners, Clock(None), carried)


def _require_moved(config: Config) -> None:
    """Raise ConfigError if the data of the former run, or a table that belongs to them, have been moved."""
    places = {"data": config.data, "attributes": config.attributes, "patch": config.patch}
    if config.groups and Path(config.groups).is_absolute():
        places["groups"] = Path(config.groups)
    for name, place in places.items():
        if place is not None and not place.exists():
            raise ConfigError(
                f"{place} does not exist any more (the {name} of {config.refit}). Put it back, or say where it is now "
                f"with --{name} NEW_PLACE ({name}=... in Python)"
            )
    assert config.refit is not None
    before, now = patch_file(open_run(config.refit).config.data), patch_file(config.data)
    if config.patch is None and before.exists() and not now.exists():
        raise ConfigError(
            f"the decisions about the data were left behind: move {before} to {now}, or name it with --patch "
            "(patch=... in Python)"
        )


def _begin(
    config: Config,
    plugins: Plugins,
    settings: Settings,
    listeners: tuple[Listener, ...],
    clock: Clock,
    divide: Callable[[Dataset], Split],
) -> Run:
    """Scan, check and divide the data into a new run, and conduct it."""
    require_startable(config, plugins, settings)
    opened, restrictions = opened_encoders(config, plugins, settings), usage_notes(config, plugins)
    for listener, note in product(listeners, restrictions):
        listener(Message(note))
    with EarlyReading(config, plugins, settings) as early:
        dataset = scan_data(
            config, cache=settings.cache, listeners=listeners, hashed=early.begin, examined=early.examined, apart=True
        )
        require_tunable(config, sources_of(config, plugins, dataset.modality))
        require_learnable(dataset, config.data)
        require_attributes(config, dataset)
        early.wait_for_shared()
        divided = divide(dataset)  # refused, if it is to be, before anything is read
        groups = no_look(config, plugins)
        if config.refit is None:
            groups, grouped = look_and_keep(
                config, dataset, plugins, settings, listeners=listeners, seconds_left=clock.left, before=early.end,
                only_decisive=True,
            )  # fmt: skip
            if grouped is not dataset:
                # As if they had been named: a refit reads the same groups again.
                config, dataset, divided = replace(config, groups=groups.used), grouped, divide(grouped)
        run = create(config, dataset, divided, listeners)
        run.update(groups=groups.to_json(), opened=opened, usage_notes=restrictions)
        for note in restrictions:  # the listeners know it already
            run.log(Message(note))
        introduce(run, groups, plugins, settings)
        return conduct(run, plugins, settings, clock, early)


def introduce(run: Run, groups: GroupsFound, plugins: Plugins, settings: Settings) -> None:
    """Tell what the data of a new run hold, what belongs together in them, and what the checks find."""
    run.emit(_dataset_read(run))
    for sentence in (*groups.sentences, *label_share_sentences(run.dataset, run.split)):
        run.emit(Message(sentence))
    _tell_about_data(run, plugins, settings)


def require_startable(config: Config, plugins: Plugins, settings: Settings) -> None:
    """Raise before any work where a run could not be written, or something that was asked for is not available."""
    require_places(config.run, settings)
    require_free(config.run)
    if config.data.resolve() in config.run.resolve().parents:
        raise ConfigError(
            f"the run folder {config.run} lies inside the data folder {config.data}, whose next scan would take the "
            "run's files for data; give another one with --run"
        )
    _require_available(config, plugins, settings)


def require_resumable(run: Run, plugins: Plugins, settings: Settings, *, conclude: bool) -> None:
    """Raise before any work if a run cannot be carried on: its images, networks or stores are gone or changed."""
    require_images(run)
    plugins.patience.share(run.config.budget_seconds)
    require_places(run.folder, settings)
    _require_stores(run.config, plugins, run.storage)
    if not conclude:  # what is missing may be what its trials did not need
        _require_executor(run.config, plugins)
        require_networks(run.config, plugins, settings)
    require_unchanged(run.state().get("opened", {}), run.config, plugins, settings)


def _dataset_read(run: Run) -> DatasetRead:
    dataset = run.dataset
    parts = {part: len(getattr(run.split, part)) for part in ("train", "validation", "test", "left_out")}
    return DatasetRead(
        len(dataset.items), tuple(dataset.classes), **parts, quarantined=len(dataset.quarantined),
        unlabelled=len(dataset.unlabelled), ignored=dict(dataset.ignored), layout=dataset.layout,
        fingerprint=dataset.fingerprint, target=dataset.kind, modality=dataset.modality,
    )  # fmt: skip


def resume(
    folder: Path, *, plugins: Plugins, settings: Settings, listeners: tuple[Listener, ...] = (),
    storage: str | None = None, tracking_uri: str | None = None, conclude: bool = False,
) -> Run:  # fmt: skip
    """Continue an interrupted or killed run with what is left of its budget; a finished run is returned.

    storage, tracking_uri: the addresses in full if they have a password, which the run folder does not store.
    conclude: try nothing more, and make a champion and a report of the trials that there are; the baselines are run
        where they are missing.
    """
    run = open_run(folder, listeners).at(storage=storage, tracking_uri=tracking_uri)
    state = run.state()
    if state["status"] == "complete":
        return run
    require_resumable(run, plugins, settings, conclude=conclude)
    clock = Clock(run.config.budget_seconds, state["spent_seconds"])
    explained = conditions_explained(settings, run.folder, storage=run.config.storage)
    with explained, EarlyReading(run.config, plugins, settings) as early:
        early.begin(run.dataset.modality)
        return conduct(run, plugins, settings, clock, early, conclude=conclude)


def conduct(
    run: Run, plugins: Plugins, settings: Settings, clock: Clock, early: EarlyReading, *, conclude: bool = False
) -> Run:  # fmt: skip
    """Search and conclude, once what is read early is at hand. conclude: try nothing more."""
    from autotl.search.remote_heads import HeadProcesses

    # They start while the rest is being imported.
    processes = HeadProcesses(plugins, budget_seconds=run.config.budget_seconds)
    if not conclude:
        processes.start(run.config.heads or list(plugins.all(Head)))
    for event in early.end():
        run.emit(event)
    from autotl.workflows.run_study import run_study

    return run_study(run, plugins, settings, clock, processes=processes, conclude_now=conclude)


def _tell_about_data(run: Run, plugins: Plugins, settings: Settings) -> None:
    """Record what the checks find, what a random split would have leaked, and what changed since the last run."""
    dataset, data, label = run.dataset, run.config.data, run.config.label
    findings = run_checks(dataset, plugins)
    leaks = count_leaks(dataset, run.split, seed=run.config.seed)
    changes = since_last_run(dataset, data, settings.cache, label=label)
    save_manifest(dataset, data, settings.cache, label=label)
    keep_findings(run, findings)
    run.update(leaks=asdict(leaks), changes=asdict(changes) if changes else None)
    if changes:
        run.emit(Message(changes.sentence()))
    for decision in dataset.stale:
        run.emit(Message(f"the decision to {decision.decision} {decision.item} no longer applies to any image"))
    if leaks.pairs:
        run.emit(Message(leaks.sentence()))
    for finding in findings:
        run.emit(FindingMade(finding.check, finding.severity, finding.message, finding.advice))


def _require_available(config: Config, plugins: Plugins, settings: Settings) -> None:
    """Raise before any work where a name is unknown or a backbone cannot be used."""
    plugins.patience.share(config.budget_seconds)
    objective_of(plugins, config.objective, named_kind(config.target))
    _require_one_value(plugins.pick(Evaluator, config.objective))
    plugins.pick(Sampler, config.sampler)
    _require_executor(config, plugins)
    if config.register:
        require_registry(plugins)
        require_name(config.register)
    _require_stores(config, plugins, config.storage)
    if config.share:
        require_unused(config.share)
    if settings.shared:
        RemoteFolder(settings.shared).require_usable()
    require_networks(config, plugins, settings)


def _require_executor(config: Config, plugins: Plugins) -> None:
    """Raise ConfigError before any work if the executor is unknown or cannot be used here."""
    name, option = config.executor_and_option
    executor = plugins.pick(Executor, name)
    require_memory(config.workers_here)
    if config.workers > 1 and (obstacle := executor.obstacle(option, config.share or str(config.run))):
        raise ConfigError(f"the executor {name!r} cannot be used: {obstacle}")


def _require_stores(config: Config, plugins: Plugins, storage: str | None) -> None:
    """Raise ConfigError before any work where a store that was asked for cannot be used."""
    if config.storage and storage:
        from autotl.runs.storage import require_storage

        require_other_database(plugins, config)
        require_storage(storage)
    if config.register or config.tracking_uri:
        require_store(plugins, config)


def _require_one_value(objective: Evaluator) -> None:
    """Raise ConfigError where an evaluator gives a value per class, which cannot be ranked."""
    if not gives_one_value(objective):
        raise ConfigError(
            f"the objective {objective.name!r} gives one value per class; choose one that gives a single value, "
            "such as balanced_accuracy"
        )
