"""The model registry, which belongs to a plugin: the core knows no tracker and asks the one called `mlflow`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autotl.errors import ConfigError
from autotl.plugins import Plugins
from autotl.run import Run

REGISTRY_PLUGIN = "mlflow"
DEFAULT_STORES = (Path(), Path("autotl-runs"))


def register(run: Run, name: str, plugins: Plugins) -> dict[str, Any]:
    """Register a finished run's champion under a name and move the alias `champion` to it."""
    plugin = require_registry(plugins)
    if not run.document():
        raise ConfigError(f"{run.folder} has no champion yet; finish it with `autotl resume {run.folder}`")
    result: dict[str, Any] = plugin.register_deployable(
        run.champion, name, run.config.tracking_uri, run.folder.parent.absolute()
    )
    return result


def fetch(uri: str, plugins: Plugins, *, tracking_uri: str | None) -> Path:
    """Download `models:/NAME@ALIAS` and return the deployable's folder.

    Without an address the store beside the runs of this folder is asked: in it, or in ./autotl-runs.
    """
    beside = next((folder for folder in DEFAULT_STORES if (folder / "mlflow.db").exists()), DEFAULT_STORES[0])
    path: Path = require_registry(plugins).fetch_model(uri, tracking_uri, beside.absolute())
    return path


def require_registry(plugins: Plugins) -> Any:
    """The plugin that has the registry; ConfigError where it is not loaded."""
    module = plugins.module(REGISTRY_PLUGIN)
    if module is None:
        raise ConfigError(
            f"the model registry comes with the plugin {REGISTRY_PLUGIN!r}, which is not loaded; "
            "`autotl plugins` says why"
        )
    return module
