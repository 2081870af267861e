"""Images to label, for the tests of the Label page."""

from __future__ import annotations

import json
from pathlib import Path

import made_runs
from PIL import Image

from autotl_ui.workspace.data_sets import DataSet, save_data_set
from autotl_ui.workspace.workspace import Workspace


def write_pets(workspace: Workspace, *, n_unlabelled: int = 3) -> DataSet:
    """A dataset of two classes, four images each, and some without a label."""
    root = workspace.data / "pets"
    for number, name in enumerate([*(f"cat/{i}.png" for i in range(4)), *(f"dog/{i}.png" for i in range(4))]):
        write_image(root / name, shade=20 * number)
    for number in range(n_unlabelled):
        write_image(root / "unlabelled" / f"{number}.png", shade=200 + number)
    one = DataSet("pets", "*Pets*", root)
    save_data_set(workspace, one)
    return one


def write_image(path: Path, *, shade: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (30, 20), (shade, shade, shade)).save(path)


def write_run(workspace: Workspace, name: str, data: Path) -> Path:
    """A finished run that learned from these data."""
    folder = workspace.runs / name
    made_runs.write_finished(folder)
    state = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    state["config"]["data"] = str(data)
    (folder / "run.json").write_text(json.dumps(state), encoding="utf-8")
    return folder
