"""The results of a run with several targets: a choice of the target, and the page of its own run."""

from __future__ import annotations

import json
from pathlib import Path

import made_runs
import pytest
from app_pages import open_page, words

from autotl_ui.workspace.runs import look
from autotl_ui.workspace.workspace import Workspace


@pytest.fixture
def study(runs: Path) -> Path:
    """Two targets with a result."""
    for name in ("pet", "place"):
        made_runs.write_finished(runs / "study" / "targets" / name)
    targets = {name: {"folder": f"targets/{name}", "problem": ""} for name in ("pet", "place")}
    document = {"status": "complete", "targets": targets, "config": {}, "spent_seconds": 9.0}
    (runs / "study" / "run.json").write_text(json.dumps(document), encoding="utf-8")
    (runs / "study" / "report.html").write_text("<h1>the index of targets</h1>", encoding="utf-8")
    return runs / "study"


def test_the_page_opens_the_index_and_the_page_of_each_target(study: Path) -> None:
    app = open_page("results", run="study")
    assert app.selectbox(key="run").options == ["study"]
    chooser = app.get("button_group")[0]
    assert [option.content for option in chooser.proto.options] == ["All targets", "pet", "place"]
    assert not app.metric
    app = open_page("results", run="study/targets/pet")
    assert not app.exception
    assert [metric.value for metric in app.metric] == ["0.850", "0.900", "0.800"]
    assert "Weakest classes" in words(app)
    assert app.selectbox(key="run").value == "study"


def test_every_page_knows_the_run_of_a_target_by_its_place_in_the_study(study: Path) -> None:
    listed = Workspace(study.parent.parent).list_runs()
    assert [run.name for run in listed] == ["study", "study/targets/pet", "study/targets/place"]
    assert [run.study for run in listed] == ["", "study", "study"]
    assert (listed[0].status, listed[0].result) == ("complete", None)
    assert listed[1].result is not None


def test_a_run_json_that_names_folders_elsewhere_leads_nowhere(study: Path) -> None:
    document = json.loads((study / "run.json").read_text(encoding="utf-8"))
    document["targets"]["pet"]["folder"] = "../../other"
    (study / "run.json").write_text(json.dumps(document), encoding="utf-8")
    assert look(study).state.targets == ("targets/place",)
