"""The datasets of a workspace: what was uploaded, and what lies elsewhere on this machine."""

from __future__ import annotations

import json
import os
import re
import shutil
import unicodedata
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from autotl.data.class_order import ORDER_SUFFIX, order_file
from autotl.data.listing import PATCH_SUFFIX
from autotl.data.patch import patch_file
from autotl.runtime.atomic_files import write_atomically
from autotl.runtime.user_paths import as_option
from autotl.targets import CLASSES, ORDERED, Kind, named_kind
from autotl_ui.workspace.runs import RunView
from autotl_ui.workspace.workspace import Workspace

_LONGEST_PATH = 4000
_PATHS = ("path", "origin", "patch")
_CARD, _REMOVED = ".dataset.json", ".removed.json"


@dataclass(frozen=True)
class DataSet:
    """One of them.

    name: its card's name in the workspace, made here and never by a user. title: what its owner calls it.
    path: what the command line is given: a folder, an archive or a table of labels.
    label, text, image: the columns of the labels, the texts and the images, None if the table says which, or there is
    none.
    origin: what `path` was before its folders were mapped to classes by hand; None if they were not.
    patch: the file of the decisions, where it cannot lie beside the data; None if it does.
    skipped: what was dropped and not uploaded, in words. target: what the labels are, see `autotl.targets`. order: of
    ordered classes, from low to high, empty if their names tell it.
    """

    name: str
    title: str
    path: Path
    label: str | None = None
    origin: Path | None = None
    patch: Path | None = None
    skipped: str = ""
    text: str | None = None
    target: Kind = "classes"
    order: tuple[str, ...] = ()
    image: str | None = None

    @property
    def patch_file(self) -> Path:
        """Where the decisions are kept."""
        return self.patch or patch_file(self.path)

    @property
    def patch_options(self) -> list[str]:
        """The options that tell a command where the decisions are."""
        return ["--patch", str(self.patch)] if self.patch else []

    @property
    def columns(self) -> list[str]:
        """The options that tell a command which columns of a table to read."""
        given = {"--label": self.label, "--text": self.text, "--image": self.image}
        return [part for option, value in given.items() if value for part in (option, value)]

    @property
    def options(self) -> list[str]:
        """The options that tell a command how to read the data."""
        order = [f"--order={as_option(self.given_order)}"] if self.given_order else []
        return [*self.columns, *(["--target", self.target] if self.target != CLASSES else []), *order]

    @property
    def given_order(self) -> tuple[str, ...]:
        """The order of the classes, if it was given and they have one."""
        return self.order if self.target == ORDERED else ()


def list_data_sets(workspace: Workspace) -> list[DataSet]:
    """Every dataset, by title; a damaged card is ignored."""
    found = (find_data_set(workspace, path.name.removesuffix(_CARD)) for path in workspace.data.glob(f"*{_CARD}"))
    return sorted((one for one in found if one), key=lambda one: (one.title.lower(), one.name))


def find_data_set(workspace: Workspace, name: str) -> DataSet | None:
    """The dataset of this name, None if there is none or its card cannot be read."""
    if name != slug(name):  # an address is not trusted to be a path
        return None
    return _read_card(workspace, name, _CARD)


def _read_card(workspace: Workspace, name: str, suffix: str) -> DataSet | None:
    try:
        card = json.loads((workspace.data / f"{name}{suffix}").read_text(encoding="utf-8"))
        # Uploads lie beside their card, wherever the workspace is moved to.
        origin, patch = (workspace.data / card[key] if card.get(key) else None for key in ("origin", "patch"))
        path, label = workspace.data / card["path"], card["label"]
        if "\0" in str(path) or len(str(path)) > _LONGEST_PATH:
            return None  # no system has such a path
        skipped, text, image = str(card.get("skipped", "")), card.get("text"), card.get("image")
        return DataSet(
            name, str(card["title"]), path, str(label) if label else None, origin, patch, skipped,
            str(text) if text else None, named_kind(str(card.get("target", CLASSES))),
            tuple(map(str, card.get("order", ()))), str(image) if image else None,
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError):
        return None


def data_in_address(workspace: Workspace, run: RunView) -> dict[str, str]:
    """What names the dataset that a run learns from in a page's address; nothing where it is not known."""
    return next(({"data": one.name} for one in list_data_sets(workspace) if learned_from(run, one)), {})


def learned_from(run: RunView, data_set: DataSet) -> bool:
    """Whether a run learns from a dataset."""
    if run.data:
        return run.data.resolve() in {path.resolve() for path in (data_set.path, data_set.origin) if path}
    # A search that failed early has written nothing yet; its job has the title.
    return data_set.title == (run.job.about if run.job else "")


def newest_data(workspace: Workspace) -> str:
    """The dataset of the newest run, else the first by title; empty where there is none."""
    data_sets = list_data_sets(workspace)
    of_runs = (one.name for run in workspace.list_runs() for one in data_sets if learned_from(run, one))
    return next(of_runs, data_sets[0].name if data_sets else "")


def save_data_set(workspace: Workspace, data_set: DataSet) -> None:
    """Write a dataset's card."""
    workspace.data.mkdir(parents=True, exist_ok=True)
    paths = {key: path and _path_in_card(path, workspace) for key, path in asdict(data_set).items() if key in _PATHS}
    card = {**asdict(data_set), **paths}
    write_atomically(workspace.data / f"{data_set.name}{_CARD}", json.dumps(card, indent=2).encode())


def make_room_for_decisions(workspace: Workspace, data_set: DataSet) -> DataSet:
    """Keep the decisions in the workspace from now on, where nothing can be written beside the data.

    Those that lie beside the data already are copied. Raises OSError if that cannot be done.
    """
    beside = data_set.patch_file
    needless = data_set.patch or os.access(beside.parent, os.W_OK)
    # Data that are gone may come back to where they can be written beside.
    if needless or not data_set.path.exists() or not os.access(workspace.data, os.W_OK):
        return data_set
    kept = replace(data_set, patch=workspace.data / f"{data_set.name}{PATCH_SUFFIX}")
    if beside.exists() and not kept.patch_file.exists():
        write_atomically(kept.patch_file, beside.read_bytes())
    if order_file(beside).exists() and not order_file(kept.patch_file).exists():
        write_atomically(order_file(kept.patch_file), order_file(beside).read_bytes())
    save_data_set(workspace, kept)
    return kept


def is_own(workspace: Workspace, data_set: DataSet) -> bool:
    """Whether the app has a copy of these data, which it may delete; what lies elsewhere it never touches."""
    return (data_set.origin or data_set.path).is_relative_to(workspace.data / data_set.name)


def delete_data_set(workspace: Workspace, data_set: DataSet) -> None:
    """Forget a dataset, and where the app has a copy of its own, delete that too.

    Decisions that the app keeps about images elsewhere stay, with what they refer to: see `bring_back`.
    """
    name = data_set.name
    if name != slug(name):
        return
    card, files = workspace.data / f"{name}{_CARD}", set(workspace.data.glob(f"{name}.*"))
    decided = {path for path in files if path.name.endswith((PATCH_SUFFIX, ORDER_SUFFIX))}
    # The card goes first: a dataset without a card is not there.
    if decided and not is_own(workspace, data_set):
        card.replace(workspace.data / f"{name}{_REMOVED}")
        files -= {*decided, data_set.path}
    for path in (card, *files):
        path.unlink(missing_ok=True)
    shutil.rmtree(workspace.data / name, ignore_errors=True)


def bring_back(workspace: Workspace, path: Path) -> DataSet | None:
    """List the data at this path again as they were when they were removed; None if nothing was kept about them."""
    for card in sorted(workspace.data.glob(f"*{_REMOVED}")):
        one = _read_card(workspace, card.name.removesuffix(_REMOVED), _REMOVED)
        if one and path in (one.path, one.origin):
            one = replace(one, title=free_title(workspace, one.title))
            save_data_set(workspace, one)
            card.unlink()
            return one
    return None


def free_title(workspace: Workspace, title: str) -> str:
    """The title, or one with a number where another dataset is called so."""
    taken = {one.title for one in list_data_sets(workspace)}
    number, free = 2, title
    while free in taken:
        free, number = f"{title} {number}", number + 1
    return free


def free_name(workspace: Workspace, title: str) -> str:
    """A name that no dataset of the workspace has or had, near to its title.

    What a run learned from keeps its name when it is deleted: other images there would be taken for those of the run.
    """
    wanted = slug(title)
    taken = {path.name.partition(".")[0] for path in workspace.data.glob("*")} if workspace.data.is_dir() else set()
    for run in workspace.list_runs():
        if run.data and workspace.data in run.data.parents:
            taken.add(run.data.relative_to(workspace.data).parts[0].partition(".")[0])
    number, name = 2, wanted
    while name in taken:
        name, number = f"{wanted}-{number}", number + 1
    return name


def _path_in_card(path: Path, workspace: Workspace) -> str:
    """A path for a card: relative where it lies in the workspace, which may be moved."""
    return str(path.relative_to(workspace.data) if path.is_relative_to(workspace.data) else path)


def slug(title: str) -> str:
    """A short name of letters, digits and hyphens, which any system takes for a file's."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:40].strip("-") or "data"
