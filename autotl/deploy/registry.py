"""Registering a run's champion: which registry and store, and which names are allowed."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from autotl.errors import AutoTLError, ConfigError, RunError
from autotl.interfaces import CHAMPION, PREVIOUS, AliasChange, ModelStore, RegisteredModel, Registry
from autotl.plugins import Plugins
from autotl.runs.audit import FAIL, AuditSummary, Forced
from autotl.runs.target_folders import store_folder
from autotl.runtime.addresses import hide_secrets, is_same_database

if TYPE_CHECKING:
    from autotl.runs.config import Config
    from autotl.runs.result import RunResult
    from autotl.runs.run import Run

RUN_FOLDERS = (Path(), Path("autotl-runs"))
"""Where a store beside runs is looked for unless a folder is named: here, then where runs go by default."""
MAX_NAME_LENGTH = 100
FORCED_TAG = "audit-forced"
"""Tag with the reason why a version was registered although its audit had failed or was missing."""
_RESERVED_ALIAS = re.compile(r"latest|v\d+", re.IGNORECASE)


def require_name(name: str) -> str:
    """A registered model's name as it can stand in an address such as models:/NAME@champion, else ConfigError."""
    if not re.fullmatch(r"\w(?:[\w .-]*\w)?", name) or len(name) > MAX_NAME_LENGTH or ".." in name:
        raise ConfigError(
            f"{name!r} cannot be the name of a registered model: it is part of the address that programs load it by, "
            f"models:/NAME@{CHAMPION}. Use 1 to {MAX_NAME_LENGTH} letters, digits, spaces, hyphens, underscores and "
            "single full stops, with a letter or digit at both ends, such as pet-photos"
        )
    return name


def require_alias(alias: str) -> str:
    """An alias that may be given and taken freely, else ConfigError."""
    if alias in (CHAMPION, PREVIOUS):
        raise ConfigError(f"the alias {alias!r} is moved by promoting a version or rolling back")
    if not re.fullmatch(r"\w[\w-]*", alias) or len(alias) > MAX_NAME_LENGTH or _RESERVED_ALIAS.fullmatch(alias):
        raise ConfigError(
            f"{alias!r} cannot be an alias. Use letters, digits, hyphens and underscores, beginning with a letter or "
            "digit, such as in-test; latest, v1, v2 and so on are taken"
        )
    return alias


def require_registry(plugins: Plugins) -> Registry:
    """The only registry that the loaded plugins offer; ConfigError if there is none, or more than one."""
    registries = plugins.all(Registry)
    if len(registries) > 1:
        offers = [f"{name} by the plugin {plugins.provenance(Registry, name).plugin!r}" for name in registries]
        raise ConfigError(
            f"there is more than one model registry ({', '.join(offers)}); leave out all but one with "
            "--disable-plugin or the setting disable_plugins"
        )
    for registry in registries.values():
        return registry
    raise ConfigError("no loaded plugin brings a model registry; `autotl plugins` shows what is loaded and what is not")


def require_store(plugins: Plugins, config: Config) -> None:
    """Raise ConfigError before any work where the store that a run is to be recorded in cannot be used.

    Without a registry among the plugins nothing is known of stores.
    """
    for registry in plugins.all(Registry).values():
        registry.check_store(model_store(config.tracking_uri, beside=store_folder(config.run)))


def require_other_database(plugins: Plugins, config: Config) -> None:
    """Raise ConfigError if trials and models would be in one database: the tables of one would break the other's."""
    for registry in plugins.all(Registry).values():
        address = registry.store_address(model_store(config.tracking_uri, beside=store_folder(config.run)))
        if config.storage and is_same_database(config.storage, address):
            raise ConfigError(
                f"the storage {hide_secrets(config.storage)} is also the database that runs are recorded in; each "
                "needs one of its own. Name another with --storage or --tracking-uri"
            )


def stores(registry: Registry, tracking_uri: str | None) -> list[ModelStore]:
    """The stores that a command without a run looks into: the one that is named, else those beside the runs here.

    Runs are here, or in ./autotl-runs, so that there may be two.
    """
    found: dict[str, ModelStore] = {}
    for store in [model_store(tracking_uri, beside=None if tracking_uri else folder) for folder in RUN_FOLDERS]:
        found.setdefault(registry.store_address(store), store)
    return list(found.values())


def list_models(registry: Registry, tracking_uri: str | None) -> list[tuple[ModelStore, tuple[RegisteredModel, ...]]]:
    """The stores that hold models, and their models. Raises ConfigError if one cannot be used, and none has any."""
    listed, problems = [], []
    for store in stores(registry, tracking_uri):
        try:
            if models := registry.list_models(store):
                listed.append((store, models))
        except AutoTLError as error:
            problems.append(error)
    if problems and not listed:
        raise problems[0]
    return listed


def find_store(registry: Registry, name: str, tracking_uri: str | None) -> ModelStore:
    """The store that holds a registered model; ConfigError if two do. The first where none does."""
    looked = stores(registry, tracking_uri)
    if len(looked) == 1:
        return looked[0]
    holding = [
        store for store, models in list_models(registry, tracking_uri) if name in (model.name for model in models)
    ]
    if len(holding) > 1:
        both = " and ".join(registry.store_address(store) for store in holding)
        raise ConfigError(f"{name} is registered in {both}; name the one that is meant with --tracking-uri")
    return holding[0] if holding else looked[0]


def fetch(registry: Registry, uri: str, tracking_uri: str | None) -> Path:
    """The folder with the model of an address such as models:/NAME@ALIAS. Raises ConfigError or RunError."""
    name, *version = re.split("[@/]", uri.removeprefix("models:/"), maxsplit=1)
    if version:
        return registry.fetch(find_store(registry, name, tracking_uri), uri)
    # A model's ID is in no list of registered models.
    problems = []
    for store in stores(registry, tracking_uri):
        try:
            return registry.fetch(store, uri)
        except RunError as error:
            problems.append(error)
    raise problems[0]


def register(
    run: Run, name: str, plugins: Plugins, *, tracking_uri: str | None = None, force: str | None = None
) -> AliasChange:
    """Register a finished run's champion under a name and move the alias `champion` to it.

    tracking_uri: the store; None for the run's own. force: the reason for registering although the audit has failed or
    is missing; it is recorded in the run and on the version. Raises ConfigError, also if the audit prevents the
    registration and no reason is given.
    """
    registry = require_registry(plugins)
    require_name(name)
    result = run.result()
    if result is None:
        raise ConfigError(f"{run.folder} has no champion yet; finish it with `autotl resume {run.folder}`")
    forced = require_gate(run, result, force)
    store = model_store(tracking_uri or run.config.tracking_uri, beside=store_folder(run.folder))
    change = registry.register(store, run.champion, name)
    if forced:
        audit = result.audit or AuditSummary(run.config.audit, {})
        run.update(result=replace(result, audit=replace(audit, forced=forced)).to_json())
        if registry.set_tag is not None and change.version is not None:
            registry.set_tag(store, name, change.version, FORCED_TAG, forced.reason)
    return change


def require_gate(run: Run, result: RunResult, force: str | None) -> Forced | None:
    """Raise ConfigError if a run's audit prevents its registration and no reason overrides it.

    force: the reason. Returns the override to record, None if there is nothing to override.
    """
    if force is not None and not force.strip():
        raise ConfigError('the reason for registering in spite of the audit is empty; give it as --force "REASON"')
    why = gate_obstacle(run.config.max_gap, result)
    if why and force is None:
        again = f'`autotl register {shlex.quote(str(run.folder))} --name NAME --force "REASON"`'
        raise ConfigError(
            f"{why}. Add items of the group that is answered worse and search again, or register it all the same, "
            f"with a reason that is recorded: {again}"
        )
    return Forced(force.strip(), time.time()) if why and force else None


def gate_obstacle(max_gap: float | None, result: RunResult) -> str:
    """Why the audit prevents the registration of a champion; empty if it passed or is undecided."""
    if max_gap is None:
        return ""
    gate = result.audit.gate if result.audit else None
    if gate is None:
        return (
            f"the gaps between groups were to be at most {100 * max_gap:g} points, and the audit that compares them "
            "was not made: the time had run out, or it failed"
        )
    return gate.sentence if gate.status == FAIL else ""


def obstacle_of_targets(max_gap: float | None, results: Mapping[str, RunResult]) -> str:
    """The same for a model of several targets, which one audit prevents. results: by target."""
    obstacles = ((name, gate_obstacle(max_gap, result)) for name, result in results.items())
    return next((f"for the target {name}, {why}" for name, why in obstacles if why), "")


def model_store(tracking_uri: str | None, *, beside: Path | None = None) -> ModelStore:
    """The store that a user means.

    tracking_uri: its address; without one it lies beside the runs in the folder `beside`, by default this folder or,
        where only that has a store, ./autotl-runs.
    """
    folders = RUN_FOLDERS if beside is None else (beside,)
    return ModelStore(tracking_uri, tuple(folder.absolute() for folder in folders))
