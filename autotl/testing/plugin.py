"""Conformance checks for plugins: what an author runs, and what we run on everything we ship.

Each check raises AssertionError that says what the contract in `interfaces.py` asks for and what was found.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from autotl.testing.backbones import check_backbone
from autotl.testing.checks import check_check
from autotl.testing.evaluators import check_evaluator
from autotl.testing.finished_runs import check_exporter, check_panel
from autotl.testing.heads import check_head
from autotl.testing.samplers import check_sampler
from autotl.testing.support import require


def check_plugin(plugin: object, *, run: Path | None = None) -> None:
    """Check everything that a plugin (a module, or an object with hooks) offers.

    run: the folder of a finished run, needed where the plugin offers exporters or panels.
    """
    from autotl.plugins import load_plugins

    plugins = load_plugins(extra=[plugin], installed=False)
    for name, reason in plugins.broken.items():
        raise AssertionError(f"plugin {name!r} cannot be loaded: {reason}")
    [row] = plugins.table()
    require(
        row["offers"] or any(hook.startswith("on_") for hook in row["hooks"]),
        f"plugin {row['name']!r} offers nothing: its register_ hooks yield no object",
    )
    checks: dict[str, Callable[[Any], None]] = {
        "backbones": check_backbone,
        "heads": check_head,
        "evaluators": check_evaluator,
        "checks": check_check,
        "samplers": check_sampler,
    }
    for kind, check in checks.items():
        for thing in getattr(plugins, kind).values():
            check(thing)
    if plugins.exporters:
        require(run is not None, "exporters are checked on a finished run: check_plugin(plugin, run=FOLDER)")
        for exporter in plugins.exporters.values():
            check_exporter(exporter, Path(str(run)))
    if plugins.panels:
        require(run is not None, "panels are checked on a finished run: check_plugin(plugin, run=FOLDER)")
        for panel in plugins.panels.values():
            check_panel(panel, Path(str(run)))
