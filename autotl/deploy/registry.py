"""The model registry, which belongs to a plugin: the core knows no tracker and asks the one called `mlflow`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotl.deploy.versions import CHAMPION, PREVIOUS, AliasChange, RegisteredModel
from autotl.errors import ConfigError
from autotl.plugins import Plugins

if TYPE_CHECKING:
    from autotl.runs.run import Run

REGISTRY_PLUGIN = "mlflow"
DEFAULT_STORES = (Path(), Path("autotl-runs"))
MAX_NAME_LENGTH = 100
_RESERVED_ALIAS = re.compile(r"latest|v\d+", re.IGNORECASE)


def require_name(name: str) -> str:
    """A registered model's name as it can stand in an address such as models:/NAME@champion, else ConfigError."""
    if not re.fullmatch(r"\w(?:[\w .-]*\w)?", name) or len(name) > MAX_NAME_LENGTH or ".." in name:
        raise ConfigError(
            f"{name!r} cannot be the name of a registered model: it is part of the address that programs load it by, "
            f"models:/NAME@{CHAMPION}. Use 1 to {MAX_NAME_LENGTH} letters, digits, spaces, hyphens, underscores and "
            "single full stops, with a letter or digit at both ends, such as pet-pictures"
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


def store_address(plugins: Plugins, *, beside: Path, tracking_uri: str | None = None) -> str:
    """The address of the store that holds the models of the runs in the folder `beside`."""
    return str(require_registry(plugins).store_address(tracking_uri, beside.absolute()))


def list_models(plugins: Plugins, *, beside: Path, tracking_uri: str | None = None) -> tuple[RegisteredModel, ...]:
    """Every registered model with its versions and their evidence; none where there is no store yet.

    beside: the folder of the runs, whose store is asked where no address is given. Raises ConfigError.
    """
    found: tuple[RegisteredModel, ...] = require_registry(plugins).list_models(tracking_uri, beside.absolute())
    return found


def promote(
    name: str,
    version: int,
    plugins: Plugins,
    *,
    beside: Path,
    tracking_uri: str | None = None,
    expected: AliasChange | None = None,
) -> AliasChange:
    """Move the alias `champion` to a version; the version that had it becomes `previous`.

    expected: what whoever asks was told; where it would be another change by now, ConfigError and no change. None takes
    any. Raises ConfigError.
    """
    plugin = require_registry(plugins)
    change: AliasChange = plugin.promote(name, version, tracking_uri, beside.absolute(), expected=expected)
    return change


def roll_back(
    name: str, plugins: Plugins, *, beside: Path, tracking_uri: str | None = None, expected: AliasChange | None = None
) -> AliasChange:
    """Make the previous champion the champion again, and the other way round; expected as for `promote`.

    Raises ConfigError.
    """
    plugin = require_registry(plugins)
    change: AliasChange = plugin.roll_back(name, tracking_uri, beside.absolute(), expected=expected)
    return change


def set_alias(
    name: str, alias: str, version: int | None, plugins: Plugins, *, beside: Path, tracking_uri: str | None = None
) -> AliasChange:
    """Give a version an alias of your own, or take it away (version None). Raises ConfigError."""
    plugin = require_registry(plugins)
    change: AliasChange = plugin.set_alias(name, require_alias(alias), version, tracking_uri, beside.absolute())
    return change


def register(run: Run, name: str, plugins: Plugins, *, tracking_uri: str | None = None) -> dict[str, Any]:
    """Register a finished run's champion under a name and move the alias `champion` to it.

    tracking_uri: the store; None for the one of the run itself.
    """
    plugin = require_registry(plugins)
    require_name(name)
    if not run.document():
        raise ConfigError(f"{run.folder} has no champion yet; finish it with `autotl resume {run.folder}`")
    result: dict[str, Any] = plugin.register_deployable(
        run.champion, name, tracking_uri or run.config.tracking_uri, run.folder.parent.absolute()
    )
    return result


def fetch(uri: str, plugins: Plugins, *, tracking_uri: str | None) -> Path:
    """Download `models:/NAME@ALIAS` and return the deployable's folder.

    Without an address the store beside the runs of this folder is asked: in it, or in ./autotl-runs.
    """
    path: Path = require_registry(plugins).fetch_model(uri, tracking_uri, default_store())
    return path


def default_store() -> Path:
    """The folder whose store the command line asks where no address is given: this one, or ./autotl-runs."""
    beside = next((folder for folder in DEFAULT_STORES if (folder / "mlflow.db").exists()), DEFAULT_STORES[0])
    return beside.absolute()


def require_registry(plugins: Plugins) -> Any:
    """The plugin that has the registry; ConfigError where it is not loaded."""
    module = plugins.module(REGISTRY_PLUGIN)
    if module is None:
        raise ConfigError(
            f"the model registry comes with the plugin {REGISTRY_PLUGIN!r}, which is not loaded; "
            "`autotl plugins` says why"
        )
    return module
