"""The Label page: its queues, what the browser reports, the way on; and whatever state the workspace is in."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import made_runs
import psutil
import pytest
from app_pages import PAGES, open_page, words
from label_data import write_image, write_pets, write_run
from streamlit.testing.v1 import AppTest

from autotl.data.patch import Decision, patch_file, read_patch, write_patch
from autotl.data.patch_edits import decide
from autotl.interfaces import Finding
from autotl.settings import settings
from autotl_ui.jobs import jobs
from autotl_ui.label.labelling_session import KEY
from autotl_ui.workspace.workspace import Workspace


@pytest.fixture
def workspace(runs: Path) -> Workspace:
    return Workspace(runs.parent)


def data_of(app: AppTest) -> dict[str, Any]:
    """What the page gives to the browser."""
    [component] = app.get("bidi_component")
    found: dict[str, Any] = json.loads(component.proto.json)
    return found


def report(app: AppTest, *actions: dict[str, Any], position: int) -> AppTest:
    """What the browser would say after some keystrokes."""
    said = {"log": "a", "queue": data_of(app)["queue"], "position": position, "actions": list(actions)}
    app.session_state[KEY] = {"report": said}
    app.run()
    assert not app.exception
    return app


def test_an_empty_workspace_says_what_to_do(workspace: Workspace) -> None:
    assert "There are no images or texts to label yet" in words(open_page("label"))


def test_a_label_from_the_browser_is_a_decision_in_the_patch_file(workspace: Workspace) -> None:
    pets = write_pets(workspace)
    app = open_page("label")
    data = data_of(app)
    assert (data["classes"], data["total"], data["blind"]) == (["cat", "dog"], 3, True)
    app.text_input(key="coder").set_value("Ann")
    report(app, {"n": 1, "kind": "label", "index": 0, "label": "dog"}, position=1)
    [decision] = read_patch(patch_file(pets.path))
    assert (decision.decision, decision.item, decision.label) == ("relabel", "unlabelled/0.png", "dog")
    assert decision.note.startswith("labelled by Ann, ")
    assert data_of(app)["kept"] == {"a": 1}
    assert data_of(open_page("label"))["total"] == 2


def test_who_labels_sees_neither_name_nor_label_until_it_is_wished(workspace: Workspace) -> None:
    write_pets(workspace)
    app = open_page("label")
    assert all(task.keys() == {"src", "text", "words", "reason"} for task in data_of(app)["tasks"])
    app.toggle(key="seeing").set_value(True).run()
    assert data_of(app)["tasks"][0]["item"] == "unlabelled/0.png"
    assert data_of(app)["tasks"][0]["given"] == ""


@pytest.mark.parametrize("n_unlabelled", [0, 3])
def test_the_way_to_training_takes_the_images_along(workspace: Workspace, n_unlabelled: int) -> None:
    write_pets(workspace, n_unlabelled=n_unlabelled)
    [link] = open_page("label").get("page_link")
    assert "data=pets" in str(link.proto)


def test_a_queue_stays_as_it_began_while_its_images_get_labels(workspace: Workspace) -> None:
    write_pets(workspace)
    app = open_page("label")
    actions = [{"n": n, "kind": "label", "index": n - 1, "label": "cat"} for n in (1, 2, 3)]
    report(app, *actions, position=3)
    assert data_of(app)["total"] == 3
    assert app.button(key="again").label == "See what else there is"
    app.button(key="again").click().run()
    assert not app.exception
    assert app.segmented_control(key="queue").options == ["Changed (3)"]


def test_what_was_skipped_can_be_gone_through_again(workspace: Workspace) -> None:
    write_pets(workspace)
    app = open_page("label")
    report(app, {"n": 1, "kind": "label", "index": 1, "label": "cat"}, position=3)
    assert app.button(key="again").label == "Go through what is left"
    data = data_of(app)
    assert data["labelled"] == 1
    assert [task["reason"] for task in data["tasks"]] == [
        "no label yet",
        "labelled already",
        "no label yet",
    ]


def test_a_new_class_gets_the_next_key(workspace: Workspace) -> None:
    write_pets(workspace)
    app = open_page("label")
    app.text_input(key="new-class").set_value("  a  bird ").run()
    assert not app.exception
    assert data_of(app)["classes"] == ["cat", "dog", "a bird"]


def test_a_class_keeps_its_key_for_everybody_whatever_comes_later(workspace: Workspace) -> None:
    pets = write_pets(workspace)
    app = open_page("label")
    app.text_input(key="new-class").set_value("bird").run()
    other = open_page("label")  # another window, or this one loaded again
    assert data_of(other)["classes"] == ["cat", "dog", "bird"]
    other.text_input(key="new-class").set_value("ant").run()
    report(app, {"n": 1, "kind": "label", "index": 0, "label": "bird"}, position=1)
    decide(pets.path, [Decision("relabel", "cat/0.png", "aardvark")], cache=settings().cache)
    write_image(pets.path / "bee" / "0.png", shade=3)
    keys = ["cat", "dog", "bird", "ant"]
    assert data_of(app)["classes"] == keys
    assert data_of(open_page("label"))["classes"] == [*keys, "aardvark", "bee"]
    order = pets.path.with_name("pets.classes.json")
    assert json.loads(order.read_text(encoding="utf-8")) == keys
    write_patch(patch_file(pets.path), [])
    assert data_of(open_page("label"))["classes"][:4] == keys  # even when no image has it any more


@pytest.mark.parametrize("merged", ["cat", "dog", "eel"])
def test_a_class_that_is_merged_leaves_its_key_free_and_gets_it_back(workspace: Workspace, merged: str) -> None:
    pets = write_pets(workspace)
    write_image(pets.path / "eel" / "0.png", shade=3)
    keys = ["cat", "dog", "eel"]
    into = next(name for name in keys if name != merged)
    left = ["" if name == merged else name for name in keys]
    app = open_page("label")
    assert data_of(app)["classes"] == keys
    decide(pets.path, [Decision("merge", merged, into)], cache=settings().cache)
    assert data_of(app.run())["classes"] == left  # also in the window that is open
    report(app, {"n": 1, "kind": "label", "index": 0, "label": into}, position=1)
    app.text_input(key="new-class").set_value("fox").run()
    assert data_of(open_page("label"))["classes"] == [*left, "fox"]
    app.text_input(key="new-class").set_value(merged).run()
    assert f"{merged} was merged into {into}" in app.toast[0].value
    decide(pets.path, [], undo=[merged], cache=settings().cache)
    assert data_of(open_page("label"))["classes"] == [*keys, "fox"]


@pytest.mark.parametrize("order", ["{", '{"a": 1}', "[1]", '[""]'])
def test_an_order_of_classes_that_is_damaged_is_said_and_stays(workspace: Workspace, order: str) -> None:
    pets = write_pets(workspace)
    file = pets.path.with_name("pets.classes.json")
    file.write_text(order, encoding="utf-8")
    assert "cannot be read as the order of the classes" in words(open_page("label"))
    assert file.read_text(encoding="utf-8") == order


def test_looking_at_images_to_label_writes_nothing_beside_them(workspace: Workspace) -> None:
    pets = write_pets(workspace)
    before = sorted(workspace.data.rglob("*"))
    open_page("label")
    assert sorted(workspace.data.rglob("*")) == before
    assert pets.path.exists()


def test_who_labels_is_told_what_was_labelled_meanwhile_and_decides(workspace: Workspace) -> None:
    pets = write_pets(workspace)
    app = open_page("label")
    said = Decision("relabel", "unlabelled/0.png", "dog", note="labelled by Bob, 2026-11-29")
    decide(pets.path, [said], cache=settings().cache)
    components = app.get("bidi_component")
    state = {"log": "a", "queue": json.loads(components[0].proto.json)["queue"], "position": 1}
    app.session_state[KEY] = {"report": {**state, "actions": [{"n": 1, "kind": "label", "index": 0, "label": "cat"}]}}
    app.run()
    assert "Image 1 was **labelled meanwhile as dog** (labelled by Bob, 2026-11-29). You said **cat**." in words(app)
    assert "not saved" in json.loads(app.get("bidi_component")[0].proto.json)["problem"]
    assert read_patch(patch_file(pets.path))[0].label == "dog"
    assert app.button(key="theirs-1").label == "Keep dog"
    app.button(key="mine-1").click().run()
    assert not app.exception
    assert read_patch(patch_file(pets.path))[0].label == "cat"
    assert "meanwhile" not in words(app)


def test_what_the_last_check_doubts_is_a_queue(workspace: Workspace) -> None:
    write_pets(workspace, n_unlabelled=0)
    found = Finding("label-errors", "warning", "two labels", items=("dog/2.png", "cat/1.png"))
    document = {"findings": [asdict(found), asdict(Finding("x", "info", "nothing"))]}
    (workspace.data / "pets.check.json").write_text(json.dumps(document), encoding="utf-8")
    # Of other data, whose name begins alike, and checked later.
    other = {"findings": [asdict(replace(found, items=("cat/0.png",)))]}
    (workspace.data / "pets-2.check.json").write_text(json.dumps(other), encoding="utf-8")
    app = open_page("label")
    app.toggle(key="seeing").set_value(True).run()
    assert [task["item"] for task in data_of(app)["tasks"]] == ["dog/2.png", "cat/1.png"]


@pytest.mark.parametrize("document", ["{", "[]", '{"findings": 3}', '{"findings": [{"check": "label-errors"}]}'])
def test_a_check_s_document_that_cannot_be_read_is_passed_over(workspace: Workspace, document: str) -> None:
    write_pets(workspace)
    (workspace.data / "pets.check.json").write_text(document, encoding="utf-8")
    assert open_page("label").segmented_control(key="queue").options == ["No label (3)"]


def test_where_all_is_labelled_the_page_says_what_comes_next(workspace: Workspace) -> None:
    write_pets(workspace, n_unlabelled=0)
    assert "All 8 images have a label" in words(open_page("label"))


def test_images_without_any_class_can_be_begun_with(workspace: Workspace) -> None:
    pets = write_pets(workspace, n_unlabelled=0)
    for name in ("cat", "dog"):
        for path in (pets.path / name).iterdir():
            path.rename(pets.path / f"{name}-{path.name}")
        (pets.path / name).rmdir()
    app = open_page("label")
    assert "Name the classes" in words(app)
    assert data_of(app)["total"] == 8


def test_data_that_are_gone_are_explained(workspace: Workspace) -> None:
    pets = write_pets(workspace)
    pets.path.rename(pets.path.with_name("elsewhere"))
    assert "no longer exists" in words(open_page("label"))


def test_a_patch_file_that_cannot_be_understood_is_said_and_stays(workspace: Workspace) -> None:
    pets = write_pets(workspace)
    patch_file(pets.path).write_text("decision,item\nexplode,cat\n", encoding="utf-8")
    assert "row 2 of the patch file" in words(open_page("label"))
    assert patch_file(pets.path).read_text(encoding="utf-8").endswith("explode,cat\n")


def test_after_new_labels_the_newest_run_can_be_refitted(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    pets = write_pets(workspace)
    write_run(workspace, "first", pets.path)
    app = open_page("label")
    assert app.button(key="refit").disabled
    assert "includes all decisions so far" in words(app)
    write_patch(patch_file(pets.path), [Decision("exclude", "cat/0.png")])
    commands: list[list[str]] = []
    monkeypatch.setattr(jobs, "start", lambda target, arguments, **_: commands.append([target.name, *arguments]))
    app.run()
    app.button(key="refit").click().run()
    assert not app.exception
    folder = workspace.runs / "first"
    assert commands == [
        ["first-refit", "refit", str(folder), "--run", f"{folder}-refit", "--events", f"{folder}-refit.events.jsonl"]
    ]


def test_a_run_leads_to_the_data_that_it_learned_from(workspace: Workspace, tmp_path: Path) -> None:
    write_pets(workspace)
    for number in range(3):
        write_image(tmp_path / "birds" / ("owl" if number else "") / f"{number}.png", shade=9 * number)
    write_run(workspace, "owls", tmp_path / "birds")
    app = open_page("label", run="owls")
    assert app.selectbox(key="subject").value == "run=owls"
    assert data_of(app)["classes"] == ["owl"]


def test_every_kind_of_run_may_lie_around(workspace: Workspace, sleeper: psutil.Process) -> None:
    pets = write_pets(workspace)
    write_run(workspace, "good", pets.path)
    made_runs.write_finished(workspace.runs / "homeless")
    made_runs.write_damaged(workspace.runs / "torn")
    made_runs.write_failed(workspace.runs / "bad", "photos has 1 class folder")
    made_runs.write_running(workspace.runs / "busy")
    made_runs.write_job(workspace.runs / "busy", pid=sleeper.pid, created=sleeper.create_time())
    for name in ("good", "homeless", "torn", "bad", "busy"):
        app = open_page("label", run=name)
        assert app.selectbox(key="subject").options == ["*Pets*", "photos"]
    assert PAGES["label"]
