"""Conformance checks for exporters, panels and watchers, on a finished run."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from autotl.errors import ExportError
from autotl.evidence.panels import sound_part
from autotl.interfaces import (
    Exporter,
    Panel,
    Table,
)
from autotl.testing.support import doing, named, require

if TYPE_CHECKING:
    from autotl.runs.run import Run


def check_exporter(exporter: Exporter, run: Path) -> None:
    """Check that an exporter writes into its folder only, or says why it cannot."""
    subject = named(exporter, "exporter")
    before = _listing(run)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        out.mkdir()
        with doing(f"{subject}: obstacle(run)"):
            obstacle = exporter.obstacle(run)
        require(isinstance(obstacle, str), f"{subject}: obstacle(run) returned {obstacle!r}; expected a text")
        try:
            with doing(f"{subject}: export(run, out)", ExportError):
                main = exporter.export(run, out)
        except ExportError as error:
            require(str(error), f"{subject}: ExportError must say why the champion cannot be exported")
        else:
            require(not obstacle, f"{subject}: it was written, although obstacle(run) says {obstacle!r}")
            inside = Path(main).exists() and Path(main).resolve().is_relative_to(out.resolve())
            require(inside, f"{subject}: export returned {main}; expected the main file written into {out}")
    require(_listing(run) == before, f"{subject}: export changed the run folder {run}")


def check_panel(panel: Panel, run: Path) -> None:
    """Check that an panel shows the same sound tables and figures twice, and leaves the run as it was."""
    from autotl.evidence.run_evidence import read_evidence

    subject = named(panel, "panel")
    evidence = read_evidence(run)
    require(evidence is not None, f"{subject}: {run} is not a finished run with evidence")
    before = _listing(run)
    with doing(f"{subject}: show(run, tested)"):
        first, second = (list(panel.show(evidence.run, evidence.tested)) for _ in range(2))  # type: ignore[union-attr]
        for part in first:
            sound_part(part)
    for part in first:
        require(part.title, f"{subject}: {part!r} has no title")
        require(isinstance(part, Table) or part.alt, f"{subject}: the figure {part.title!r} has no alt text")
    require(first == second, f"{subject}: two calls on the same run showed different things")
    require(_listing(run) == before, f"{subject}: it changed the run folder {run}")


def check_watcher(plugin: object, *, run: Run | None = None) -> None:
    """Check that a plugin's watching hooks can be called; with a finished run, that they bear being called.

    run: told to the plugin as begun and as ended.
    """
    from autotl.plugins import load_plugins

    plugins = load_plugins(extra=[plugin], installed=False)
    for name, reason in plugins.broken.items():
        raise AssertionError(f"watcher {name!r} cannot be loaded: {reason}")
    [loaded] = plugins.loaded.values()
    require(
        any(hook.startswith("on_") for hook in loaded.hooks),
        f"watcher {loaded.name!r} watches nothing; its hooks are {', '.join(loaded.hooks)}",
    )
    if run is not None:
        plugins.notify("on_search_begin", run=run)
        plugins.notify("on_search_end", run=run)
    for (name, hook), count in plugins.failures.items():
        raise AssertionError(f"watcher {name!r} raised in {hook} ({count} times); see the log")


def _listing(folder: Path) -> list[tuple[str, int, int]]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
