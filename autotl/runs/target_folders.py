"""Where the runs of a study of several targets lie, and where the store is that they are recorded in."""

from __future__ import annotations

from pathlib import Path

TARGETS = "targets"
"""In a run folder of several targets: the folder with a run for each; in its run.json: what is known of each."""


def store_folder(run: Path) -> Path:
    """The folder that a run's store lies in unless it is named: beside the run, or beside the study it belongs to."""
    run = run.absolute()
    study = run.parent.parent
    return study.parent if run.parent.name == TARGETS and (study / "run.json").exists() else run.parent
