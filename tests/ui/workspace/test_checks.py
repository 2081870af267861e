"""The check of a dataset as the app reads it, from a real check."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from PIL import Image

from autotl.data.patch import Decision, patch_file, read_patch
from autotl.data.patch_edits import decide
from autotl_ui.workspace.checks import CheckView, look_at_check, start_check
from autotl_ui.workspace.data_sets import DataSet, save_data_set
from autotl_ui.workspace.workspace import Workspace

PATIENCE_SECONDS = 60


@pytest.fixture
def workspace(runs: Path) -> Workspace:
    return Workspace(runs.parent)


def test_a_check_finds_copies_proposes_what_to_do_and_grows_old_with_decisions(
    workspace: Workspace, tmp_path: Path
) -> None:
    folder = workspace.data / "pets"
    for label, colour in (("cat", 90), ("dog", 200)):
        (folder / label).mkdir(parents=True)
        for i in range(5):
            Image.effect_noise((32, 32), colour / 4 + 5 * i).save(folder / label / f"{i}.png")
    (folder / "cat" / "copy.png").write_bytes((folder / "cat" / "0.png").read_bytes())
    (folder / "dog" / "torn.png").write_bytes(b"torn")
    data_set = DataSet("pets", "pets", folder)
    save_data_set(workspace, data_set)
    assert look_at_check(workspace, data_set) == CheckView("never")
    start_check(workspace, data_set, quick=True)
    check = wait(workspace, data_set)
    assert check.condition == "done", check.problem
    assert check.document.set_aside[0][0] == "dog/torn.png"
    (found,) = [found for found in check.document.findings if found.check == "duplicates"]
    assert found.proposals == (Decision("exclude", "cat/copy.png"),)
    assert not check.document.is_outdated(read_patch(patch_file(folder)))
    decisions = decide(folder, found.proposals, cache=tmp_path / "cache")
    assert check.document.is_outdated(decisions)
    assert not check.document.is_outdated(decide(folder, [], undo=["cat/copy.png"], cache=tmp_path / "cache"))


def wait(workspace: Workspace, data_set: DataSet) -> CheckView:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (check := look_at_check(workspace, data_set)).condition == "running" and time.monotonic() < deadline:
        time.sleep(0.1)
    return check
