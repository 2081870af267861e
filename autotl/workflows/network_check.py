"""Checks the backbones of a search in a process of its own, so that its caller, the app, loads no framework.

Started as `python -m autotl.workflows.network_check RUN`, or with `--backbones=A,B`, `--heads=A,B` and `--crops=A` for
a search that is to be started. Exit code 2 and a sentence on standard output where one of them cannot be used.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path

from autotl.errors import AutoTLError, RunError
from autotl.plugins import load_preferred
from autotl.runs.config import Config
from autotl.runs.run import read_state
from autotl.runtime.user_paths import split_names, split_paths
from autotl.settings import settings
from autotl.workflows.networks import require_networks, require_unchanged


def main(arguments: list[str] | None = None) -> int:
    """Check, and print what is wrong; returns the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run", nargs="?", type=Path)
    for names in ("--backbones", "--heads", "--crops"):
        parser.add_argument(names, default="")
    given = parser.parse_args(arguments)
    try:
        config = _kept_config(given.run) if given.run else _config(given.backbones, given.heads, given.crops)
        opened = read_state(given.run).get("opened", {}) if given.run else {}
        with contextlib.redirect_stdout(sys.stderr):  # plugins may print
            plugins = load_preferred(settings(), disable=config.disable_plugins)
            require_networks(config, plugins, settings())
            require_unchanged(opened, config, plugins, settings())
    except AutoTLError as error:
        sys.stdout.write(f"{error}\n")
        return 2
    return 0


def _kept_config(run: Path) -> Config:
    """The configuration of a run, whose data may have been moved away."""
    try:
        return Config.from_json(read_state(run)["config"])
    except (KeyError, TypeError) as error:
        raise RunError(f"the run folder {run} is damaged: its configuration cannot be read ({error})") from None


def _config(backbones: str, heads: str, crops: str) -> Config:
    return Config(
        data=Path(), run=Path(), backbones=split_paths(backbones), heads=split_names(heads), crops=split_names(crops)
    )


if __name__ == "__main__":
    sys.exit(main())
