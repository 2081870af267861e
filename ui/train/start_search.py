"""A search as it is requested on the Train page, and the job that runs it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from autotl.data.dataset import MIN_IMAGES_PER_CLASS
from autotl.data.listing import TABLE_SUFFIXES
from autotl.data.patch import read_patch
from autotl.data.preflight import listed_small_classes, require_learnable_listing, require_trainable_listing
from autotl.data.source import Source
from autotl.deploy.registry import require_name, require_registry
from autotl.errors import AutoTLError
from autotl.targets import CLASSES, ORDERED
from autotl_ui.jobs import jobs
from autotl_ui.train.networks import brings_networks, find_problem_of_networks
from autotl_ui.workspace.data_sets import DataSet
from autotl_ui.workspace.installed import loaded_plugins
from autotl_ui.workspace.listings import list_data_set
from autotl_ui.workspace.runs import RunView
from autotl_ui.workspace.workspace import Workspace


@dataclass(frozen=True)
class SearchRequest:
    """The data and the options of a search.

    trials: None for as many as the time allows. backbones, heads: empty for the defaults; a backbone may be the path of
    a network. crops: compared with whole images. groups, register: empty for none. leave_out: whether classes with too
    few images are left out.
    labels: the columns to learn, none for that of the dataset. workers: 0 for as many as suit the machine.
    """

    data_set: DataSet
    budget_seconds: float
    objective: str = "balanced_accuracy"
    strategy: str = "auto"
    trials: int | None = None
    backbones: tuple[str, ...] = ()
    crops: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()
    groups: str = ""
    mirrored: bool = False
    seed: int = 0
    workers: int = 1
    register: str = ""
    leave_out: bool = False
    labels: tuple[str, ...] = ()

    @property
    def read(self) -> tuple[DataSet, ...]:
        """The dataset as it is read for each column to learn."""
        return tuple(replace(self.data_set, label=name) for name in self.labels) or (self.data_set,)

    @property
    def min_per_class(self) -> int | None:
        """The images that each class needs so that it is not left out; None for leaving out none."""
        return MIN_IMAGES_PER_CLASS if self.leave_out else None


def _listed(data_set: DataSet) -> Source:
    return list_data_set(data_set)


def find_small_classes(data_set: DataSet) -> Mapping[str, int]:
    """The classes with too few images to learn from, as far as the listing of a dataset tells, with their numbers."""
    if data_set.target not in (CLASSES, ORDERED):
        return {}
    try:
        return listed_small_classes(_listed(data_set), read_patch(data_set.patch_file))
    except AutoTLError:
        return {}  # why they cannot be read is the refusal


def find_refusal(data_set: DataSet, *, leave_out: bool = False) -> str:
    """Why a search of a dataset would be refused, as far as its listing tells; empty where it would not."""
    if not data_set.path.exists():
        return (
            f"the files of {data_set.title} are gone: there is nothing at {data_set.path}. Put them back, or choose "
            "another dataset."
        )
    try:
        source = _listed(data_set)
        require_learnable_listing(
            data_set.path, source, read_patch(data_set.patch_file),
            min_per_class=MIN_IMAGES_PER_CLASS if leave_out else None,
        )  # fmt: skip
    except AutoTLError as error:
        return str(error)
    return ""


def find_problem(request: SearchRequest, workspace: Workspace) -> str:
    """Why the search cannot be started; empty where it can. These are the checks of `fit` that read no image."""
    for one in request.read:
        if refusal := find_refusal(one, leave_out=request.leave_out):
            return refusal
    if Path(request.groups).suffix.lower() in TABLE_SUFFIXES and not workspace.whole_machine:
        return "Groups cannot be read from a table here. Name a column of the table of labels, or give a pattern."
    offered = loaded_plugins().sources()
    elsewhere = [name for name in request.backbones if name not in offered and not _is_inside(name, workspace)]
    if elsewhere and not workspace.whole_machine:
        return f"The network {elsewhere[0]} cannot be used here. Choose one from the list, or upload an ONNX file."
    try:
        if request.register:
            require_name(request.register)
            require_registry(loaded_plugins())
        for one in request.read:
            require_trainable_listing(
                one.path, _listed(one), read_patch(one.patch_file), groups=request.groups,
                min_per_class=request.min_per_class, seed=request.seed,
            )  # fmt: skip
    except AutoTLError as error:
        return str(error)
    if not (request.crops or brings_networks(request.backbones, request.heads)):
        return ""
    names = {"--backbones": request.backbones, "--heads": request.heads, "--crops": request.crops}
    return find_problem_of_networks(
        [f"{option}={','.join(given)}" for option, given in names.items()], owner=workspace.job_owner
    )


def _is_inside(path: str, workspace: Workspace) -> bool:
    return Path(path).resolve().is_relative_to(workspace.root.resolve())


def start_search(request: SearchRequest, workspace: Workspace) -> str:
    """Start or queue the search; returns the name of the run. Raises OSError if it cannot start."""
    folder = _free_folder(workspace.runs / f"{request.data_set.name}-{time.strftime('%Y%m%d-%H%M%S')}")
    jobs.start(
        folder, arguments(request, folder), owner=workspace.job_owner, about=request.data_set.title,
        budget_seconds=request.budget_seconds,
    )  # fmt: skip
    return folder.name


def find_problem_of_resuming(workspace: Workspace, run: RunView) -> str:
    """Why a run cannot be resumed, as far as its backbones tell; empty where it can."""
    if not brings_networks(run.state.backbones, run.state.heads):
        return ""
    return find_problem_of_networks([str(run.folder)], owner=workspace.job_owner)


def resume_search(workspace: Workspace, run: RunView) -> None:
    """Resume a run with the rest of its budget. Raises OSError if it cannot start."""
    about = run.job.about if run.job else run.name
    jobs.start(
        run.folder,
        ["resume", str(run.folder)],
        owner=workspace.job_owner,
        about=about,
        budget_seconds=run.state.budget_seconds,
    )


def arguments(request: SearchRequest, folder: Path) -> list[str]:
    """The command line. Each value is tied to its option by "=", so that none can pass for an option itself."""
    given = {
        "--run": str(folder),
        "--budget": f"{request.budget_seconds:g}s",
        "--objective": request.objective,
        "--strategy": request.strategy,
        "--trials": str(request.trials or ""),
        "--backbones": ",".join(request.backbones),
        "--crops": ",".join(("none", *request.crops)) if request.crops else "",
        "--heads": ",".join(request.heads),
        "--groups": request.groups,
        "--seed": str(request.seed or ""),
        "--workers": {0: "auto", 1: ""}.get(request.workers, str(request.workers)),
        "--register": request.register,
        "--min-per-class": str(request.min_per_class or ""),
        "--events": str(jobs.events_file(folder)),
    }
    options = [f"{option}={value}" for option, value in given.items() if value]
    options += ["--mirrored"] if request.mirrored else []
    data_set = request.data_set
    read = replace(data_set, label=",".join(request.labels) or data_set.label).options
    return ["fit", str(data_set.path), *options, *read, *data_set.patch_options]


def _free_folder(folder: Path) -> Path:
    """The folder, or one with a number, so that two searches started in the same second do not collide."""
    number, wanted = 2, folder
    while folder.exists() or jobs.read(folder):
        folder = wanted.with_name(f"{wanted.name}-{number}")
        number += 1
    return folder
