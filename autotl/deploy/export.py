"""Writing a run's champion in a format that an exporter plugin offers."""

from __future__ import annotations

from pathlib import Path

from autotl.deploy.deployable import load_deployable
from autotl.errors import ConfigError, PluginError
from autotl.interfaces import Exporter
from autotl.plugins import Plugins
from autotl.runtime.blame import of_plugin


def export(run: Path, out: Path, format_name: str, plugins: Plugins) -> Path:
    """Write the champion of `run` into the new or empty folder `out`; returns the main file.

    Raises ConfigError for an unknown format or a folder in use, ExportError where this champion cannot be written so.
    """
    exporter: Exporter = plugins.pick(Exporter, format_name)
    load_deployable(run)
    require_new(out)
    made = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    try:
        main = exporter.export(run, out)
        _require_written(exporter, main, out)
        return Path(main)
    finally:
        if made and not any(out.iterdir()):
            out.rmdir()


def _require_written(exporter: Exporter, main: object, out: Path) -> None:
    """Raise PluginError where an exporter did not write what it says it wrote."""
    written = (
        isinstance(main, str | Path) and Path(main).exists() and Path(main).resolve().is_relative_to(out.resolve())
    )
    if not written:
        raise PluginError(
            f"exporter {exporter.name!r}{of_plugin(exporter.export)} returned {main!r:.200}; expected the main file, "
            f"written into {out}. Nothing was exported: choose another --format, or report this to its author"
        )


def require_new(out: Path) -> None:
    """Raise ConfigError where a folder to export to holds something already."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"{out} already exists and is not an empty folder; give another one")
