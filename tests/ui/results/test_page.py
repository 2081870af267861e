"""The page of results: what a model gets wrong, decisions about it, refit, panels and comparison."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import made_data
import made_runs
import pandas as pd
import pytest
from app_pages import open_page, open_section, words
from streamlit.testing.v1 import AppTest

from autotl.data.patch import read_patch
from autotl.evidence.panels import CORE, PARTS, ShownPanel
from autotl.interfaces import Figure, Table
from autotl.runs.run import open_run
from autotl_ui.jobs import jobs
from autotl_ui.widgets.items import GridItem

SECTIONS = (
    "What it gets wrong",
    "Most confident mistakes",
    "Per-class scores",
    "Leaderboard",
    "Scores and panels",
    "Autoencoders",
    "Compare",
    "Report",
)
CATS, BIRDS, DOGS = sorted(made_runs.CLASSES)


@pytest.fixture
def good(runs: Path) -> Path:
    made_runs.write_finished(runs / "good")
    return runs / "good"


def change(folder: Path, **fields: Any) -> None:
    path = folder / "run.json"
    state = json.loads(path.read_text(encoding="utf-8"))
    state["result"] |= fields
    path.write_text(json.dumps(state), encoding="utf-8")


def choose(app: AppTest, run: Path, name: str, *, decided: int) -> AppTest:
    """Select an image as the grid's script would; each decision so far has made a new grid."""
    image = GridItem(made_runs.pictures_of(run) / name, name)
    app.session_state[f"confusion-good-test-0-1-grid-{decided}"] = {"chosen": [image.identity]}
    return app.run()


@pytest.mark.parametrize("condition", ["whole", "older", "damaged", "interrupted", "images gone", "model gone"])
def test_every_section_can_be_drawn_when_something_is_missing(condition: str, good: Path) -> None:
    if condition == "older":
        shutil.rmtree(good / "evidence")
    elif condition == "damaged":
        (good / "evidence" / "test.npz").write_bytes(b"torn")
    elif condition == "interrupted":
        change(good, status="interrupted")
    elif condition == "images gone":
        shutil.rmtree(made_runs.pictures_of(good))
    elif condition == "model gone":
        shutil.rmtree(good / "champion")
    app = open_page("results", run="good")
    for section in SECTIONS:
        open_section(app, section)
        assert not app.error, section
        assert [metric.value for metric in app.metric] == ["0.850", "0.900", "0.800"]


def test_the_page_says_first_which_classes_are_weakest(good: Path) -> None:
    text = words(open_page("results", run="good"))
    assert "Weakest classes" in text
    assert f"**{CATS}**: 83 % of its 6 test images are classified correctly (95 % CI 44 to 97 %)" in text
    assert "Advice: The untuned default would do as well" in text.replace("**", "")
    assert "The search ended: the time was up" in text
    assert "ten times as many probes would bring little" in text


def test_the_most_frequent_mistake_is_open_and_the_lists_open_any_other_cell(good: Path) -> None:
    app = open_page("results", run="good")
    assert f"{CATS}, predicted as {BIRDS}: 1 image" in subheaders(app)
    key = "confusion-good-test"
    app.selectbox(key=f"{key}-true").set_value(DOGS)
    app.selectbox(key=f"{key}-predicted").set_value(DOGS).run()
    assert not app.exception
    assert f"{DOGS}, classified correctly: 5 images" in subheaders(app)
    open_section(app, "Leaderboard")
    open_section(app, "What it gets wrong")
    assert f"{DOGS}, classified correctly: 5 images" in subheaders(app)


def test_the_search_has_the_images_of_training_and_validation(good: Path) -> None:
    app = open_page("results", run="good")
    assert "makes the score too optimistic" in words(app)
    app.segmented_control(key="confusion-part").set_value("search").run()
    assert not app.exception
    assert "Use these to correct labels" in words(app)
    assert f"{CATS}, predicted as {BIRDS}: 3 images" in subheaders(app)


def test_images_that_there_was_no_time_to_read_are_counted(good: Path) -> None:
    assert "were not used" not in words(open_page("results", run="good"))
    change(good, n_unused=1490)
    assert "1,490 more images were not used" in words(open_page("results", run="good"))


def test_a_model_without_mistakes_has_no_weakest_class(good: Path) -> None:
    perfect = {f"recall[{name}]": {"value": 1.0, "low": 0.7, "high": 1.0} for name in made_runs.CLASSES}
    state = json.loads((good / "run.json").read_text(encoding="utf-8"))
    change(good, test={**state["result"]["test"], **perfect})
    text = words(open_page("results", run="good"))
    assert "every test image was classified correctly" in text
    assert "% of its" not in text


def test_a_decision_is_kept_in_the_patch_file_and_undone(good: Path) -> None:
    app = open_page("results", run="good")
    path, key = f"{CATS}/05.png", "confusion-good-test-0-1"
    patch = made_runs.pictures_of(good).with_name("photos.patch.csv")
    choose(app, good, path, decided=0)
    assert app.button(key=f"{key}-relabel").disabled
    assert app.selectbox(key=f"{key}-label").options[0] == BIRDS  # what it was taken for is at hand, and not chosen
    app.selectbox(key=f"{key}-label").set_value(BIRDS).run()
    app.button(key=f"{key}-relabel").click().run()
    assert not app.exception
    assert not app.error
    [decision] = read_patch(patch)
    assert (decision.decision, decision.item, decision.label) == ("relabel", path, BIRDS)
    assert len(decision.sha256) == 64
    assert "1 image changed since this run" in words(app)
    assert "1 of them is in the test split" in words(app)
    choose(app, good, path, decided=1)
    app.button(key=f"{key}-exclude").click().run()
    assert [d.decision for d in read_patch(patch)] == ["exclude"]
    choose(app, good, path, decided=2)
    app.button(key=f"{key}-undo").click().run()
    assert not patch.exists()
    assert "No decisions since this run" in words(app)


def test_a_decision_about_missing_data_is_refused_and_nothing_is_lost(good: Path) -> None:
    app = open_page("results", run="good")
    choose(app, good, f"{CATS}/05.png", decided=0)
    data = made_runs.pictures_of(good)
    shutil.move(data, data.with_name("elsewhere"))
    app.button(key="confusion-good-test-0-1-exclude").click().run()
    assert not app.exception
    assert not data.with_name("photos.patch.csv").exists()
    assert "no longer where they were" in words(app)
    assert "photos" in app.error[0].value


def test_a_patch_file_that_cannot_be_read_is_said(good: Path) -> None:
    made_runs.pictures_of(good).with_name("photos.patch.csv").write_text("nonsense\n1\n", encoding="utf-8")
    app = open_page("results", run="good")
    assert "expected the columns" in words(app)
    assert f"{CATS}, predicted as {BIRDS}: 1 image" in subheaders(app)


def test_refit_starts_the_command_and_shows_the_new_run(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []

    def start(target: Path, arguments: list[str], **_: object) -> None:
        started.append(arguments)
        made_runs.write_failed(target, "only a test")

    monkeypatch.setattr(jobs, "start", start)
    app = open_page("results", run="good")
    app.button(key="refit").click().run()
    assert not app.exception
    new = good.with_name("good-refit")
    assert started == [["refit", str(good), "--run", str(new), "--events", f"{new}.events.jsonl"]]
    assert "only a test" in app.error[0].value
    assert app.selectbox(key="run").value == "good-refit"


def test_a_refit_that_cannot_be_started_is_said_and_the_run_stays(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(*_: object, **__: object) -> None:
        raise jobs.BusyError("two jobs are at work already")

    monkeypatch.setattr(jobs, "start", start)
    app = open_page("results", run="good")
    app.button(key="refit").click().run()
    assert not app.exception
    assert "two jobs are at work already" in app.error[0].value
    assert app.selectbox(key="run").value == "good"


def test_a_refitted_run_shows_before_and_after_and_how_many_test_labels_changed(good: Path) -> None:
    made_runs.write_finished(good.with_name("good-refit"))
    sentence = "fitted again with 1 relabelled. Of the corrections 1 are in the test split"
    change(good.with_name("good-refit"), refit={"of": str(good), "changed_in_test": 1, "sentence": sentence})
    text = words(open_page("results", run="good-refit"))
    assert "Refitted from good" in text
    assert "Of the corrections 1 are in the test split." in text
    assert "| accuracy | 0.850 (0.750 to 0.900) | 0.850 (0.750 to 0.900) |" in text
    assert "uses the labels of its own run" in text
    shutil.rmtree(good)
    assert "The run before is gone" in words(open_page("results", run="good-refit"))


def test_an_unknown_evaluator_is_shown_with_its_classes(good: Path) -> None:
    new = {"value": 0.123, "low": 0.1, "high": 0.2}
    scores = {"kappa_x": new, **{f"specificity_x[{name}]": new for name in made_runs.CLASSES}}
    state = json.loads((good / "run.json").read_text(encoding="utf-8"))["result"]
    change(good, test=state["test"] | scores)
    app = open_section(open_page("results", run="good"), "Scores and panels")
    assert "| kappa_x |  | 0.123 (0.100 to 0.200) |" in words(app)
    open_section(app, "Per-class scores")
    app.segmented_control(key="class-score").set_value("specificity_x").run()
    assert not app.exception
    assert set(app.dataframe[0].value["class"]) == {*made_runs.CLASSES}
    assert set(app.dataframe[0].value["score"]) == {0.123}


def test_panels_are_drawn_with_their_plugin_and_a_damaged_one_leaves_the_others_alone(good: Path) -> None:
    panels = [
        ShownPanel("strange", "theirs", (Figure("Torn", {"mark": "no such mark"}, alt="a"), made_data.MADE_TABLE)),
        ShownPanel(
            "fetching", "theirs", (Figure("Far", {"mark": "bar", "data": {"url": "http://x.example"}}, alt="a"),)
        ),
        ShownPanel("uneven", "theirs", (Table("Uneven", ("a", "b"), ((1,),)),)),
        ShownPanel("silent", "theirs", (), problem="it failed: KeyError: 'x'"),
        ShownPanel("sound", "made-up", (made_data.MADE_FIGURE,)),
    ]
    stored = json.dumps([shown.to_json() for shown in panels])
    (good / "evidence" / "panels.json").write_text(stored, encoding="utf-8")
    app = open_section(open_page("results", run="good"), "Scores and panels")
    assert len(app.get("vega_lite_chart")) + len(app.get("arrow_vega_lite_chart")) == 1
    assert [len(table.value) for table in app.dataframe] == [2]
    damaged = [warning.value for warning in app.warning if "is damaged" in warning.value]
    assert len(damaged) == 3
    assert "it failed: KeyError" in words(app)
    assert "From the plugin made-up." in words(app)


def test_evidence_has_a_section_of_its_own_apart_from_the_panels_of_plugins(good: Path) -> None:
    panels = [
        ShownPanel("subgroups", CORE, (made_data.MADE_TABLE,), sentences=("one group is worse",)),
        ShownPanel("sound", "made-up", (made_data.MADE_FIGURE,)),
    ]
    stored = json.dumps([shown.to_json() for shown in panels])
    (good / "evidence" / "panels.json").write_text(stored, encoding="utf-8")
    app = open_section(open_page("results", run="good"), "Evidence")
    assert "For whom does it work worse?" in [one.value for one in app.subheader]
    assert "One group is worse." in words(app)
    assert len(app.dataframe) == 1
    assert "From the plugin" not in words(app)


def test_the_page_says_in_short_what_the_evidence_says(good: Path) -> None:
    state = json.loads((good / "run.json").read_text(encoding="utf-8"))
    state["result"]["in_short"] = ["usable for sorting", "one group is worse"]
    (good / "run.json").write_text(json.dumps(state), encoding="utf-8")
    shown = [one.value for one in open_page("results", run="good").markdown]
    assert shown.index("- Usable for sorting.") < shown.index("- One group is worse.")


def test_the_parts_of_pairs_keep_their_names(good: Path) -> None:
    said = "image and text together reach balanced_accuracy 0.9, the image alone 0.8"
    state = json.loads((good / "run.json").read_text(encoding="utf-8"))
    state["modality"] = "pair"
    state["result"]["in_short"] = [said]
    (good / "run.json").write_text(json.dumps(state), encoding="utf-8")
    panel = ShownPanel(PARTS, CORE, (Table("scores", ("learned from",), (("image alone",),)),), sentences=(said,))
    (good / "evidence" / "panels.json").write_text(json.dumps([panel.to_json()]), encoding="utf-8")
    app = open_page("results", run="good")
    assert "- Image and text together reach balanced accuracy 0.9, the image alone 0.8." in words(app)
    open_section(app, "Evidence")
    assert "What does each part bring?" in [one.value for one in app.subheader]
    assert words(app).count("Image and text together reach") == 2


def test_runs_are_compared_and_unlike_ones_are_named(good: Path) -> None:
    made_runs.write_finished(good.with_name("other"))
    app = open_section(open_page("results", run="good"), "Compare")
    assert not app.warning
    assert "| data fingerprint |" in words(app)
    assert "| accuracy | 0.850 (0.750 to 0.900) | 0.850 (0.750 to 0.900) |" in words(app)
    change(good.with_name("other"), fingerprint="0123")  # as after relabelling training images
    open_section(app, "Compare")
    assert not app.warning
    assert "A fair comparison" in words(app)
    assert "trained on different data, which does not affect the comparison" in words(app)
    relabel_test(good.with_name("other"))
    open_section(app, "Compare")
    assert "not tested on the same items and labels" in words(app)
    (good.with_name("other") / "champion" / "metadata.json").unlink()
    open_section(app, "Compare")
    assert "they were probably tested on different items" in words(app).lower()


def relabel_test(run: Path) -> None:
    table = pd.read_parquet(run / "dataset.parquet")
    table.loc[table["split"] == "test", "label"] = CATS
    table.to_parquet(run / "dataset.parquet", index=False)
    metadata = run / "champion" / "metadata.json"
    written = json.loads(metadata.read_text(encoding="utf-8"))
    metadata.write_text(json.dumps(written | {"test_fingerprint": open_run(run).test_fingerprint}), encoding="utf-8")


def test_one_run_alone_has_nothing_to_be_compared_with(good: Path) -> None:
    assert good.exists()
    assert "only finished run so far" in words(open_section(open_page("results", run="good"), "Compare"))


def test_an_ensemble_shows_its_members_and_what_was_passed_over(good: Path) -> None:
    members = [{"weight": 0.75, "trial": {"number": 4, "head": "svm", "stage": "top", "pooling": "avg"}}]
    result = json.loads((good / "run.json").read_text(encoding="utf-8"))["result"]
    champion = result["champion"] | {"strategy": "ensemble", "params": {"members": members}}
    change(good, champion=champion, passed_over=["trial 9 (dense) could not be exported: too large"])
    text = words(open_page("results", run="good"))
    assert "75 %: svm, trial 4 (stage top, pooling avg)" in text
    assert "trial 9 (dense) could not be exported" in text.replace("Trial", "trial")


def subheaders(app: AppTest) -> str:
    return "\n".join(element.value for element in app.subheader).replace("\\", "")
