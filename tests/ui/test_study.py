"""One current study: it is in the address of every page, and what is missing is said and never replaced."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import made_runs
import pytest
from app_pages import APP, PAGES, open_page, words
from label_data import write_pets, write_run
from small_models import write_small_model
from streamlit.testing.v1 import AppTest

from autotl_ui.workspace.data_sets import DataSet, delete_data_set, save_data_set
from autotl_ui.workspace.workspace import Workspace

CHOICES = {"results": "run", "try": "run", "models": "use-model", "label": "subject", "train": "data-set"}


@pytest.fixture
def workspace(runs: Path) -> Workspace:
    """Two datasets, each with a finished run; that of the pets is the older."""
    workspace = Workspace(runs.parent)
    pets = write_pets(workspace)
    write_run(workspace, "of-pets", pets.path)
    os.utime(runs / "of-pets" / "run.json", (1e9, 1e9))
    os.utime(runs / "of-pets" / "events.jsonl", (1e9, 1e9))
    made_runs.write_finished(runs / "of-photos")
    save_data_set(workspace, DataSet("photos", "Photos", runs.parent / "photos"))
    for seed, name in enumerate(("of-pets", "of-photos")):
        shutil.rmtree(runs / name / "champion")
        write_small_model(runs / name / "champion", seed=seed)
    return workspace


def open_at(page: str, **address: str) -> AppTest:
    """A page as a link with this address opens it, in a browser that shows nothing yet."""
    app = AppTest.from_file(str(APP), default_timeout=20)
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    app.switch_page(PAGES[page]).run()
    assert not app.exception
    return app


def address(app: AppTest) -> dict[str, str]:
    found = {name: app.query_params[name] for name in ("run", "data") if name in app.query_params}
    return {name: value if isinstance(value, str) else value[0] for name, value in found.items()}


@pytest.mark.parametrize("page", CHOICES)
@pytest.mark.parametrize(("kind", "name"), [("run", "gone"), ("data", "gone"), ("run", "../runs"), ("data", "*x*")])
def test_what_is_missing_is_said_and_nothing_is_shown_in_its_place(
    page: str, kind: str, name: str, workspace: Workspace
) -> None:
    app = open_at(page, **{kind: name})
    assert f"There is no {'run' if kind == 'run' else 'dataset'} {name} here" in words(app)
    assert app.selectbox(key=CHOICES[page]).value is None
    assert not app.metric
    assert address(app) == {kind: name}  # so that it is said again when the page is loaded again


@pytest.mark.parametrize("address_of_it", [{"run": "gone"}, {"data": "gone"}])
def test_the_data_page_says_it_too_and_lets_the_reader_choose(
    address_of_it: dict[str, str], workspace: Workspace
) -> None:
    app = open_at("data", **address_of_it)
    assert "gone here" in words(app)
    assert app.radio(key="data").value is None
    app.radio(key="data").set_value("pets").run()
    assert "gone here" not in words(app)
    assert address(app) == {"data": "pets"}


@pytest.mark.parametrize("page", ["results", "try", "models", "label", "train", "data"])
def test_every_page_is_about_the_study_of_its_address_and_keeps_it(page: str, workspace: Workspace) -> None:
    app = open_at(page, run="of-pets")
    assert address(app) == {"run": "of-pets"}
    if page == "data":
        assert app.radio(key="data").value == "pets"
    elif page == "train":
        assert "of-pets" in words(app)
    else:
        box = app.selectbox(key=CHOICES[page])
        chosen = box.format_func(box.value)
        assert chosen.startswith({"label": "*Pets*", "models": "Run of-pets"}.get(page, "of-pets"))


@pytest.mark.parametrize("page", ["results", "try", "models"])
def test_a_dataset_leads_to_a_model_of_it_and_never_to_one_of_other_data(page: str, workspace: Workspace) -> None:
    assert address(open_at(page, data="pets")) == {"run": "of-pets"}
    save_data_set(workspace, DataSet("new", "*New*", workspace.root / "new"))
    app = open_at(page, data="new")
    assert "No model has been trained on *New* yet" in words(app)
    assert app.selectbox(key=CHOICES[page]).value is None
    assert address(app) == {"data": "new"}


def test_a_choice_on_one_page_is_the_study_of_all(workspace: Workspace) -> None:
    app = open_at("results", run="of-pets")
    app.selectbox(key="run").set_value("of-photos").run()
    assert address(app) == {"run": "of-photos"}
    for page in PAGES:
        for name in ("run", "data"):  # as the browser's navigation does it
            if name in app.query_params:
                del app.query_params[name]
        app.switch_page(PAGES[page]).run()
        assert not app.exception
        assert address(app) == {"run": "of-photos"}, page


@pytest.mark.parametrize("page", ["try", "models"])
@pytest.mark.parametrize("condition", ["failed", "damaged"])
def test_a_run_without_a_model_is_named_and_no_other_model_is_offered(
    page: str, condition: str, workspace: Workspace
) -> None:
    if condition == "failed":
        made_runs.write_failed(workspace.runs / "bad", "too few images")
    else:
        made_runs.write_damaged(workspace.runs / "bad")
    app = open_at(page, run="bad")
    assert f"Run bad has no model ({condition})" in words(app)
    assert app.selectbox(key=CHOICES[page]).value is None
    assert not app.get("bidi_component")


def test_a_model_that_a_link_leads_to_and_that_is_gone_is_said(workspace: Workspace) -> None:
    app = open_at("models", run="of-pets")
    app.query_params["deployable"] = "0123456789ab"
    app.run()
    assert "The model that this link leads to is gone" in words(app)
    assert app.selectbox(key="use-model").value is None


def test_a_dataset_that_its_owner_deletes_leaves_no_trace_in_the_address(workspace: Workspace) -> None:
    app = open_at("data", data="pets")
    delete_data_set(workspace, DataSet("pets", "*Pets*", workspace.data / "pets"))
    assert "There is no dataset pets here" in words(app.run())  # deleted in another window


def test_without_a_study_the_newest_run_is_shown(workspace: Workspace) -> None:
    assert address(open_at("data")) == {"data": "photos"}
    assert address(open_page("results")) == {"run": "of-photos"}
