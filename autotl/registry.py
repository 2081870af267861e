"""The model registry, which belongs to a plugin: the core knows no tracker and asks the one called `mlflow`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autotl.errors import ConfigError
from autotl.plugins import Plugins
from autotl.run import Run

REGISTRY_PLUGIN = "mlflow"


def register(run: Run, name: str, plugins: Plugins) -> dict[str, Any]:
    """Register a finished run's champion under a name and move the alias `champion` to it."""
    plugin = _plugin(plugins)
    if not run.document():
        raise ConfigError(f"{run.folder} has no champion yet; finish it with `autotl resume {run.folder}`")
    result: dict[str, Any] = plugin.register_deployable(
        run.champion, name, run.config.tracking_uri, run.folder.parent.absolute()
    )
    return result


def fetch(uri: str, plugins: Plugins) -> Path:
    """Download `models:/NAME@ALIAS` and return the deployable's folder."""
    path: Path = _plugin(plugins).fetch_model(uri, None, Path("autotl-runs").absolute())
    return path


def _plugin(plugins: Plugins) -> Any:
    module = plugins.module(REGISTRY_PLUGIN)
    if module is None:
        raise ConfigError(
            f"the model registry comes with the plugin {REGISTRY_PLUGIN!r}, which is not loaded; "
            "`autotl plugins` says why"
        )
    return module
