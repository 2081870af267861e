"""Registering the deployable that answers several targets."""

from __future__ import annotations

import shlex
import time
from pathlib import Path

from autotl.deploy.registry import (
    FORCED_TAG,
    model_store,
    obstacle_of_targets,
    require_name,
    require_registry,
)
from autotl.errors import AutoTLError, ConfigError
from autotl.interfaces import AliasChange
from autotl.plugins import Plugins
from autotl.runs.run import Run, open_run
from autotl.runs.target_folders import store_folder
from autotl.runs.targets_result import read_targets
from autotl.workflows.registration import NOT_REGISTERED


def register_joint(
    folder: Path, name: str | None, plugins: Plugins, *, tracking_uri: str | None = None, force: str | None = None
) -> AliasChange:
    """Register the deployable of all targets of a study under a name, and move the alias `champion` to it.

    name: None for the one that the study was to be registered as. tracking_uri: the store; None for the study's own.
    force: the reason for registering it although the audit of a target has failed or is missing; it is recorded in the
    study and on the version. Raises ConfigError if it cannot be registered.
    """
    whole = open_run(folder)
    name = require_name(name or whole.config.register or "")
    registry = require_registry(plugins)
    if force is not None and not force.strip():
        raise ConfigError('the reason for registering in spite of the audit is empty; give it as --force "REASON"')
    if why := _why_unusable(whole):
        raise ConfigError(why)
    why = joint_obstacle(folder)
    if why and force is None:
        raise ConfigError(f'{why}. To register it anyway, give --force "REASON"')
    reason = force.strip() if why and force else ""
    store = model_store(tracking_uri or whole.config.tracking_uri, beside=store_folder(whole.folder))
    change = registry.register(store, whole.champion, name)
    if reason and registry.set_tag is not None and change.version is not None:
        registry.set_tag(store, name, change.version, FORCED_TAG, reason)
    settled = [text for text in whole.state().get("unkept", []) if not str(text).startswith(NOT_REGISTERED)]
    registered = {"name": change.name, "alias": change.alias, "version": change.version, "time": round(time.time())}
    whole.update(unkept=settled, registered=registered | ({"forced": reason} if reason else {}))
    return change


def try_to_register(whole: Run, name: str, plugins: Plugins) -> tuple[AliasChange | None, list[str]]:
    """The same at the end of a study, which is not lost where that fails; returns why, a sentence."""
    try:
        return register_joint(whole.folder, name, plugins), []
    except AutoTLError as error:
        again = f"`autotl register {shlex.quote(str(whole.folder))} --name {shlex.quote(name)}`"
        return None, [f"{NOT_REGISTERED}{str(error).rstrip('.')}. Register it later with {again}"]


def joint_obstacle(folder: Path) -> str:
    """Why the audits of a study's targets prevent its registration; empty if all passed or are undecided."""
    results = {target.name: target.result for target in read_targets(folder).targets if target.result}
    return obstacle_of_targets(open_run(folder).config.max_gap, results)


def _why_unusable(whole: Run) -> str:
    """Why there is no deployable that answers all targets; empty if there is one."""
    found = read_targets(whole.folder)
    if missing := [target.name for target in found.targets if not target.result]:
        return (
            f"the model does not answer {', '.join(missing)}; finish that search first, with `autotl resume "
            f"{shlex.quote(str(whole.folder))}`"
        )
    if not (whole.champion / "model.onnx").exists():
        return (
            f"{whole.folder} has no model that answers all targets; register the run of each in {whole.folder}/targets"
        )
    return ""
