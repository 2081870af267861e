"""What commands print, and what they open first."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from autotl.plugins import Plugins
    from autotl.runs.config import Config
    from autotl.runs.run import Listener


def open_listeners(config: Config) -> tuple[tuple[Listener, ...], Any]:
    from autotl.cli.progress import ProgressPrinter

    printer = ProgressPrinter(budget_seconds=config.budget_seconds)
    return (printer,), printer.close


def load_plugins(disable: list[str] | tuple[str, ...] | None, *, quiet: bool = False) -> Plugins:
    from autotl.plugins import load_preferred

    loaded = load_preferred(disable=disable or ())
    if not quiet:
        for name, reason in loaded.broken.items():
            typer.echo(f"Warning: the plugin {name!r} is broken and was left out: {reason}", err=True)
    return loaded


def cache_folder() -> Path:
    from autotl.settings import settings

    return settings().cache


def print_json(document: Any) -> None:
    """Print plain values; paths as text."""
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False, default=os.fspath))
