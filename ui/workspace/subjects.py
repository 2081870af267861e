"""What people label: a dataset of the workspace, or the data of a run, opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autotl.data.patch import patch_file
from autotl.data.source import Source
from autotl.errors import DatasetError
from autotl.targets import Kind
from autotl_ui.workspace.data_sets import DataSet, list_data_sets
from autotl_ui.workspace.listings import list_items
from autotl_ui.workspace.runs import RunView
from autotl_ui.workspace.workspace import Workspace


@dataclass(frozen=True)
class Subject:
    """Data to be labelled.

    key: names it in the page's address and among the choices. data, label, patch, text, target, order, image: as the
    command line takes them.
    name: of the dataset's card, empty where there is none. runs: the finished runs that learned from it, newest first.
    """

    key: str
    title: str
    data: Path
    label: str | None = None
    patch: Path | None = None
    name: str = ""
    runs: tuple[RunView, ...] = ()
    text: str | None = None
    target: Kind = "classes"
    order: tuple[str, ...] = ()
    image: str | None = None

    @property
    def patch_file(self) -> Path:
        """Where decisions about it go."""
        return self.patch or patch_file(self.data)


def list_subjects(workspace: Workspace) -> list[Subject]:
    """The datasets, then the data of runs that are none of these."""
    finished = [run for run in workspace.list_runs() if run.result]
    by_data: dict[tuple[Path, str | None, Path | None], list[RunView]] = {}
    for run in finished:
        if run.data:
            by_data.setdefault((run.data, run.label, run.patch), []).append(run)
    subjects = [_of_data_set(one, by_data) for one in list_data_sets(workspace)]
    known = {subject.data.resolve() for subject in subjects}
    return subjects + [
        Subject(
            f"run={runs[0].name}",
            data.name,
            data,
            label,
            patch,
            runs=tuple(runs),
            text=runs[0].text,
            image=runs[0].image,
        )
        for (data, label, patch), runs in by_data.items()
        if data.resolve() not in known
    ]


def open_subject(subject: Subject) -> Source:
    """Its items and their labels; DatasetError if they cannot be read."""
    if not subject.data.exists():
        raise DatasetError(f"{subject.data} no longer exists. Put it back, or select other data.")
    return list_items(subject.data, subject.label, subject.text, subject.target, subject.order, subject.image)


def _of_data_set(one: DataSet, by_data: dict[tuple[Path, str | None, Path | None], list[RunView]]) -> Subject:
    mine = [(of, runs) for of, runs in by_data.items() if of[0].resolve() == one.path.resolve()]
    runs = sorted((run for _, found in mine for run in found), key=lambda run: -run.started)
    # Runs may have been given another patch file; decisions belong where the next run looks for them.
    patch = one.patch or next((of[2] for of, found in mine if runs and runs[0] in found), None)
    return Subject(
        f"data={one.name}", one.title, one.path, one.label, patch, one.name, tuple(runs), one.text, one.target,
        one.given_order, one.image,
    )  # fmt: skip
