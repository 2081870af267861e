"""The data page: what it says of data, and what can be decided there."""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import made_runs
import psutil
import pytest
from app_pages import open_page, words
from PIL import Image
from scanning import scan
from streamlit.testing.v1 import AppTest

from autotl.data.folder_mapping import classes_by_level
from autotl.data.patch import Decision, patch_file, read_patch
from autotl.data.patch_edits import decide
from autotl.data.source import open_source
from autotl.runs.groups import GroupScores, GroupsFound
from autotl.scores import ScoreInterval
from autotl.settings import settings
from autotl_ui.data.mapping import map_folders, read_tree, unmap
from autotl_ui.jobs import jobs
from autotl_ui.train.start_search import SearchRequest, start_search
from autotl_ui.widgets.items import GridItem
from autotl_ui.workspace.data_sets import DataSet, find_data_set, list_data_sets, save_data_set
from autotl_ui.workspace.subjects import list_subjects
from autotl_ui.workspace.workspace import Workspace


@pytest.fixture
def workspace(runs: Path) -> Workspace:
    return Workspace(runs.parent)


def write_images(folder: Path, names: list[str]) -> Path:
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (number * 7 % 256, number * 31 % 256, 90)).save(path)
    return folder


def pets(n: int = 5) -> list[str]:
    return [f"{label}/{i}.png" for label in ("*cat*", "dog") for i in range(n)]


def add(workspace: Workspace, names: list[str], *, name: str = "pets") -> DataSet:
    data_set = DataSet(name, name, write_images(workspace.data / name, names))
    save_data_set(workspace, data_set)
    return data_set


def look(section: str = "Overview") -> AppTest:
    app = open_page("data")
    app.button_group(key="section").set_value(section).run()
    assert not app.exception
    return app


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click().run()
    assert not app.exception
    return app


def use_path(app: AppTest, path: Path) -> AppTest:
    app.text_input(key="path-text").set_value(str(path))
    return press(app, "use-path")


def finding(**more: object) -> dict[str, object]:
    known = {"check": "blank", "severity": "warning", "message": "2 images are blank", "advice": "Look at them."}
    return {**known, "items": ["dog/0.png", "dog/1.png"], "pairs": [], "fixes": [], "proposals": [], **more}


def write_check(
    workspace: Workspace, text: str, *, name: str = "pets", pid: int = 2**22 + 1, created: float = 0
) -> None:
    job = {"pid": pid, "created": created, "kind": "check", "about": name, "started": time.time()}
    (workspace.data / f"{name}.check.json.job.json").write_text(json.dumps(job))
    (workspace.data / f"{name}.check.json").write_text(text)


def test_an_empty_workspace_says_how_to_begin(workspace: Workspace) -> None:
    app = open_page("data")
    assert "Begin with images" in words(app)
    assert [button.key for button in app.button if button.key == "sample"]


def test_a_path_on_this_machine_is_used_where_it_is(workspace: Workspace, tmp_path: Path) -> None:
    folder = write_images(tmp_path / "else where", pets())
    app = use_path(open_page("data"), folder)
    (data_set,) = list_data_sets(workspace)
    assert (data_set.title, data_set.path) == ("else where", folder)
    assert "Understood as: one sub-folder per class; classes *cat*, dog." in words(app)
    assert [metric.value for metric in app.metric] == ["10", "2"]


@pytest.mark.parametrize(
    ("text", "answer"),
    [("", "Give the path"), ("/nowhere/at*all", "There is nothing at /nowhere/at*all"), ("a\0b", "There is nothing")],
)
def test_a_path_that_leads_nowhere_is_told_so(workspace: Workspace, text: str, answer: str) -> None:
    app = open_page("data")
    app.text_input(key="path-text").set_value(text)
    app.button(key="use-path").click().run()
    assert answer in words(app)
    assert list_data_sets(workspace) == []


def test_the_sample_comes_at_a_click(workspace: Workspace) -> None:
    app = press(open_page("data"), "sample")
    assert "Handwritten digits" in words(app)
    assert [metric.value for metric in app.metric] == ["1,797", "10"]


def test_too_small_classes_are_told(workspace: Workspace) -> None:
    add(workspace, [*pets(), "bird/1.png"])
    assert "Too few images in bird (1)" in words(look())


def test_what_an_upload_did_not_take_is_told(workspace: Workspace) -> None:
    save_data_set(workspace, replace(add(workspace, pets()), skipped="8 *.cr2, 1 *.mp4"))
    assert "Skipped when it was uploaded: 8 *.cr2, 1 *.mp4." in words(look())


def chosen(data_set: DataSet, *items: str) -> dict[str, list[str]]:
    """As the grid's script tells it."""
    return {"chosen": [GridItem(data_set.path / item, item).identity for item in items]}


def test_selected_images_are_excluded_relabelled_and_restored(workspace: Workspace) -> None:
    data_set = add(workspace, pets())
    app = look("Images")
    app.session_state["gallery-0"] = chosen(data_set, "*cat*/0.png", "*cat*/1.png")
    app.run()
    assert "2 images of 5 selected" in words(app)
    press(app, "exclude")
    assert {(d.decision, d.item) for d in read_patch(patch_file(data_set.path))} == {
        ("exclude", "*cat*/0.png"), ("exclude", "*cat*/1.png"),
    }  # fmt: skip
    assert "3 images." in words(app)
    press(app, "undo")
    assert read_patch(patch_file(data_set.path)) == ()
    app.selectbox(key="new-class").set_value("dog")
    app.session_state["gallery-2"] = chosen(data_set, "*cat*/2.png")
    app.run()
    press(app, "relabel")
    (decision,) = read_patch(patch_file(data_set.path))
    assert (decision.decision, decision.item, decision.label) == ("relabel", "*cat*/2.png", "dog")


def test_what_was_labelled_meanwhile_in_another_window_is_told_before_it_is_changed(workspace: Workspace) -> None:
    data_set = add(workspace, pets())
    app = look("Images")
    app.session_state["gallery-0"] = chosen(data_set, "*cat*/0.png")
    app.run()
    decide(data_set.path, [Decision("relabel", "*cat*/0.png", "dog")], cache=settings().cache)
    press(app, "exclude")
    assert "*cat*/0.png was labelled meanwhile as dog" in words(app)
    assert decided(data_set) == [("relabel", "*cat*/0.png", "dog")]
    app.session_state["gallery-0"] = chosen(data_set, "*cat*/0.png")
    app.session_state["class-pets"] = "dog"
    app.run()
    press(app, "exclude")
    assert decided(data_set) == [("exclude", "*cat*/0.png", "")]


def test_decisions_are_listed_and_each_can_be_taken_back(workspace: Workspace) -> None:
    data_set = add(workspace, pets())
    patch = "decision,item,label\nexclude,dog/1.png,\nmerge,*cat*,dog\nexclude,gone.png,\n"
    patch_file(data_set.path).write_text(patch)
    app = look("Decisions")
    assert "3 decisions" in words(app)
    assert "no longer in the data" in words(app)
    press(app, "take-back-2")
    assert {d.item for d in read_patch(patch_file(data_set.path))} == {"*cat*", "gone.png"}
    press(app, "undo-decisions")
    assert {d.item for d in read_patch(patch_file(data_set.path))} == {"*cat*", "gone.png", "dog/1.png"}
    press(app, "forget-all")
    assert not patch_file(data_set.path).exists()
    press(app, "undo-decisions")
    assert "has no image 'gone.png'" in words(app)


def test_a_kept_copy_stays_kept_on_the_page_and_in_the_core_when_the_other_is_deleted(workspace: Workspace) -> None:
    data_set = add(workspace, pets())
    copy = data_set.path / "*cat*" / "copy.png"
    shutil.copy(copy.with_name("0.png"), copy)
    app = look("Images")
    app.session_state["gallery-0"] = chosen(data_set, "*cat*/copy.png")
    press(app.run(), "exclude")
    assert list(scan(data_set.path).table["path"][scan(data_set.path).excluded]) == ["*cat*/copy.png"]
    copy.unlink()
    assert not scan(data_set.path).excluded.any()
    assert "excluded" not in {metric.label for metric in look().metric}
    assert "no longer in the data" in words(look("Decisions"))


def test_a_decision_about_a_renamed_image_says_who_finds_it(workspace: Workspace) -> None:
    data_set = add(workspace, pets())
    decide(data_set.path, [Decision("exclude", "dog/0.png")], cache=workspace.root / "cache")
    (data_set.path / "dog/0.png").rename(data_set.path / "dog/new.png")
    assert "the check and training find it by its content" in words(look("Decisions"))


def test_a_damaged_patch_file_is_told(workspace: Workspace) -> None:
    data_set = add(workspace, pets())
    patch_file(data_set.path).write_text("decision,item\nexplode,dog/1.png\n")
    assert "explode" in words(look())


def test_folders_that_are_understood_otherwise_are_mapped_by_their_level_and_unmapped(workspace: Workspace) -> None:
    years = ("2022", "2023", "2024")
    add(workspace, [f"{year}/{label}/{i}.png" for year in years for label in ("cat", "dog") for i in range(2)])
    app = look()
    assert [metric.value for metric in app.metric] == ["12", "3"]
    app.toggle(key="mapping-pets").set_value(True).run()
    app.radio(key="level-pets").set_value(1).run()
    assert "This gives 2 classes: cat (6), dog (6)." in words(app)
    press(app, "map")
    assert [metric.value for metric in app.metric] == ["12", "2"]
    assert find_data_set(workspace, "pets").options == ["--label", "label"]
    press(app, "unmap")
    assert [metric.value for metric in app.metric] == ["12", "3"]


def test_images_without_a_class_can_be_mapped_or_labelled(workspace: Workspace) -> None:
    add(workspace, ["1.png", "2.png"])
    assert "No image has a class yet" in words(look())


def test_a_table_that_does_not_say_which_column_is_asked_about(workspace: Workspace) -> None:
    add(workspace, ["1.png", "2.png"])
    (workspace.data / "pets" / "t.csv").write_text("path,colour,mood\n1.png,red,good\n2.png,blue,bad\n")
    app = open_page("data")
    assert "layout of these data is not recognised" in words(app)
    app.selectbox(key="label-pets").set_value("mood").run()
    press(app, "use-label")
    assert "column 'mood'" in words(app)


def test_data_that_are_gone_are_told(workspace: Workspace, tmp_path: Path) -> None:
    save_data_set(workspace, DataSet("x", "x", tmp_path / "gone"))
    assert "does not exist" in words(open_page("data"))


def test_a_running_check_is_watched_and_stopped(workspace: Workspace, sleeper: psutil.Process) -> None:
    add(workspace, pets())
    write_check(workspace, "", pid=sleeper.pid, created=sleeper.create_time())
    lines = '{"event": "progress", "stage": "scan", "done": 3, "total": 10}\n{"event": "prog'
    (workspace.data / "pets.check.jsonl").write_text(lines)
    app = look("Check")
    assert "Looking at the images: 3 of 10" in app.get("progress")[0].proto.text.replace("\\", "")
    press(app, "stop-check")
    sleeper.wait(timeout=10)
    assert "The check was stopped" in words(app.run())


def test_groups_that_matter_are_asked_about_and_the_answer_goes_into_the_search(workspace: Workspace) -> None:
    add(workspace, pets())
    scores = [{"accuracy": ScoreInterval(value, value - 0.03, value + 0.03)} for value in (0.91, 0.94)]
    told = GroupScores(
        "first-word", "the first word of the file's name", "unit", ("knight: knight-attack-1.png",), 117,
        unseen=scores[0], mixed=scores[1], loss=ScoreInterval(0.03, 0.01, 0.05), matters=True,
    )  # fmt: skip
    found = GroupsFound("first-word", candidates=(told,))
    write_check(workspace, json.dumps({"findings": [], "groups": found.to_json()}))
    app = look("Check")
    assert "94.0 % on new images of known units" in words(app)
    app.radio(key="groups-choice").set_value("none").run()
    assert app.session_state["groups-answer-pets"] == "none"


def test_a_failed_and_a_damaged_check_are_told(workspace: Workspace) -> None:
    add(workspace, pets())
    write_check(workspace, "")
    (workspace.data / "pets.check.json.log").write_text("Error: pets has *no* room\n")
    assert "pets has *no* room" in words(look("Check"))
    write_check(workspace, json.dumps({"findings": [{"check": 1}]}))
    assert "damaged" in words(look("Check"))


def keys(app: AppTest) -> list[str]:
    return [str(button.key) for button in app.button]


def decided(data_set: DataSet) -> list[tuple[str, str, str]]:
    return [(d.decision, d.item, d.label) for d in read_patch(patch_file(data_set.path))]


def test_findings_are_fixed_at_a_click_and_taken_back(workspace: Workspace) -> None:
    data_set = add(workspace, pets())
    proposals = [["exclude", "dog/0.png"], ["exclude", "dog/1.png"]]
    found = finding(fixes=[["exclude", "dog/0.png"]], proposals=proposals)
    merge = finding(check="class-names", items=[], fixes=[["merge", "dog", "*cat*"]])
    write_check(workspace, json.dumps({"findings": [found, merge], "set_aside": [["a.png", "broken"]]}))
    app = look("Check")
    assert "2 images are blank." in words(app)
    press(app, "all-pets-0")
    assert [d.item for d in read_patch(patch_file(data_set.path))] == ["dog/0.png", "dog/1.png"]
    assert "There are new decisions since this check" in words(app)
    press(app, "back-pets-0")
    assert read_patch(patch_file(data_set.path)) == ()
    press(app, "fix-pets-1-0")
    assert [d.decision for d in read_patch(patch_file(data_set.path))] == ["merge"]


@pytest.mark.parametrize("proposal", [["exclude", "dog/0.png"], ["merge", "dog", "*cat*"]])
def test_a_single_proposal_is_a_button_that_says_it(workspace: Workspace, proposal: list[str]) -> None:
    data_set = add(workspace, pets())
    write_check(workspace, json.dumps({"findings": [finding(fixes=[proposal], proposals=[proposal])]}))
    app = look("Check")
    assert proposal[1] in app.button(key="all-pets-0").label
    assert "fix-pets-0-0" not in keys(app)
    press(app, "all-pets-0")
    assert [[*words][: len(proposal)] for words in decided(data_set)] == [proposal]
    assert app.button(key="all-pets-0").disabled


def test_copies_are_excluded_at_once_but_never_all_of_them(workspace: Workspace) -> None:
    data_set = add(workspace, pets())
    pairs = [["dog/0.png", "dog/1.png"], ["dog/2.png", "dog/3.png"], ["dog/2.png", "dog/4.png"]]
    proposals = [["exclude", copy] for _, copy in pairs]
    write_check(workspace, json.dumps({"findings": [finding(check="duplicates", pairs=pairs, proposals=proposals)]}))
    app = look("Check")
    assert app.button(key="all-pets-0").label == "Keep one of each, exclude 3 images"
    press(app, "pair-pets-0-0-0")
    press(app, "all-pets-0")
    assert {item for _, item, _ in decided(data_set)} == {"dog/0.png", "dog/3.png", "dog/4.png"}


def test_pairs_are_decided_one_by_one_and_each_is_put_back(workspace: Workspace) -> None:
    data_set = add(workspace, pets())
    pair = ["dog/2.png", "*cat*/3.png"]
    known = {"decision": "relabel", "item": "*cat*/3.png", "label": "cat", "sha256": "", "note": ""}
    patch_file(data_set.path).write_text("decision,item,label\nrelabel,*cat*/3.png,cat\n")
    found = finding(check="label-conflicts", items=pair, pairs=[pair], fixes=[["exclude", "dog/2.png"]])
    write_check(workspace, json.dumps({"findings": [found], "decisions": [known]}))
    app = look("Check")
    # Which of them is wrong the check cannot know; what it knew of already is nothing to undo.
    assert {"all-pets-0", "fix-pets-0-0", "back-pets-0", "was-pets-0-0"}.isdisjoint(keys(app))
    press(app, "pair-pets-0-0-2")
    assert decided(data_set) == [("relabel", "*cat*/3.png", "dog")]
    press(app, "pair-pets-0-0-0")
    assert "pair-pets-0-0-1" not in keys(app)
    press(app, "was-pets-0-0")
    press(app, "pair-pets-0-0-3")
    press(app, "back-pets-0")
    assert decided(data_set) == []


def test_new_labels_are_given_only_to_images_that_were_chosen(workspace: Workspace) -> None:
    data_set = add(workspace, pets())
    proposals = [["relabel", "dog/0.png", "*cat*"], ["relabel", "dog/1.png", "*cat*"]]
    found = finding(check="label-errors", fixes=proposals[:1], proposals=proposals)
    write_check(workspace, json.dumps({"findings": [found]}))
    app = look("Check")
    assert {"all-pets-0", "fix-pets-0-0"}.isdisjoint(keys(app))
    assert "Click the images that you want to relabel" in words(app)
    app.session_state["found-pets-0-0"] = chosen(data_set, "dog/1.png")
    app.run()
    press(app, "some-pets-0")
    assert decided(data_set) == [("relabel", "dog/1.png", "*cat*")]


def test_checking_is_a_job_of_the_command_line(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    data_set = add(workspace, pets())
    asked = []
    monkeypatch.setattr(jobs, "start", lambda target, arguments, **more: asked.append((target, arguments, more)))
    press(look("Check"), "check")
    ((target, arguments, more),) = asked
    assert arguments[:2] == ["check", str(data_set.path)]
    assert more["output"] == target == workspace.data / "pets.check.json"


def test_a_data_set_is_renamed_and_deleted_with_what_belongs_to_it(workspace: Workspace) -> None:
    add(workspace, pets())
    add(workspace, pets(), name="pets-2")
    (workspace.data / "pets.patch.csv").write_text("decision,item\n")
    app = open_page("data")
    app.text_input(key="title-pets").set_value("My *pets*").run()
    press(app, "rename")
    assert find_data_set(workspace, "pets").title == "My *pets*"
    app.radio(key="data").set_value("pets").run()
    press(app, "delete")
    press(app, "delete-now")
    assert sorted(path.name for path in workspace.data.iterdir()) == ["pets-2", "pets-2.dataset.json"]


def test_the_question_is_not_asked_behind_the_menu_and_may_be_denied(workspace: Workspace) -> None:
    add(workspace, pets())
    app = open_page("data")
    app.session_state["data-menu"] = True
    press(app, "delete")
    assert app.session_state["data-menu"] is False
    press(app, "keep")
    assert "keep" not in keys(app)
    assert [one.name for one in list_data_sets(workspace)] == ["pets"]


def test_what_lies_elsewhere_is_forgotten_and_never_touched(workspace: Workspace, tmp_path: Path) -> None:
    folder = write_images(tmp_path / "mine", pets())
    save_data_set(workspace, DataSet("mine", "mine", folder))
    app = press(open_page("data"), "delete")
    assert "stay untouched" in words(app)
    press(app, "delete-now")
    assert list_data_sets(workspace) == []
    assert len(list(folder.rglob("*.png"))) == 10


@pytest.mark.parametrize("zipped", [False, True], ids=["folder", "archive"])
def test_decisions_about_mapped_folders_elsewhere_wait_until_these_are_added_again(
    zipped: bool, workspace: Workspace, tmp_path: Path
) -> None:
    path = write_images(tmp_path / "mine", [f"2024/{label}/{i}.png" for label in ("cat", "dog") for i in range(4)])
    path = Path(shutil.make_archive(str(path), "zip", path)) if zipped else path
    save_data_set(workspace, DataSet("mine", "mine", path))
    data_set = find_data_set(workspace, "mine")
    tree = read_tree(workspace, data_set)
    mapped = map_folders(workspace, data_set, tree, classes_by_level(tree, 1))
    item = open_source(mapped.path, label=mapped.label, cache=tmp_path / "cache").table["path"][0]
    decisions = decide(mapped.path, [Decision("exclude", item)], label=mapped.label, cache=tmp_path / "cache")
    app = press(open_page("data"), "delete")
    assert "decisions about them: they are back when you add it again" in words(app)
    press(app, "delete-now")
    assert list_data_sets(workspace) == []
    assert not (workspace.data / "mine").exists()
    other = write_images(tmp_path / "other" / path.name, pets())
    app = use_path(open_page("data"), other)
    app = use_path(app.toggle(key="adding").set_value(True).run(), path)
    found = {one.path: one for one in list_data_sets(workspace)}
    assert found.keys() == {other, mapped.path}
    assert not read_patch(patch_file(other))
    assert read_patch(patch_file(mapped.path)) == decisions
    assert {metric.label: metric.value for metric in app.metric} == {
        "images": "7", "classes": "2", "excluded": "1",
    }  # fmt: skip


def test_decisions_about_data_that_cannot_be_written_beside_are_kept_in_the_workspace(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, access, asked = write_images(tmp_path / "fixed" / "mine", pets()), os.access, []
    patch_file(folder).write_text("decision,item\nexclude,dog/0.png\n")
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != folder.parent and access(path, mode))
    monkeypatch.setattr(jobs, "start", lambda target, arguments, **more: asked.append(arguments))
    app = use_path(open_page("data"), folder)
    assert "excluded" in {metric.label for metric in app.metric}
    app = look("Images")
    data_set = find_data_set(workspace, "mine")
    app.session_state["gallery-0"] = chosen(data_set, "*cat*/0.png")
    press(app.run(), "exclude")
    kept = workspace.data / "mine.patch.csv"
    assert [one.item for one in read_patch(kept)] == ["dog/0.png", "*cat*/0.png"]
    assert data_set.patch_file == list_subjects(workspace)[0].patch_file == kept
    assert [one.item for one in read_patch(patch_file(folder))] == ["dog/0.png"]
    assert "2 decisions, kept in `mine.patch.csv` with the app's own files" in words(look("Decisions"))
    press(look("Check"), "check")
    start_search(SearchRequest(data_set=data_set, budget_seconds=60), workspace)
    assert [(one[0], one[one.index("--patch") + 1]) for one in asked] == [("check", str(kept)), ("fit", str(kept))]
    mapped = map_folders(workspace, data_set, read_tree(workspace, data_set), {"dog": "d", "*cat*": "c"})
    assert len(read_patch(mapped.patch_file)) == 2
    unmap(workspace, mapped)
    press(press(look(), "delete"), "delete-now")
    assert len(read_patch(kept)) == 2
    use_path(open_page("data"), folder)
    assert find_data_set(workspace, "mine") == data_set


def test_the_page_bears_runs_of_every_kind(workspace: Workspace) -> None:
    made_runs.write_damaged(workspace.runs / "torn")
    made_runs.write_failed(workspace.runs / "bad", "no images")
    add(workspace, pets())
    assert "Understood as" in words(look())
