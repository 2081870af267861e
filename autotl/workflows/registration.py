"""Recording and registering a finished run, also one that lost its store while it was searching."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from autotl.deploy.registry import gate_obstacle, require_gate, require_name, require_registry, require_store
from autotl.deploy.registry import register as register_champion
from autotl.errors import ConfigError
from autotl.interfaces import AliasChange
from autotl.plugins import Plugins
from autotl.runs.run import Run, open_run
from autotl.runtime.conditions import require_writable
from autotl.search.optuna_study import read_records
from autotl.workflows.places import run_place

NOT_REGISTERED, NOT_RECORDED = "Not registered: ", "Not recorded: "


def register(
    folder: Path,
    name: str | None,
    plugins: Plugins,
    *,
    tracking_uri: str | None = None,
    storage: str | None = None,
    force: str | None = None,
) -> AliasChange | None:
    """Record a finished run, with all its trials, unless already recorded, and register its champion.

    name: of the registered model; None for the one that the run was to be registered as, if any. tracking_uri: the
    store; None for the run's own. force: the reason for registering it despite its audit. Returns the alias that was
    moved, None if there is no name.
    Raises ConfigError if the name cannot be one, the run has no champion, or the store cannot be used.
    """
    if name is not None:
        require_name(name)
    run = open_run(folder).at(storage=storage, tracking_uri=tracking_uri)
    name = run.config.register if name is None else name
    if name:
        require_registry(plugins)
        require_name(name)
    result = run.result()
    if result is None:
        raise ConfigError(f"{folder} has no champion yet; finish it with `autotl resume {folder}`")
    if name:
        require_gate(run, result, force)
    require_writable(run_place(run.folder))  # where it was recorded, and as what it is registered, is noted there
    require_store(plugins, run.config)
    plugins.demand("record_run", run=run, trials=read_records(run))
    change = register_champion(run, name, plugins, force=force) if name else None
    _note(run, settled=(NOT_RECORDED, NOT_REGISTERED) if change else (NOT_RECORDED,))
    return change


def is_overruling(folder: Path) -> bool:
    """Whether the audit speaks against registering a run's champion, so that a reason is required and recorded."""
    run = open_run(folder)
    result = run.result()
    return result is not None and bool(gate_obstacle(run.config.max_gap, result))


def _note(run: Run, *, settled: tuple[str, ...]) -> None:
    """Remove from the result what had failed and has now been done."""
    result = run.result()
    assert result is not None
    unkept = tuple(text for text in result.unkept if not text.startswith(settled))
    run.update(result=replace(result, unkept=unkept, tracking=run.tracking()).to_json())
