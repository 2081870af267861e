"""The Train page in every condition."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import made_runs
import psutil
import pytest
from app_pages import APP, PAGES, open_page, words
from label_data import write_image
from queueing import begin, clear, end, has_begun, one_at_a_time, wait_until
from small_encoder import small_graph
from streamlit.testing.v1 import AppTest

from autotl.data.patch import Decision, patch_file, write_patch
from autotl.hookspecs import hookimpl
from autotl.interfaces import Encoder
from autotl.plugins import load_plugins
from autotl_ui.jobs import jobs
from autotl_ui.workspace.data_sets import DataSet, save_data_set
from autotl_ui.workspace.workspace import Workspace


def add_data(runs: Path, name: str, title: str = "") -> None:
    for number in range(10):
        write_image(runs.parent / name / ("a" if number % 2 else "b") / f"{number}.png", shade=20 * number)
    save_data_set(Workspace(runs.parent), DataSet(name, title or name, runs.parent / name))


def open_with_data(name: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=20).run()
    app.query_params["data"] = name
    return app.switch_page(PAGES["train"]).run()


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What would have been started, in the place of jobs."""
    found: list[list[str]] = []

    def start(target: Path, arguments: list[str], **options: object) -> None:
        found.append(arguments)
        made_runs.write_failed(target, "only a test")

    monkeypatch.setattr(jobs, "start", start)
    return found


def test_without_images_the_page_links_to_the_data_page(runs: Path) -> None:
    app = open_page("train")
    assert "add some first" in words(app)
    assert not app.button


def test_three_choices_are_in_sight_and_start_runs_the_command_line(runs: Path, commands: list[list[str]]) -> None:
    add_data(runs, "cats")
    add_data(runs, "dogs", "My *dogs*")
    app = open_with_data("dogs")
    assert app.selectbox(key="data-set").value == "dogs"
    app.radio(key="strategy").set_value("probe")
    app.selectbox(key="objective").set_value("roc_auc")
    app.multiselect(key="heads").set_value(["linear-svm"])
    app.number_input(key="trials").set_value(7)
    app.button(key="start").click().run()
    assert not app.exception
    [command] = commands
    assert command[:2] == ["fit", str(runs.parent / "dogs")]
    assert {"--strategy=probe", "--objective=roc_auc", "--heads=linear-svm", "--trials=7", "--budget=180s"} <= {
        *command
    }
    assert str(app.query_params["run"]).startswith("dogs-")
    assert app.error[0].value == "only a test"


def test_what_cannot_be_started_is_explained(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise jobs.BusyError("5 jobs of yours are at work or waiting already")

    add_data(runs, "cats")
    monkeypatch.setattr(jobs, "start", refuse)
    app = open_page("train")
    app.text_input(key="register").set_value("a/b")
    app.button(key="start").click().run()
    assert "cannot be the name of a registered model" in app.error[0].value
    app.text_input(key="register").set_value("")
    app.button(key="start").click().run()
    assert "5 jobs of yours are at work or waiting already" in app.error[0].value
    app.text_input(key="groups").set_value("no-such-column")
    app.button(key="start").click().run()
    assert "no-such-column" in app.error[0].value
    shutil.rmtree(runs.parent / "cats")
    app.button(key="start").click().run()
    assert "there is nothing at" in app.error[0].value
    assert app.button(key="start").disabled
    assert not app.exception


@pytest.mark.parametrize(
    ("names", "why"),
    [
        ([], "no image"),
        (["a/1.png", "a/2.png", "a/3.png", "a/4.png", "a/5.png"], "1 class with images"),
        ([*(f"a/{i}.png" for i in range(5)), "b/1.png"], "too few readable images in 1 of its classes"),
        ([f"{i}.png" for i in range(9)], "no class"),
        (None, "too few readable images"),
    ],
    ids=["empty", "one class", "a class of one", "no classes", "excluded by decisions"],
)
def test_what_a_search_would_refuse_is_said_before_it_starts(runs: Path, names: list[str] | None, why: str) -> None:
    folder = runs.parent / "cats"
    folder.mkdir()
    for number, name in enumerate(names if names is not None else [f"{c}/{i}.png" for c in "ab" for i in range(5)]):
        write_image(folder / name, shade=9 * number)
    if names is None:
        write_patch(patch_file(folder), [Decision("exclude", f"a/{number}.png") for number in range(4)])
    save_data_set(Workspace(runs.parent), DataSet("cats", "cats", folder))
    app = open_page("train")
    assert why in words(app)
    button = app.button(key="start")
    assert (button.disabled, button.label) == (True, "These data cannot be trained on")


@pytest.mark.parametrize("small", [{"c": 1}, {"c": 2, "d": 3}, {"an *odd* name": 1}, dict.fromkeys("cdefghijk", 1)])
def test_classes_with_too_few_images_can_be_left_out(
    runs: Path, small: dict[str, int], commands: list[list[str]]
) -> None:
    add_data(runs, "cats")
    for name, n in small.items():
        for number in range(n):
            write_image(runs.parent / "cats" / name / f"{number}.png", shade=20 * number)
    app = open_page("train")
    name, number = next(iter(small.items()))
    assert f"Too few images in {name} ({number})" in words(app)
    assert "autotl fit" not in words(app)
    assert app.button(key="start").disabled
    app.toggle(key="leave-out").set_value(True).run()
    app.button(key="start").click().run()
    assert not app.exception
    assert "--min-per-class=4" in commands[0]


def test_a_running_search_is_shown_live_and_stops_on_demand(runs: Path, sleeper: psutil.Process) -> None:
    made_runs.write_running(runs / "busy")
    made_runs.write_job(runs / "busy", pid=sleeper.pid, created=sleeper.create_time())
    with (runs / "busy" / "events.jsonl").open("a", encoding="utf-8") as file:
        file.write(
            '\n{"event": "trial", "time": 9e9, "number": 1, "name": "svm on *net*", "state": "complete", "value": 0.9,'
            '"low": 0.8, "high": 0.95, "best_trial": 1, "strategy": "probe", "seconds": 2.5}\n'
        )
    app = open_page("train", run="busy")
    text = words(app)
    assert "Computing features: 64 of 90 images" in text
    assert "Trial 1, svm on *net*, became the best: 0.900 (0.800 to 0.950), in 2.5 s." in text
    assert "2.5 s simplified" in text
    assert "few images. Add some." in text
    assert len(app.get("vega_lite_chart") or app.get("arrow_vega_lite_chart")) == 2
    assert app.button(key="stop").label == "Stop (there is no model yet)"
    app.button(key="stop").click().run()
    sleeper.wait(timeout=10)
    assert "stopped before there was a model" in words(app.run())
    assert not app.exception


def test_a_queued_search_shows_its_place_and_can_leave_the_queue(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one_at_a_time(monkeypatch, runs.parent)
    targets = [runs / name for name in "abc"]
    try:
        for target in targets:
            begin(target)
        wait_until(lambda: has_begun(targets[0]))
        app = open_page("train", run="c")
        assert "Waiting, second in the queue" in words(app)
        end(targets[0])
        wait_until(lambda: has_begun(targets[1]))
        assert "Waiting, first in the queue" in words(app.run())
        app.button(key="stop").click().run()
        wait_until(lambda: not jobs.read(targets[2]).alive)  # type: ignore[union-attr]
        assert "stopped before it had begun" in words(app.run())
        assert not app.exception
    finally:
        clear(*targets)


def test_a_killed_search_is_carried_on_at_a_click(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one_at_a_time(monkeypatch, runs.parent)
    made_runs.write_running(runs / "killed")
    (runs / "killed" / "dataset.parquet").touch()
    made_runs.write_job(runs / "killed", pid=2**22 + 1, created=0.0)
    (runs / "killed.log").write_text("== autotl fit\nscan 10 of 10\n")
    app = open_page("train", run="killed")
    assert "Its process ended before the search was done." in app.error[0].value
    assert "scan 10 of 10" in words(app)
    try:
        app.button(key="resume").click().run()
        assert not app.exception
        assert "Resuming where it stopped." in words(app.run())
        assert jobs.read(runs / "killed").kind == "resume"  # type: ignore[union-attr]
    finally:
        clear(runs / "killed")


def test_a_finished_run_leads_to_its_results_and_a_gone_one_is_named(runs: Path) -> None:
    made_runs.write_finished(runs / "good")
    made_runs.write_damaged(runs / "torn")
    finished = open_page("train", run="good")
    assert "the model is ready" in finished.success[0].value
    assert "History" in [tab.label for tab in finished.tabs]
    assert "damaged" in words(open_page("train", run="torn"))
    assert "There is no run no-such-run here" in words(open_page("train", run="no-such-run"))


def test_another_search_uses_the_same_data(runs: Path) -> None:
    for name in ("cats", "dogs", "photos"):
        add_data(runs, name, name.title())
    made_runs.write_finished(runs / "good")
    made_runs.write_failed(runs / "bad", "it has too few images")
    job = runs / "bad.job.json"
    job.write_text(json.dumps(json.loads(job.read_text()) | {"about": "Dogs"}))
    state = json.loads((runs / "good" / "run.json").read_text())
    state["config"]["data"] = "photos"
    (runs / "good" / "run.json").write_text(json.dumps(state))
    for run, name in (("good", "photos"), ("bad", "dogs")):
        app = open_page("train", run=run)
        app.button(key="another").click().run()
        assert app.selectbox(key="data-set").value == name
    assert "data=dogs" in str([link.proto for link in open_page("results", run="bad").get("page_link")])


def test_other_runs_at_work_are_in_sight(runs: Path, sleeper: psutil.Process) -> None:
    made_runs.write_running(runs / "busy")
    made_runs.write_job(runs / "busy", pid=sleeper.pid, created=sleeper.create_time())
    app = open_page("train")
    assert "Running" in words(app)
    assert "busy (running)" in str([link.proto for link in app.get("page_link")])


def test_a_page_that_cannot_say_why_a_job_was_refused_leaves_it_to_the_frame(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Workspace) -> None:
        raise jobs.BusyError("5 jobs of yours are at work")

    monkeypatch.setattr(Workspace, "list_runs", refuse)
    app = open_page("train")
    assert app.warning[0].value == "Nothing was started: 5 jobs of yours are at work."


@pytest.fixture
def offering(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Beside what is built in, an encoder whose licence forbids commercial use."""
    from autotl_ui.train import plugin_choices
    from autotl_ui.workspace import installed

    restricted = Encoder("faces", small_graph, ((32, 32),), True, "some faces", "CC-BY-NC-4.0", commercial=False)
    plugin = SimpleNamespace(__name__="theirs", register_encoders=hookimpl(lambda: [restricted]))
    plugins = load_plugins(extra=[plugin])
    for module in ("plugin_choices", "networks", "start_search", "network_file"):
        monkeypatch.setattr(f"autotl_ui.train.{module}.loaded_plugins", lambda: plugins)
    plugin_choices.installed_choices.cache_clear()
    yield
    plugin_choices.installed_choices.cache_clear()
    installed.loaded_plugins.cache_clear()


def test_encoders_are_offered_beside_backbones_with_what_restricts_their_use(
    runs: Path, commands: list[list[str]], offering: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autotl_ui.train.start_search.find_problem_of_networks", lambda *_, **__: "")
    add_data(runs, "cats")
    app = open_with_data("cats")
    field = app.multiselect(key="backbones")
    assert field.options[0] == "efficientnet-lite0"
    assert "faces (may not be used commercially)" in field.options
    assert "vgg16 (downloads its weights)" in field.options
    assert "The licences of faces forbid commercial use" in field.help
    field.set_value(["faces"])
    app.text_input(key="network").set_value(" net.onnx ")
    app.button(key="start").click().run()
    assert not app.exception
    assert "--backbones=faces,net.onnx" in commands[0]


def test_crops_are_offered_for_images_with_what_each_finds(
    runs: Path, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(
        "autotl_ui.train.start_search.find_problem_of_networks", lambda given, **_: asked.append(given) or ""
    )
    add_data(runs, "cats")
    app = open_with_data("cats")
    field = app.multiselect(key="crops")
    assert "largest-object (the largest object before a plain background)" in field.options
    assert "faces (the largest face, turned upright, may not be used commercially)" in field.options
    field.set_value(["largest-object"])
    app.button(key="start").click().run()
    assert not app.exception
    assert "--crops=largest-object" in asked[0]
    assert "--crops=none,largest-object" in commands[0]


def test_a_guest_uploads_a_network_and_names_no_path(
    runs: Path, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autotl_ui.train.start_search.find_problem_of_networks", lambda *_, **__: "")
    monkeypatch.setattr("autotl_ui.train.search_form.current", lambda: Workspace(runs.parent, whole_machine=False))
    add_data(runs, "cats")
    app = open_with_data("cats")
    assert "network" not in {one.key for one in app.text_input}
    field = app.file_uploader(key="network")
    field.set_value([("a net.onnx", b"1", ""), ("b.onnx", b"2", "")])
    app.button(key="start").click().run()
    assert "2 ONNX files and 0 JSON files were uploaded" in app.error[0].value
    assert not commands
    app.file_uploader(key="network").set_value([("a net.onnx", b"1", "")])
    app.button(key="start").click().run()
    assert not app.exception
    [kept] = (runs.parent / "autotl-networks").glob("*/a-net.onnx")
    assert f"--backbones={kept}" in commands[0]
