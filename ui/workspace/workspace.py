"""A workspace: the folder that holds one person's datasets and runs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from autotl.runtime.addresses import sqlite_address
from autotl_ui.jobs.jobs import JobOwner
from autotl_ui.jobs.lanes import QUEUE
from autotl_ui.workspace.runs import RunView, look, with_targets

_MARKS = ("run.json", "events.jsonl", "study.db")


@dataclass(frozen=True)
class Workspace:
    """Where one person's things are.

    root: the folder that holds them. whole_machine: whether its owner may name any path of the machine that runs the
    app, as the person who started it may.
    """

    root: Path
    whole_machine: bool = True

    @property
    def runs(self) -> Path:
        """The run folders, where the command line writes them too, and MLflow's store beside them."""
        return self.root / "autotl-runs"

    @property
    def data(self) -> Path:
        """What was uploaded, and what is known of datasets elsewhere."""
        return self.root / "autotl-data"

    @property
    def tracking_uri(self) -> str | None:
        """MLflow's store where it has to be the one beside the runs; None leaves it to the environment variable."""
        return None if self.whole_machine else sqlite_address(self.runs / "mlflow.db")

    @property
    def job_owner(self) -> JobOwner:
        """In whose name jobs start; a guest's do not see the model registry of the person who serves the app."""
        hidden = () if self.whole_machine else ("MLFLOW_TRACKING_URI",)
        return JobOwner(str(self.root), root_folder() / QUEUE, hidden)

    def shown(self, path: Path) -> str:
        """A path as its owner may see it: in full on their own machine, else from their own folder on."""
        inside = path.is_relative_to(self.root)
        return str(path.relative_to(self.root) if inside and not self.whole_machine else path)

    def list_runs(self) -> list[RunView]:
        """Every run, newest first, those included that have not written anything yet.

        A run of several targets is followed by the runs of these.
        """
        if not self.runs.is_dir():
            return []
        names = {path.parent.name for mark in _MARKS for path in self.runs.glob(f"*/{mark}")}
        names |= {path.name.removesuffix(".job.json") for path in self.runs.glob("*.job.json")}
        found = sorted((look(self.runs / name) for name in names), key=lambda run: (-run.started, run.name))
        return [run for one in map(with_targets, found) for run in (one, *one.targets)]


def root_folder() -> Path:
    """The folder that the environment variable AUTOTL_WORKSPACE names, else the current one."""
    return Path(os.environ.get("AUTOTL_WORKSPACE") or ".").expanduser().absolute()
