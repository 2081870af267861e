"""The Data page of clips: videos, and folders of frames that have to be asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from app_pages import open_page, words
from clip_models import changing
from moving_crops import write_frames

from autotl.data.clip_folders import CLIP_FILES, FRAME_FOLDERS
from autotl_ui.workspace.data_sets import DataSet, find_data_set, save_data_set
from autotl_ui.workspace.workspace import Workspace


@pytest.fixture
def workspace(runs: Path) -> Workspace:
    """One dataset, two folders of frames in each of two classes."""
    found = Workspace(runs.parent)
    for number in range(4):
        write_frames(found.data / "moves" / ("up", "down")[number % 2] / f"clip{number}", changing(20, 220))
    save_data_set(found, DataSet("moves", "Moves", found.data / "moves"))
    return found


def test_folders_of_frames_become_clips_where_that_is_chosen(workspace: Workspace) -> None:
    app = open_page("data")
    assert {metric.label: metric.value for metric in app.metric} == {"images": "48", "classes": "2"}
    app.toggle(key="clips-moves").set_value(True).run()
    app.selectbox(key="items-moves").set_value(FRAME_FOLDERS).run()
    assert not app.exception
    one = find_data_set(workspace, "moves")
    assert one is not None
    assert one.image == FRAME_FOLDERS
    assert {metric.label: metric.value for metric in app.metric} == {"clips": "4", "classes": "2"}
    app.selectbox(key="items-moves").set_value("").run()
    assert {metric.label: metric.value for metric in app.metric}["images"] == "48"


def test_a_choice_by_which_nothing_could_be_read_is_refused(workspace: Workspace) -> None:
    app = open_page("data")
    app.toggle(key="clips-moves").set_value(True).run()
    app.selectbox(key="items-moves").set_value(CLIP_FILES).run()
    assert not app.exception
    assert "has no clip, and --image clips asks for clips" in words(app)
    one = find_data_set(workspace, "moves")
    assert one is not None
    assert one.image is None
