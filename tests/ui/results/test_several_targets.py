"""A run with several targets in the app: what was found for each, one model to try, to register and to use."""

from __future__ import annotations

import io
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import made_runs
import numpy as np
import onnx
import pytest
from app_pages import PAGES, open_page, words
from PIL import Image
from small_models import write_small_model

from autotl.deploy.doubts import add_set, add_unsure
from autotl.deploy.joint_deployable import write_joint
from autotl.graphs.side_by_side import Side, side_by_side
from autotl.interfaces import ScoreInterval
from autotl.runs.joint_result import JointResult, JointTargetResult, JointVerdict
from autotl.runs.run import open_run
from autotl_ui.jobs import jobs
from autotl_ui.workspace.runs import has_model, look, results_of
from autotl_ui.workspace.workspace import Workspace


@pytest.fixture
def study(runs: Path) -> Path:
    """Two targets with a result, and a model of both."""
    made_runs.write_study(runs / "study", "pet", "place")
    return runs / "study"


def change(run: Path, **fields: Any) -> None:
    state = json.loads((run / "run.json").read_text(encoding="utf-8"))
    (run / "run.json").write_text(json.dumps(state | fields), encoding="utf-8")


def grey(shade: int) -> bytes:
    image = io.BytesIO()
    Image.new("RGB", (30, 20), (shade, shade, shade)).save(image, "PNG")
    return image.getvalue()


def test_the_page_shows_what_was_found_for_each_target_and_opens_the_page_of_each(study: Path) -> None:
    app = open_page("results", run="study")
    assert app.selectbox(key="run").options == ["study"]
    chooser = app.get("button_group")[0]
    assert [option.content for option in chooser.proto.options] == ["All targets", "pet", "place"]
    labels = ["Test, balanced accuracy", "Search, balanced accuracy"]
    assert [(metric.label, metric.value) for metric in app.metric] == [
        *zip(labels, ("0.850", "0.900"), strict=True), *zip(labels, ("0.850", "0.900"), strict=True)
    ]  # fmt: skip
    text = words(app)
    assert "95 % interval 0.750 to 0.900, on 18 images held out until the end" in text
    assert text.count("**Advice:** The untuned default would do as well") == 2
    app.button(key="open-place").click().run()
    assert "study/targets/place" in app.query_params["run"]
    assert "Weakest classes" in words(app)


def test_the_page_of_a_target_is_that_of_its_own_run(study: Path) -> None:
    app = open_page("results", run="study/targets/pet")
    assert not app.exception
    assert [metric.value for metric in app.metric] == ["0.850", "0.900", "0.800"]
    assert "Weakest classes" in words(app)
    assert app.selectbox(key="run").value == "study"


def test_a_target_without_a_model_says_why_and_the_others_are_shown(study: Path) -> None:
    known = json.loads((study / "run.json").read_text(encoding="utf-8"))["targets"]
    known["place"]["problem"] = "the disk is *full*"
    change(study, status="failed", targets=known, error="place: the disk is full", unkept=["place has no model"])
    change(study / "targets" / "place", status="failed", result=None)
    app = open_page("results", run="study")
    text = words(app)
    assert "There is no model of it: The disk is *full*." in text
    assert "Place has no model." in text
    assert len(app.metric) == 2
    assert "Resume the search" in [link.proto.label for link in app.get("page_link")]


def test_a_study_without_its_model_leads_to_those_of_the_targets(study: Path) -> None:
    (study / "champion" / "model.onnx").unlink()
    assert "There is no model that answers all targets" in words(open_page("results", run="study"))
    assert open_page("try").selectbox(key="run").options[0].startswith("study/targets/pet")


def test_every_page_knows_the_run_of_a_target_by_its_place_in_the_study(study: Path) -> None:
    listed = Workspace(study.parent.parent).list_runs()
    assert [run.name for run in listed] == ["study", "study/targets/pet", "study/targets/place"]
    assert [run.study for run in listed] == ["", "study", "study"]
    assert (listed[0].status, listed[0].result, has_model(listed[0])) == ("complete", None, True)
    assert list(results_of(listed[0])) == ["pet", "place"]
    assert listed[1].result is not None


def test_a_run_json_that_names_folders_elsewhere_leads_nowhere(study: Path) -> None:
    document = json.loads((study / "run.json").read_text(encoding="utf-8"))
    document["targets"]["pet"]["folder"] = "../../other"
    (study / "run.json").write_text(json.dumps(document), encoding="utf-8")
    assert look(study).state.targets == ("targets/place",)
    assert "is not a run" in words(open_page("results", run="study"))


def test_one_image_is_answered_for_all_targets_each_with_its_doubts(study: Path) -> None:
    n_classes = len(made_runs.CLASSES)
    sides = []
    for place, name in enumerate(("pet", "place")):
        model = onnx.load(study / "targets" / name / "champion" / "model.onnx")
        kept = {"probabilities": f"{place}/probabilities"}
        if name == "pet":  # the other one has no doubts
            model = add_set(add_unsure(model, 0.9, n_classes), np.ones(n_classes), penalty=None, free_ranks=0)
            kept |= {doubt: f"{place}/{doubt}" for doubt in ("set", "unsure")}
        sides.append(Side(model, {"images": "part0/images", "doubts": "doubts"}, kept))
    onnx.save(side_by_side(sides), study / "champion" / "model.onnx")
    app = open_page("try", run="study")
    text = words(app)
    assert "Of pet the model knows 3 classes: bird_s, *cats*, dogs: [old]" in text
    assert "Of place the model knows 3 classes" in text
    app.file_uploader(key="images").set_value([("grey.png", grey(128), "image/png")]).run()
    assert not app.exception
    pet, place = (
        next(m.value for m in app.markdown if m.value.startswith(f":gray[{name}")) for name in ("pet", "place")
    )
    assert "**I don't know**" in pet
    assert "It may be **" in pet
    assert "I don't know" not in place
    assert "33.3 %" in place
    app.toggle(key="doubts").set_value(False).run()
    assert "I don't know" not in words(app)
    assert words(app).count("33.3 %, **unsure**") == 2  # below the limit of each target
    app.button(key="try-study/targets/place").click().run()
    assert "study/targets/place" in app.query_params["run"]
    assert app.button(key="compare")


def test_a_file_that_is_no_image_is_named_once(study: Path) -> None:
    app = open_page("try", run="study")
    app.file_uploader(key="images").set_value([("a.png", b"nothing", "image/png")]).run()
    assert words(app).count("a.png cannot be read as an image") == 1


def test_a_table_of_predictions_is_summarised_for_each_target(study: Path, sleeper: Any) -> None:
    file = study.parents[1] / "autotl-predictions" / "pets-by-study.csv"
    made_runs.write_job(file, pid=sleeper.pid, created=0.0)  # a process that has ended since
    rows = "item,pet.label,pet.a,pet.b,place.label,place.c,place.d,error\n/d/x.png,a,0.9,0.1,d,0.2,0.8,\n"
    file.write_text(rows, encoding="utf-8")
    app = open_page("try", run="study")
    text = words(app)
    assert "**pet.label**, one for each of the 2 classes" in text
    assert "**place.label**, one for each of the 2 classes" in text
    assert [table.value["label"].tolist() for table in app.dataframe] == [["a"], ["d"]]


def test_the_model_of_all_targets_is_used_and_registered_as_a_single_one(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(study / "champion")
    models = {name: write_small_model(study / name, seed=seed) for seed, name in enumerate(("pet", "place"))}
    write_joint(models, study / "champion", metadata={"run": "study"})
    commands: list[list[str]] = []
    monkeypatch.setattr(jobs, "start", lambda target, arguments, **_: commands.append(arguments))
    app = open_page("models", run="study")
    assert app.selectbox(key="use-model").options[0] == "Run study, all targets"
    assert app.selectbox(key="use-model").value is not None
    assert "The whole model as a zip" in words(app)
    app.text_input(key="register-name-study").set_value("animals")
    app.button(key="register").click().run()
    assert not app.exception
    [command] = commands
    assert command[:3] == ["register", str(study), "--name=animals"]
    app.get("button_group")[0].set_value("code").run()
    assert 'print(found["targets"])' in app.code[-1].value
    app.get("button_group")[0].set_value("formats").run()
    assert "Other formats hold the model of one target" in words(app)
    assert app.button(key="formats-study/targets/pet")


def test_an_audit_of_one_target_that_was_not_made_asks_for_a_reason(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_run(study)
    opened.update(config=replace(opened.config, max_gap=0.1).to_json())
    commands: list[list[str]] = []
    monkeypatch.setattr(jobs, "start", lambda target, arguments, **_: commands.append(arguments))
    app = open_page("models", run="study")
    app.text_input(key="register-name-study").set_value("animals")
    app.button(key="register").click().run()
    assert "For the target pet, the gaps between groups" in words(app)
    assert commands == []
    app.text_input(key="register-reason-study").set_value("a pilot").run()
    app.button(key="register-force").click().run()
    assert "--force=a pilot" in commands[0]


@pytest.mark.parametrize("run", ["study", "study/targets/pet"])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_for_a_study_and_for_the_run_of_a_target(study: Path, page: str, run: str) -> None:
    assert study.exists()
    assert "There is no run" not in words(open_page(page, run=run))


def test_what_one_network_for_all_targets_achieved_is_said_for_each(study: Path) -> None:
    verdict = JointVerdict("better", "joint training helps: +4.1 points of balanced_accuracy")
    helped = JointTargetResult("dense", ScoreInterval(0.9, 0.8, 0.95), verdict, deployed=True)
    left = JointTargetResult("dense", ScoreInterval(0.7, 0.6, 0.8), replace(verdict, claim="joint training is worse"))
    change(study, joint=JointResult("complete", targets={"pet": helped, "place": left}).to_json())
    text = words(open_page("results", run="study"))
    assert "**pet**: Joint training helps: +4.1 points of balanced accuracy; it answers this target" in text
    assert "**place**: Joint training is worse; the target's own champion stays." in text
