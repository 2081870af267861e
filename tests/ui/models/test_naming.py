"""Which name is proposed for a run's champion, and what speaks against one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import made_runs
import pytest
from small_models import write_small_model

from autotl.deploy.registry import require_name
from autotl.interfaces import ModelVersion, RegisteredModel, ScoreInterval, VersionEvidence
from autotl_ui.models.naming import doubts, proposed_name
from autotl_ui.workspace.data_sets import DataSet, save_data_set
from autotl_ui.workspace.evidence import evidence_to_compare
from autotl_ui.workspace.runs import RunView, look
from autotl_ui.workspace.workspace import Workspace


@pytest.fixture
def run(runs: Path) -> RunView:
    made_runs.write_finished(runs / "good")
    return look(runs / "good")


def model(name: str, evidence: VersionEvidence, *, created: float = 0.0, folder: Path | None = None) -> RegisteredModel:
    return RegisteredModel(name, (ModelVersion(name, 4, created, ("champion",), evidence, folder),))


def propose(run: RunView, *models: RegisteredModel) -> str:
    workspace = Workspace(run.folder.parent.parent)
    return proposed_name(workspace, run, workspace.list_runs(), models)


def against(run: RunView, evidence: VersionEvidence, folder: Path | None = None) -> str:
    return doubts(Workspace(run.folder.parent.parent), run, "pets", [model("pets", evidence, folder=folder)])


def scored(run: RunView, value: float, **changes: Any) -> VersionEvidence:
    return replace(evidence_to_compare(run), test=ScoreInterval(value, value - 0.1, value + 0.1), **changes)


def call_data_set(run: RunView, title: str) -> None:
    save_data_set(Workspace(run.folder.parent.parent), DataSet("d", title, made_runs.pictures_of(run.folder)))


def test_a_run_is_never_proposed_the_name_of_a_model_of_other_data(run: RunView) -> None:
    stamps = model("my stamps", VersionEvidence(fingerprint="5", run="other"))
    assert propose(run, stamps) == "photos"  # as its folder is called
    assert propose(run, stamps, model("photos", VersionEvidence())) == "photos 2"
    call_data_set(run, "My pets: a/b")
    assert propose(run, stamps) == "My pets a b"


def test_the_name_of_an_earlier_run_of_the_same_data_is_proposed_whatever_its_labels_were(run: RunView) -> None:
    same = evidence_to_compare(run).fingerprint
    made_runs.write_finished(run.folder.with_name("earlier"))
    state = json.loads((run.folder / "run.json").read_text(encoding="utf-8"))
    state["result"]["fingerprint"] = "relabelled"
    (run.folder / "run.json").write_text(json.dumps(state), encoding="utf-8")
    relabelled = look(run.folder)
    pets = model("pets", VersionEvidence(fingerprint=same, run="earlier"))
    assert propose(relabelled, model("my stamps", VersionEvidence(fingerprint="5"), created=9.0), pets) == "pets"
    newer = model("newer", VersionEvidence(fingerprint="relabelled", run="gone"), created=3.0)
    assert propose(relabelled, pets, newer) == "newer"


@pytest.mark.parametrize("title", ["..", "-x-", "a/b: c", "日本", "_", "a" * 300, ".hidden", "x..y", "<b>"])
def test_whatever_the_data_are_called_the_name_proposed_can_be_used(title: str, run: RunView) -> None:
    call_data_set(run, title)
    name = propose(run)
    assert require_name(name) == name
    assert require_name(propose(run, model(name, VersionEvidence()))) == f"{name} 2"


def test_a_champion_of_other_classes_is_not_replaced_unasked(run: RunView) -> None:
    digits = write_small_model(run.folder.parent / "digits", classes=tuple("0123456789"))
    said = against(run, VersionEvidence(), digits)
    assert "Version 4, the current champion of pets, has different classes: 0, 1, 2, 3, 4, 5 and 4 more." in said
    assert f"This run has {', '.join(made_runs.CLASSES)}." in said
    assert against(run, VersionEvidence(), write_small_model(digits, classes=made_runs.CLASSES[::-1])) == ""


def test_a_champion_that_did_better_on_the_same_test_is_not_replaced_unasked(run: RunView) -> None:
    said = against(run, scored(run, 0.9))
    assert "did better on the same test items: balanced accuracy 0.900 (0.800 to 1.000), against 0.850" in said
    assert against(run, scored(run, 0.8)) == against(run, scored(run, 0.85)) == ""
    assert against(run, scored(run, 0.9, test_fingerprint="other")) == ""


def test_of_a_score_that_is_better_when_small_the_smaller_one_did_better(run: RunView) -> None:
    assert run.result
    small = replace(run.result, objective="log_loss", test={"log_loss": run.result.test["accuracy"]})
    lossy = replace(run, state=replace(run.state, result=small))
    assert "did better" in against(lossy, scored(lossy, 0.3))
    assert against(lossy, scored(lossy, 0.9)) == ""
