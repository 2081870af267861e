"""The folder whose runs the app shows."""

from __future__ import annotations

import os
from pathlib import Path

from autotl_ui.runs import RunView, look

_MARKS = ("run.json", "events.jsonl", "study.db")


def runs_folder() -> Path:
    """The folder that the environment variable AUTOTL_RUNS names, else `autotl-runs` in the current one."""
    return Path(os.environ.get("AUTOTL_RUNS") or "autotl-runs").expanduser().absolute()


def list_runs(folder: Path) -> list[RunView]:
    """Every run in a folder, newest first, those included that have not written anything yet."""
    if not folder.is_dir():
        return []
    names = {path.parent.name for mark in _MARKS for path in folder.glob(f"*/{mark}")}
    names |= {path.name.removesuffix(".job.json") for path in folder.glob("*.job.json")}
    return sorted((look(folder / name) for name in names), key=lambda run: (-run.started, run.name))
