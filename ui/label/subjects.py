"""What people label: a data set of the workspace, or the data of a run, opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from autotl.errors import DatasetError
from autotl.patch import patch_file
from autotl.settings import settings
from autotl.sources import Source, open_source
from autotl_ui.data_sets import DataSet, list_data_sets
from autotl_ui.runs import RunView
from autotl_ui.workspace import Workspace

FRESH_SECONDS = 60.0
"""How long a listing of the files may be old: making one anew takes a second for 100,000 of them."""


@dataclass(frozen=True)
class Subject:
    """Data to be labelled.

    key: names it in the page's address and among the choices. data, label, patch: as the command line takes them.
    name: of the data set's card, empty where there is none. runs: the finished runs that learned from it, newest first.
    """

    key: str
    title: str
    data: Path
    label: str | None = None
    patch: Path | None = None
    name: str = ""
    runs: tuple[RunView, ...] = ()

    @property
    def patch_file(self) -> Path:
        """Where decisions about it go."""
        return self.patch or patch_file(self.data)


def list_subjects(workspace: Workspace) -> list[Subject]:
    """The data sets, then the data of runs that are none of these."""
    finished = [run for run in workspace.list_runs() if run.result]
    by_data: dict[tuple[Path, str | None, Path | None], list[RunView]] = {}
    for run in finished:
        if (of := _data_of(run, workspace)) is not None:
            by_data.setdefault(of, []).append(run)
    subjects = [_of_data_set(one, by_data) for one in list_data_sets(workspace)]
    known = {subject.data.resolve() for subject in subjects}
    return subjects + [
        Subject(f"run={runs[0].name}", data.name, data, label, patch, runs=tuple(runs))
        for (data, label, patch), runs in by_data.items()
        if data.resolve() not in known
    ]


def open_subject(subject: Subject) -> Source:
    """Its pictures and what is said of them, perhaps a minute old; DatasetError where they cannot be read."""
    try:
        written = subject.data.stat().st_mtime_ns
    except OSError:
        raise DatasetError(f"{subject.data} is not there any more. Put it back, or choose other pictures.") from None
    return _open(str(subject.data), subject.label, written)


# As a resource and not as data: a copy of 100,000 rows for every keystroke would take longer than the keystroke.
@st.cache_resource(max_entries=3, ttl=FRESH_SECONDS, show_spinner="Reading the list of pictures")
def _open(data: str, label: str | None, written: int) -> Source:  # noqa: ARG001, what was written anew is read anew
    return open_source(Path(data), label=label, cache=settings().cache, need_labels=False)


def _of_data_set(one: DataSet, by_data: dict[tuple[Path, str | None, Path | None], list[RunView]]) -> Subject:
    mine = [(of, runs) for of, runs in by_data.items() if of[0].resolve() == one.path.resolve()]
    runs = sorted((run for _, found in mine for run in found), key=lambda run: -run.started)
    # Runs may have been given another patch file; decisions belong where the next run looks for them.
    patch = next((of[2] for of, found in mine if runs and runs[0] in found), None)
    return Subject(f"data={one.name}", one.title, one.path, one.label, patch, one.name, tuple(runs))


def _data_of(run: RunView, workspace: Workspace) -> tuple[Path, str | None, Path | None] | None:
    """Data, label and patch file that a run was given; None where its run.json does not say."""
    config = run.state.get("config")
    if not isinstance(config, dict) or not isinstance(config.get("data"), str):
        return None
    label, patch = config.get("label"), config.get("patch")
    return (
        workspace.root / config["data"],
        label if isinstance(label, str) else None,
        workspace.root / patch if isinstance(patch, str) else None,
    )
