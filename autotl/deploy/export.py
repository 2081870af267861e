"""Writing a run's champion in a format that an exporter plugin offers."""

from __future__ import annotations

import shutil
from pathlib import Path

from autotl.deploy.deployable import load_deployable
from autotl.errors import ConfigError, PluginError
from autotl.interfaces import Exporter
from autotl.plugins import Plugins
from autotl.runtime.blame import where_of_plugin


def export(run: Path, out: Path, format_name: str, plugins: Plugins) -> Path:
    """Write the champion of `run` into the new or empty folder `out`; returns the main file.

    Raises ConfigError for an unknown format or a folder in use, ExportError if this champion cannot be written so.
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
    except BaseException:
        # It was new or empty: what is there is half an export, and would be in the way of the next.
        shutil.rmtree(out, ignore_errors=True)
        if not made:
            out.mkdir(exist_ok=True)
        raise


def _require_written(exporter: Exporter, main: object, out: Path) -> None:
    """Raise PluginError if an exporter did not write what it says it wrote."""
    if not is_written(main, out):
        raise PluginError(
            f"exporter {exporter.name!r}{where_of_plugin(exporter.export)} returned {main!r:.200}; expected the main "
            f"file, written into {out}. Nothing was exported: choose another --format, or report this to its author"
        )


def is_written(main: object, out: Path) -> bool:
    """Whether an exporter returned a file, or a folder, that lies in `out` and is not empty."""
    if not isinstance(main, str | Path) or not Path(main).resolve().is_relative_to(out.resolve()):
        return False
    files = [Path(main)] if Path(main).is_file() else [path for path in Path(main).rglob("*") if path.is_file()]
    return any(path.stat().st_size for path in files)


def require_new(out: Path) -> None:
    """Raise ConfigError if a folder to export to holds something already."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"{out} already exists and is not an empty folder; give another one")
