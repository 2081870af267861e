"""The Models page: what is registered, which version is the champion, and what can be exported."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import made_runs
import psutil
import pytest
from app_pages import open_page, words
from small_models import write_small_model
from streamlit.testing.v1 import AppTest

from autotl.hookspecs import hookimpl
from autotl.interfaces import Exporter, ModelStore, ScoreInterval
from autotl.plugins import load_plugins
from autotl.runs.audit import AuditSummary, Gap, Gate
from autotl.runs.run import open_run
from autotl_plugins.mlflow_store.client import connect
from autotl_plugins.registries.mlflow import register
from autotl_ui.jobs import jobs
from autotl_ui.models import export_jobs, model_servers, registration_form, registry
from autotl_ui.workspace.runs import look
from autotl_ui.workspace.workspace import Workspace

CLASSES = ("cat", "dog")
TEST = {"balanced_accuracy": {"value": 0.9, "low": 0.8, "high": 0.95}}
METADATA = {
    "objective": "balanced_accuracy",
    "test": TEST,
    "search": {"balanced_accuracy": {"value": 0.92, "low": 0.85, "high": 0.97}},
    "verdict": {"over_default": {"claim": "the champion beats the default"}},
    "fingerprint": "f00d",
    "test_fingerprint": "7e57",
    "n_items": {"train": 60, "validation": 20, "test": 20},
    "run": "good",
    "head": "*svm*",
    "backbone": "lite0",
}
NAME = "my_pets 1"


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs with a store of three versions; a test that changes something puts it right again."""
    runs = tmp_path_factory.mktemp("registered") / "autotl-runs"
    made_runs.write_finished(runs / "good")
    for seed, more in enumerate(({}, {"test_fingerprint": "0ther", "run": "gone"}, {})):
        folder = write_small_model(runs.parent / f"m{seed}" / "champion", seed=seed, metadata=METADATA | more)
        register(ModelStore(None, (runs,)), folder, NAME)
    shutil.rmtree(runs / "good" / "champion")
    write_small_model(runs / "good" / "champion", seed=2, metadata=METADATA)
    return runs


@pytest.fixture
def shown(registered: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("AUTOTL_WORKSPACE", str(registered.parent))
    registry.forget()
    yield registered
    set_champion(registered, 3, 2)
    shutil.rmtree(registered.parent / "autotl-models", ignore_errors=True)
    registry.forget()


def client(runs: Path) -> Any:
    return connect(f"sqlite:///{runs / 'mlflow.db'}")


def set_champion(runs: Path, champion: int, previous: int) -> None:
    client(runs).set_registered_model_alias(NAME, "champion", str(champion))
    client(runs).set_registered_model_alias(NAME, "previous", str(previous))


def champion(runs: Path) -> dict[str, int]:
    return {alias: int(v) for alias, v in client(runs).get_registered_model(NAME).aliases.items()}


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click().run()
    assert not app.exception
    return app


def test_an_empty_workspace_says_how_a_model_gets_here(runs: Path) -> None:
    text = words(open_page("models"))
    assert "No models are registered yet" in text
    assert "Models come from finished runs" in text
    assert not runs.exists()


def test_a_finished_run_can_be_registered_downloaded_and_served_before_there_is_a_store(runs: Path) -> None:
    finished(runs)
    app = open_page("models", run="good")
    assert app.selectbox(key="register-run").value == "good"
    assert app.selectbox(key="use-model").options == ["Run good"]
    assert not (runs / "mlflow.db").exists()


def test_damaged_registries_are_explained(runs: Path) -> None:
    finished(runs)
    (runs / "mlflow.db").write_bytes(b"this is no database" * 100)
    registry.forget()
    app = open_page("models")
    assert "The model registry cannot be read at the moment" in app.warning[0].value
    assert app.selectbox(key="use-model").options == ["Run good"]


def test_registering_checks_the_name_starts_the_command_and_tells_its_end(
    runs: Path, monkeypatch: pytest.MonkeyPatch, sleeper: psutil.Process
) -> None:
    finished(runs)
    commands: list[list[str]] = []
    target = runs.parent / "autotl-models" / "register"

    def start(target: Path, arguments: list[str], **options: Any) -> None:
        commands.append(arguments)
        made_runs.write_job(target, pid=sleeper.pid, created=sleeper.create_time())

    monkeypatch.setattr(jobs, "start", start)
    app = open_page("models")

    def refuse(target: Path, arguments: list[str], **options: Any) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as context:
        context.setattr(jobs, "start", refuse)
        app.text_input(key="register-name-good").set_value(NAME)
        assert "could not be started: no space left" in press(app, "register").error[0].value
    app.text_input(key="register-name-good").set_value("")
    press(app, "register")
    assert "Enter a name for the model first" in app.error[0].value
    app.text_input(key="register-name-good").set_value("../../etc")
    said = press(app, "register").error[0].value
    assert "cannot be the name of a registered model" in said
    assert said.endswith("such as pet-photos.")
    assert commands == []
    app.text_input(key="register-name-good").set_value(NAME)
    press(app, "register")
    [command] = commands
    assert command[:3] == ["register", str(runs / "good"), f"--name={NAME}"]
    assert command[3:] == ["--tracking-uri", f"sqlite:///{runs / 'mlflow.db'}", "--json"]
    assert not [button for button in app.button if button.key == "register"]  # while it is at work

    made_runs.write_job(target, pid=2**22 + 1, created=0.0)
    jobs.log_file(target).write_text("Error: the disk is full\n", encoding="utf-8")
    assert "was not registered: the disk is full" in words(open_page("models"))
    answer = {"name": NAME, "version": 7, "alias": "champion"}
    target.with_name("register.answer").write_text(json.dumps(answer), encoding="utf-8")
    assert open_page("models").success[0].value.replace("\\", "") == f"Registered: {NAME}, version 7."


def test_what_was_registered_is_called_champion_only_while_it_is(shown: Path) -> None:
    target = shown.parent / "autotl-models" / "register"
    made_runs.write_job(target, pid=2**22 + 1, created=0.0)
    target.with_name("register.answer").write_text(json.dumps({"name": NAME, "version": 3}), encoding="utf-8")
    app = open_page("models")
    assert app.success[0].value.replace("\\", "") == f"Registered: {NAME}, version 3, now the champion."
    press(app, f"back-{NAME}")
    press(app, "confirm")
    said = [success.value.replace("\\", "") for success in app.success]
    assert said == [f"models:/{NAME}@champion is now version 2.", f"Registered: {NAME}, version 3."]


def test_a_model_that_would_take_the_place_of_a_better_or_another_one_is_registered_only_when_confirmed(
    shown: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(jobs, "start", lambda target, arguments, **_: started.append(arguments))
    write_small_model(shown / "good" / "champion", classes=("7", "8"), metadata=METADATA)
    app = open_page("models")
    app.text_input(key="register-name-good").set_value(NAME)
    press(app, "register")
    assert f"Version 3, the current champion of {NAME}, has different classes: cat, dog. This run has 7, 8." in words(
        app
    )
    assert started == []
    press(app, "register-anyway")
    assert [command[:3] for command in started] == [["register", str(shown / "good"), f"--name={NAME}"]]
    app.text_input(key="register-name-good").set_value("another")
    press(app, "register")
    assert started[1][2] == "--name=another"
    write_small_model(shown / "good" / "champion", seed=2, metadata=METADATA)


def test_every_version_shows_what_is_known_of_it(shown: Path) -> None:
    app = open_page("models")
    text = words(app)
    assert "The champion is **version 3**" in text
    assert f"models:/{NAME}@champion" in [code.value for code in app.code]
    assert "95 % CI 0.800 to 0.950, on 20 images held out until the end" in text
    assert "The champion beats the default." in text
    assert "*svm* on lite0" in text
    assert "from run gone, whose folder is not here" in text
    assert [metric.value for metric in app.metric][:2] == ["0.900", "0.920"]


def test_promoting_says_what_it_does_and_rolling_back_undoes_it(shown: Path) -> None:
    app = press(open_page("models"), f"promote-{NAME}-1")
    assert f"models:/{NAME}@champion will be version 1: programs that load this address get it" in words(app)
    assert champion(shown) == {"champion": 3, "previous": 2}
    press(app, "refuse")
    assert champion(shown) == {"champion": 3, "previous": 2}
    press(app, f"promote-{NAME}-1")
    press(app, "confirm")
    assert champion(shown) == {"champion": 1, "previous": 3}
    assert "is now version 1" in app.success[0].value
    press(app, f"back-{NAME}")
    press(app, "confirm")
    assert champion(shown) == {"champion": 3, "previous": 1}
    assert "The champion is **version 3**" in words(app)


@pytest.mark.heavy
def test_a_yes_in_a_second_tab_does_not_undo_what_the_first_has_done(shown: Path) -> None:
    first, second = (press(open_page("models"), f"back-{NAME}") for _ in range(2))
    promoting = press(open_page("models"), f"promote-{NAME}-1")
    press(first, "confirm")
    assert champion(shown) == {"champion": 2, "previous": 3}
    for late in (second, promoting):
        press(late, "confirm")
        assert "Nothing was changed" in late.error[0].value
        assert "The champion is **version 2**" in words(late)
    assert champion(shown) == {"champion": 2, "previous": 3}


@pytest.mark.heavy
def test_a_guest_has_a_registry_of_their_own_whatever_the_environment_says(
    shown: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://joe:secret@127.0.0.1:9")
    with monkeypatch.context() as context:
        context.setattr("autotl_ui.server.access.current", lambda: Workspace(shown.parent, whole_machine=False))
        app = press(open_page("models"), f"promote-{NAME}-1")
        press(app, "confirm")
        assert champion(shown) == {"champion": 1, "previous": 3}
        press(app, f"back-{NAME}")
        press(app, "confirm")
        assert champion(shown) == {"champion": 3, "previous": 1}
        app.text_input(key=f"alias-{NAME}-1").set_value("in-test").run()
        press(app, f"add-{NAME}-1")
        press(app, "confirm")
        press(app, f"remove-in-test-{NAME}-1")
        press(app, "confirm")
        assert champion(shown) == {"champion": 3, "previous": 1}
    text = words(open_page("models")).replace("\\", "").replace("\u2060", "")  # of whoever serves
    assert "the MLflow store http://***@127.0.0.1:9 cannot be used" in text
    assert "secret" not in text


def test_an_alias_of_ones_own_comes_and_goes(shown: Path) -> None:
    app = open_page("models")
    app.text_input(key=f"alias-{NAME}-1").set_value("a b").run()
    assert "cannot be an alias" in app.error[0].value
    assert app.button(key=f"add-{NAME}-1").disabled
    app.text_input(key=f"alias-{NAME}-1").set_value("in-test").run()
    press(app, f"add-{NAME}-1")
    press(app, "confirm")
    assert champion(shown)["in-test"] == 1
    press(app, f"remove-in-test-{NAME}-1")
    assert "programs that load this address get an error" in words(app)
    press(app, "confirm")
    assert "in-test" not in champion(shown)


def test_a_change_that_fails_is_said_and_changes_nothing(shown: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from autotl.errors import ConfigError
    from autotl_ui.models import aliases

    def refuse(*arguments: Any, **options: Any) -> None:
        raise ConfigError("the store is away")

    monkeypatch.setattr(aliases, "promote", refuse)
    app = press(open_page("models"), f"promote-{NAME}-1")
    press(app, "confirm")
    assert "Nothing was changed: the store is away" in app.error[0].value


def test_two_versions_are_compared_only_where_that_is_fair(shown: Path) -> None:
    app = open_page("models")
    assert "not tested on the same items and labels" in app.warning[0].value
    app.selectbox(key=f"other-{NAME}").set_value(1).run()
    assert "A fair comparison" in words(app)
    app.selectbox(key=f"other-{NAME}").set_value(3).run()
    assert "Choose two different versions" in words(app)


def test_what_changes_elsewhere_shows_at_the_next_click(shown: Path) -> None:
    app = open_page("models")
    set_champion(shown, 1, 3)
    assert "The champion is **version 1**" in words(app.run())


def test_snippets_bear_the_models_own_path_address_port_and_columns(shown: Path) -> None:
    app = open_page("models")
    app.session_state["use"] = "code"
    app.run()
    assert app.selectbox(key="use-model").options[0] == f"{NAME}, version 3, champion"
    assert "returns the columns" not in words(app)  # of MLflow's table, which this piece knows nothing of
    app.selectbox(key="snippet").set_value("Python, with MLflow, by address").run()
    [code] = [code.value for code in app.code if "load_model" in code.value]
    assert f"load_model('models:/{NAME}@champion')" in code
    assert f"sqlite:///{shown / 'mlflow.db'}" in code
    assert "returns the columns label, cat, dog" in words(app)


def test_a_new_exporter_plugin_appears_and_its_result_is_offered(
    shown: Path, monkeypatch: pytest.MonkeyPatch, sleeper: psutil.Process
) -> None:
    class Plugin:
        __name__ = "my-plugin"

        @hookimpl
        def register_exporters(self) -> list[Exporter]:
            return [Exporter("my_format", lambda run, out: out / "x")]

    loaded = load_plugins(extra=[Plugin()])
    monkeypatch.setattr("autotl_ui.models.use_model.loaded_plugins", lambda: loaded)
    started: list[list[str]] = []

    def start(target: Path, arguments: list[str], **options: Any) -> None:
        started.append(arguments)
        made_runs.write_job(target, pid=sleeper.pid, created=sleeper.create_time())

    monkeypatch.setattr(jobs, "start", start)
    app = open_page("models", run="good")
    app.session_state["use"] = "formats"
    app.selectbox(key="use-model").select_index(len(app.selectbox(key="use-model").options) - 1).run()
    press(app, "export-my_format")
    [command] = started
    assert command[:3] == ["export", str(shown / "good"), "--format=my_format"]
    workspace, run = Workspace(shown.parent), look(shown / "good")
    made = export_jobs.look(workspace, run, "my_format")
    assert (made.state, str(made.folder)) == ("running", command[4])

    made_runs.write_job(made.folder, pid=2**22 + 1, created=0.0)
    assert export_jobs.look(workspace, run, "my_format").problem == "It was interrupted."
    jobs.log_file(made.folder).write_text("Error: it was not fine-tuned\n", encoding="utf-8")
    assert "It was not fine-tuned" in words(app.run())
    press(app, "export-my_format")
    again = export_jobs.look(workspace, run, "my_format")
    assert again.folder != made.folder
    again.folder.mkdir()
    again.folder.with_name(f"{again.folder.name}.answer").write_text(str(again.folder / "x"), encoding="utf-8")
    made_runs.write_job(again.folder, pid=2**22 + 1, created=0.0)
    assert export_jobs.look(workspace, run, "my_format").state == "done"
    assert "export-my_format" not in [button.key for button in app.run().button]


def test_a_format_that_is_not_available_is_explained_and_not_offered(
    shown: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Plugin:
        __name__ = "my-plugin"

        @hookimpl
        def register_exporters(self) -> list[Exporter]:
            return [Exporter("mine", lambda run, out: out / "x", "For *tests*.", lambda run: f"{run.name} is no good")]

    loaded = load_plugins(extra=[Plugin()])
    monkeypatch.setattr("autotl_ui.models.use_model.loaded_plugins", lambda: loaded)
    app = open_page("models", run="good")
    app.session_state["use"] = "formats"
    app.selectbox(key="use-model").select_index(len(app.selectbox(key="use-model").options) - 1).run()
    assert "For *tests*." in words(app)
    assert "Good is no good." in words(app)
    assert "export-mine" not in [button.key for button in app.button]


def test_serving_is_told_truly_at_every_stage(
    shown: Path, monkeypatch: pytest.MonkeyPatch, sleeper: psutil.Process
) -> None:
    def start(target: Path, arguments: list[str], **options: Any) -> None:
        assert arguments[:1] == ["serve"]
        made_runs.write_job(target, pid=sleeper.pid, created=sleeper.create_time())

    monkeypatch.setattr(jobs, "start", start)
    app = press(serving_part(), "serve")
    assert app.get("progress")[0].proto.text.startswith("Starting for")
    monkeypatch.setattr(model_servers, "_answers", lambda port: True)
    app = serving_part()  # as after a reload
    assert "The server is running at `http://127.0.0.1:50" in app.success[0].value
    monkeypatch.setattr(
        model_servers,
        "ask",
        lambda server, image: model_servers.Answer(200, "", {"predictions": [{"label": "*cat*"}]}, 0.1),
    )
    press(app, "ask")
    assert "is classified as ***cat***, after 0.10 s" in words(app)
    assert any("/invocations -H" in code.value for code in app.code)
    app.selectbox(key="use-model").select_index(1).run()
    assert "Also served on port 50" in words(app)
    press(serving_part(), "stop-server")
    sleeper.wait(10)
    monkeypatch.setattr(model_servers, "_answers", lambda port: False)
    assert "The server was stopped" in words(serving_part())


def serving_part() -> AppTest:
    app = open_page("models")
    app.session_state["use"] = "serve"
    return app.run()


def test_a_folder_outside_somebodys_workspace_is_not_given_away(registered: Path, tmp_path: Path) -> None:
    from autotl_ui.models.exportable_models import may_read

    outside = write_small_model(tmp_path / "theirs")
    inside = registered / "good" / "champion"
    assert may_read(Workspace(registered.parent), outside)
    assert not may_read(Workspace(registered.parent, whole_machine=False), outside)
    assert may_read(Workspace(registered.parent, whole_machine=False), inside)
    assert not may_read(Workspace(tmp_path), tmp_path)


def finished(runs: Path) -> None:
    made_runs.write_finished(runs / "good")
    shutil.rmtree(runs / "good" / "champion")
    write_small_model(runs / "good" / "champion", metadata=METADATA)


def test_a_model_whose_audit_failed_is_registered_only_with_a_reason(
    shown: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(jobs, "start", lambda target, arguments, **_: started.append(arguments))
    monkeypatch.setattr(registration_form, "doubts", lambda *_: "The champion scores higher.")
    run, before = open_run(shown / "good"), (shown / "good" / "run.json").read_bytes()
    gap = Gap("error", "age=old", "age=young", ScoreInterval(0.3, 0.2, 0.4))
    result = run.result()
    assert result is not None
    audited = replace(result, audit=AuditSummary(("age",), {}, gate=Gate("fail", 0.1, gap)))
    run.update(result=audited.to_json(), config=replace(run.config, max_gap=0.1).to_json())
    app = open_page("models")
    app.text_input(key="register-name-good").set_value("fair")
    press(app, "register")
    assert "The gap in error between age=old and age=young exceeds the tolerance of 10 points" in words(app)
    assert "The champion scores higher" in words(app)
    assert "register-anyway" not in [one.key for one in app.button]  # one way to go on, and it takes a reason
    assert started == []
    assert app.button(key="register-force").disabled
    app.text_input(key="register-reason-good").set_value("a pilot").run()
    press(app, "register-force")
    assert [command[:3] for command in started] == [["register", str(shown / "good"), "--name=fair"]]
    assert "--force=a pilot" in started[0]
    (shown / "good" / "run.json").write_bytes(before)
