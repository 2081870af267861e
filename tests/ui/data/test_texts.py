"""The Data page of texts: their words, the columns of tables, and cells pasted from a spreadsheet."""

from __future__ import annotations

from pathlib import Path

import pytest
from app_pages import open_page, words
from made_texts import sentences, write_folder, write_table
from streamlit.testing.v1 import AppTest

from autotl.data.patch import Decision, read_patch
from autotl_ui.workspace.data_sets import DataSet, find_data_set, list_data_sets, save_data_set
from autotl_ui.workspace.workspace import Workspace


@pytest.fixture
def workspace(runs: Path) -> Workspace:
    return Workspace(runs.parent)


def add(workspace: Workspace, path: Path) -> None:
    save_data_set(workspace, DataSet("films", "Films", path))


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click().run()
    assert not app.exception
    return app


def test_a_folder_of_texts_is_understood_and_speaks_of_texts(workspace: Workspace) -> None:
    add(workspace, write_folder(workspace.data / "films"))
    app = open_page("data")
    assert {metric.label: metric.value for metric in app.metric} == {"texts": "12", "classes": "2"}
    for section in ("Overview", "Images", "Check", "Decisions"):
        app.button_group(key="section").set_value(section).run()
        assert not app.exception
        assert "image" not in words(app)


def test_a_text_is_excluded_as_an_image_is(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    add(workspace, write_folder(workspace.data / "films"))
    monkeypatch.setattr("autotl_ui.data.gallery.show_items", lambda items, **_: [items[0].name])
    app = open_page("data")
    app.button_group(key="section").set_value("Images").run()
    assert "1 text of 6 selected" in words(app)
    press(app, "exclude")
    one = find_data_set(workspace, "films")
    assert one is not None
    [decision] = read_patch(one.patch_file)
    assert (decision.decision, decision.item) == ("exclude", "bad/000.txt")
    assert isinstance(decision, Decision)


def test_the_columns_of_a_table_are_chosen_where_they_are_not_recognised(workspace: Workspace) -> None:
    add(workspace, write_table(workspace.data / "films" / "films.csv"))
    app = open_page("data")
    app.selectbox(key="text-films").set_value("said")
    app.selectbox(key="label-films").set_value("said").run()
    assert app.button(key="use-label").disabled
    app.selectbox(key="label-films").set_value("verdict").run()
    press(app, "use-label")
    one = find_data_set(workspace, "films")
    assert one is not None
    assert one.options == ["--label", "verdict", "--text", "said"]
    assert {metric.label: metric.value for metric in app.metric} == {"texts": "12", "classes": "2"}


def test_pasted_cells_become_a_dataset_of_texts(workspace: Workspace) -> None:
    app = open_page("data")
    app.toggle(key="pasting").set_value(True).run()
    app.text_area(key="pasted").set_value("\n".join("\t".join(row) for row in sentences(10)))
    app.text_input(key="pasted-title").set_value("From my *sheet*")
    press(app, "use-pasted")
    [one] = list_data_sets(workspace)
    assert (one.title, one.options) == ("From my *sheet*", ["--label", "label", "--text", "text"])
    assert {metric.label: metric.value for metric in app.metric} == {"texts": "10", "classes": "2"}


def test_cells_that_cannot_be_used_are_refused_with_the_reason(workspace: Workspace) -> None:
    app = open_page("data")
    app.toggle(key="pasting").set_value(True).run()
    app.text_area(key="pasted").set_value("a\tb\tc")
    press(app, "use-pasted")
    assert "row 1 has 3 cells" in words(app)
    assert not list_data_sets(workspace)
