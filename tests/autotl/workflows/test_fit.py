"""The whole chain, on small images and a small backbone."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loose_plugins import tiny_backbone
from PIL import Image

from autotl.deploy.registry import model_store, require_registry
from autotl.errors import ConfigError, DatasetError, RunError
from autotl.hookspecs import hookimpl
from autotl.interfaces import Head
from autotl.plugins import load_plugins
from autotl.runs.config import Config
from autotl.runs.events import Event, FindingMade, Listener, Message, TrialBegun
from autotl.runs.run import Run, open_run
from autotl.runtime import interruption
from autotl.runtime.addresses import sqlite_address
from autotl.settings import Settings
from autotl.workflows.fit import fit, resume


@pytest.fixture
def config(shapes: Path, tmp_path: Path) -> Config:
    return Config(
        data=shapes, run=tmp_path / "run", budget_seconds=None, trials=3, strategy="probe", heads=("logistic", "knn")
    )  # fmt: skip


@pytest.fixture(scope="module")
def finished(shapes: Path, tmp_path_factory: pytest.TempPathFactory, plugins: Any, settings: Settings) -> Run:
    """A run that tried probes and fine-tuning."""
    folder = tmp_path_factory.mktemp("runs") / "finished"
    config = Config(data=shapes, run=folder, budget_seconds=None, trials=6, heads=("logistic", "dense"))
    return fit(config, plugins=plugins, settings=settings)


def _texts(messages: list[str]) -> Listener:
    """Collects the messages of a run."""

    def listener(event: Event) -> None:
        if isinstance(event, Message):
            messages.append(event.text)

    return listener


@pytest.fixture
def broken_plugins(tiny: Any) -> Any:
    """The built-in plugins and a head that cannot be built."""

    def explode(hp: Any, n_features: int, n_classes: int) -> Any:
        hp.Float("x", 0, 1)
        raise RuntimeError("no such kernel")

    class Broken:
        __name__ = "broken"

        @hookimpl
        def register_heads(self) -> list[Head]:
            return [Head("explosive", explode)]

        @hookimpl
        def register_backbones(self) -> list[Any]:
            return [tiny]

    return load_plugins(disable=("mlflow", "efficientnet-lite"), extra=[Broken()])


def test_the_document_holds_what_the_command_line_promises(finished: Run) -> None:
    document = finished.result().to_json()
    promised = {"run", "status", "seconds", "objective", "champion", "search", "test", "default", "verdict", "n_trials"}
    assert promised | {"deployable"} <= set(document)
    assert {"trial", "strategy", "backbone", "stage", "head", "params"} <= set(document["champion"])
    for scores in (document["search"], document["test"], document["default"]["test"]):
        for score in scores.values():
            assert set(score) == {"value", "low", "high"}
            if score["value"] is not None:
                assert score["low"] <= score["value"] <= score["high"]
    assert document["status"] == "complete"
    assert document["n_trials"] == 6
    json.dumps(document, allow_nan=False)


def test_the_run_folder_holds_everything_that_the_design_names(finished: Run) -> None:
    files = ("run.json", "dataset.parquet", "study.db", "events.jsonl", "leaderboard.csv", "report.html")
    for name in (*files, "champion/MLmodel"):
        assert (finished.folder / name).exists(), name


def test_majority_class_and_untuned_default_are_on_the_leaderboard_before_anything_else(finished: Run) -> None:
    events = [json.loads(line) for line in (finished.folder / "events.jsonl").read_text().splitlines()]
    trials = [event["name"] for event in events if event["event"] == "trial"]
    assert trials[:2] == ["majority class", "logistic on tiny (untuned default)"]


def test_fine_tuning_is_tried_and_judged_with_a_paired_interval_and_its_cost(finished: Run) -> None:
    verdict = finished.result().to_json()["verdict"]["fine_tuning"]
    assert verdict["tried"]
    assert verdict["low"] <= verdict["value"] <= verdict["high"]
    assert verdict["seconds"] > 0


def test_the_exported_champion_says_what_the_test_scores_say(finished: Run) -> None:
    from autotl.deploy.predictor import Predictor

    paths = [finished.dataset.path(int(i)) for i in finished.split.test]
    found = Predictor(finished.champion).predict(paths)
    labels = finished.dataset.items["label"].to_numpy()[finished.split.test]
    accuracy = np.mean([row["label"] == label for row, label in zip(found, labels, strict=True)])
    assert accuracy == pytest.approx(finished.result().to_json()["test"]["accuracy"]["value"])


def test_the_same_seed_gives_the_same_trials_and_the_same_predictions(
    config: Config, plugins: Any, settings: Settings, tmp_path: Path
) -> None:
    config = replace(config, trials=8, heads=("logistic", "knn"))
    first = fit(config, plugins=plugins, settings=settings)
    second = fit(replace(config, run=tmp_path / "again"), plugins=plugins, settings=settings)
    columns = ["trial", "name", "state", "size", "stage", "pooling", "value", "low", "high", "params"]
    import pandas as pd

    tables = [pd.read_csv(run.folder / "leaderboard.csv")[columns] for run in (first, second)]
    pd.testing.assert_frame_equal(*tables)
    assert first.result().to_json()["test"] == second.result().to_json()["test"]


def test_a_trial_that_fails_is_recorded_with_its_reason_and_the_default_still_becomes_champion(
    config: Config, broken_plugins: Any, settings: Settings
) -> None:
    # The conductor asks whether a head is a network by building it once: that failure is the head's too.
    run = fit(replace(config, heads=("explosive",)), plugins=broken_plugins, settings=settings)
    failed = [t for t in open_run(run.folder).result().to_json()["champion"].items() if t[0] == "head"]
    assert failed == [("head", "logistic")]
    assert "no such kernel" in (run.folder / "leaderboard.csv").read_text()


def test_an_interruption_keeps_the_best_model_and_says_so(config: Config, plugins: Any, settings: Settings) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, TrialBegun) and event.trial == 3:
            raise KeyboardInterrupt

    run = fit(replace(config, trials=50), plugins=plugins, settings=settings, listeners=(interrupt,))
    assert run.result().to_json()["status"] == "interrupted"
    assert (run.champion / "model.onnx").exists()


def test_an_interruption_that_a_library_swallows_ends_the_search_before_the_next_trial(
    config: Config, plugins: Any, settings: Settings
) -> None:
    def swallow(event: Event) -> None:
        if isinstance(event, TrialBegun) and event.trial == 3:
            interruption._requested.set()

    run = fit(replace(config, trials=50), plugins=plugins, settings=settings, listeners=(swallow,))
    assert run.result().status == "interrupted"
    assert run.result().n_trials == 3


def test_a_run_that_was_interrupted_is_carried_on_and_loses_no_trial(
    config: Config, plugins: Any, settings: Settings
) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, TrialBegun) and event.trial == 3:
            raise KeyboardInterrupt

    config = replace(config, trials=6)
    run = fit(config, plugins=plugins, settings=settings, listeners=(interrupt,))
    before = _finished_trials(run)
    carried_on = resume(run.folder, plugins=plugins, settings=settings)
    assert carried_on.result().to_json()["status"] == "complete"
    assert before.items() <= _finished_trials(carried_on).items()
    assert len(_finished_trials(carried_on)) > len(before)
    events = [json.loads(line) for line in (run.folder / "events.jsonl").read_text().splitlines()]
    first, second = (event["spent_seconds"] for event in events if event["event"] == "begin")
    assert first < second


def test_a_finished_run_is_not_run_again(finished: Run, plugins: Any, settings: Settings) -> None:
    before = (finished.folder / "events.jsonl").read_text()
    assert resume(finished.folder, plugins=plugins, settings=settings).result().to_json() == finished.result().to_json()
    assert (finished.folder / "events.jsonl").read_text() == before


def test_a_run_whose_images_are_gone_is_not_carried_on(
    config: Config, shapes: Path, tmp_path: Path, plugins: Any, settings: Settings
) -> None:
    data = Path(shutil.copytree(shapes, tmp_path / "moved"))
    run = fit(replace(config, data=data, trials=1), plugins=plugins, settings=settings)
    run.update(status="running")
    next(data.rglob("*.png")).unlink()
    with pytest.raises(RunError, match="are gone"):
        resume(run.folder, plugins=plugins, settings=settings)


def test_two_processes_do_not_work_on_one_run(config: Config, plugins: Any, settings: Settings) -> None:
    import filelock

    run = fit(replace(config, trials=1), plugins=plugins, settings=settings)
    run.update(status="running")
    with filelock.FileLock(run.folder / ".lock"), pytest.raises(RunError, match="another process"):
        resume(run.folder, plugins=plugins, settings=settings)


def test_an_unreadable_file_is_set_aside_with_a_warning_and_the_run_goes_on(
    config: Config, shapes: Path, tmp_path: Path, plugins: Any, settings: Settings
) -> None:
    data = Path(shutil.copytree(shapes, tmp_path / "data"))
    (data / "circle" / "broken.png").write_bytes(b"not a picture")
    heard: list[Event] = []
    fit(replace(config, data=data, trials=1), plugins=plugins, settings=settings, listeners=(heard.append,))
    findings = [event for event in heard if isinstance(event, FindingMade) and event.check == "unreadable"]
    assert findings
    assert "circle/broken.png" in findings[0].message


@pytest.mark.heavy
def test_a_budget_is_kept(config: Config, plugins: Any, settings: Settings) -> None:
    run = fit(replace(config, trials=None, budget_seconds=20.0), plugins=plugins, settings=settings)
    assert run.result().to_json()["seconds"] <= 20 * 1.1
    assert run.result().to_json()["n_trials"] > 2


@pytest.mark.heavy
def test_workers_share_one_study(config: Config, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    # A worker loads no fixture, but the plugins that the environment names.
    folder = Path(tiny_backbone.__file__).parent
    monkeypatch.setenv("AUTOTL_PLUGINS", str(folder))
    plugins = load_plugins(disable=("mlflow", "keras-applications"), folder=folder)
    config = replace(config, trials=8, workers=2, heads=("logistic", "knn"), backbones=("tiny",))
    run = fit(replace(config, disable_plugins=("mlflow",)), plugins=plugins, settings=settings)
    assert run.result().to_json()["n_trials"] >= 8
    assert (run.folder / "workers.log").read_text().count("Traceback") == 0


def test_names_that_do_not_exist_are_refused_before_any_work(config: Config, plugins: Any, settings: Settings) -> None:
    with pytest.raises(ConfigError, match="did you mean 'logistic'"):
        fit(replace(config, heads=("logistc",)), plugins=plugins, settings=settings)
    with pytest.raises(ConfigError, match="accuracy"):
        fit(replace(config, objective="acuracy"), plugins=plugins, settings=settings)
    assert not config.run.exists()


def test_an_objective_with_one_value_per_class_is_refused(config: Config, plugins: Any, settings: Settings) -> None:
    with pytest.raises(ConfigError, match="one value per class"):
        fit(replace(config, objective="recall"), plugins=plugins, settings=settings)


def test_a_class_with_one_image_is_refused_and_nothing_is_written(
    config: Config, shapes: Path, tmp_path: Path, plugins: Any, settings: Settings
) -> None:
    data = Path(shutil.copytree(shapes, tmp_path / "data"))
    (data / "lonely").mkdir()
    Image.new("RGB", (32, 32), "red").save(data / "lonely" / "one.png")
    with pytest.raises(DatasetError, match="lonely: 1"):
        fit(replace(config, data=data), plugins=plugins, settings=settings)
    assert not config.run.exists()


@pytest.mark.heavy
def test_log_loss_is_minimised(config: Config, plugins: Any, settings: Settings) -> None:
    import pandas as pd

    run = fit(replace(config, objective="log_loss", trials=4), plugins=plugins, settings=settings)
    values = pd.read_csv(run.folder / "leaderboard.csv").query("state == 'complete'")["value"]
    assert list(values) == sorted(values)
    assert run.result().to_json()["champion"]["trial"] != 0


def _finished_trials(run: Run) -> dict[int, float]:
    import pandas as pd

    table = pd.read_csv(run.folder / "leaderboard.csv").query("state == 'complete'")
    return dict(zip(table["trial"], table["value"], strict=True))


def test_a_run_folder_inside_the_data_is_refused(
    config: Config, shapes: Path, plugins: Any, settings: Settings
) -> None:
    with pytest.raises(ConfigError, match="lies inside the data folder"):
        fit(replace(config, run=shapes / "run"), plugins=plugins, settings=settings)
    assert not (shapes / "run").exists()


def test_heads_that_cannot_be_fine_tuned_are_refused_where_fine_tuning_was_asked_for(
    config: Config, plugins: Any, settings: Settings
) -> None:
    with pytest.raises(ConfigError, match="add --heads logistic"):
        fit(replace(config, strategy="fine-tune", heads=("knn",)), plugins=plugins, settings=settings)
    assert open_run(config.run).state()["status"] == "failed"


def test_a_run_that_was_renamed_keeps_its_trials(
    config: Config, plugins: Any, settings: Settings, tmp_path: Path
) -> None:
    run = fit(config, plugins=plugins, settings=settings)
    before = _finished_trials(run)
    run.update(status="running")
    renamed = run.folder.rename(tmp_path / "renamed")
    assert _finished_trials(resume(renamed, plugins=plugins, settings=settings)) == before


def test_registering_without_the_registrys_plugin_is_refused(config: Config, plugins: Any, settings: Settings) -> None:
    without = load_plugins(disable=("mlflow-registry",))
    with pytest.raises(ConfigError, match="model registry"):
        fit(replace(config, register="shapes"), plugins=without, settings=settings)


def test_a_run_is_registered_where_nothing_is_tracked(config: Config, plugins: Any, settings: Settings) -> None:
    messages: list[str] = []
    run = fit(replace(config, register="shapes"), plugins=plugins, settings=settings, listeners=(_texts(messages),))
    assert run.tracking() is None
    assert "registered as models:/shapes@champion, version 1" in messages
    assert require_registry(plugins).list_models(model_store(None, beside=run.folder.parent))[0].name == "shapes"


def test_trials_and_models_in_one_database_are_refused_before_any_work(
    config: Config, plugins: Any, settings: Settings, tmp_path: Path
) -> None:
    shared = sqlite_address(tmp_path / "mlflow.db")
    with pytest.raises(ConfigError, match="also the database that runs are recorded in"):
        fit(replace(config, storage=shared, tracking_uri=shared), plugins=plugins, settings=settings)
    assert not config.run.exists()


def test_a_search_whose_champion_cannot_be_registered_is_not_lost(
    config: Config, plugins: Any, settings: Settings
) -> None:
    messages: list[str] = []
    away = replace(config, register="shapes", tracking_uri="http://127.0.0.1:9")
    run = fit(away, plugins=plugins, settings=settings, listeners=(_texts(messages),))
    assert run.result().to_json()["status"] == "complete"
    assert any("was not registered as shapes in the MLflow store http://127.0.0.1:9" in text for text in messages)


def test_a_search_without_an_end_is_refused(shapes: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="never end"):
        Config(data=shapes, run=tmp_path, budget_seconds=None)


def test_a_search_whose_every_trial_fails_stops_by_itself(
    config: Config, broken_plugins: Any, settings: Settings
) -> None:
    run = fit(replace(config, heads=("explosive",), trials=500), plugins=broken_plugins, settings=settings)
    assert run.result().to_json()["n_trials"] <= 30
    assert run.result().to_json()["status"] == "complete"


def test_decoded_images_are_not_left_behind(finished: Run) -> None:
    assert not (finished.folder / "pixels").exists()


@pytest.mark.heavy
def test_the_same_seed_tunes_the_same_networks(
    config: Config, plugins: Any, settings: Settings, tmp_path: Path
) -> None:
    config = replace(config, trials=5, strategy="auto", heads=("logistic",))
    first = fit(config, plugins=plugins, settings=settings)
    second = fit(replace(config, run=tmp_path / "again"), plugins=plugins, settings=settings)
    assert _finished_trials(first) == pytest.approx(_finished_trials(second), abs=1e-6)
    assert first.result().to_json()["verdict"]["fine_tuning"]["tried"]


@pytest.fixture
def slow_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """The budget does not suffice to read all images, so that a model of a sample comes first."""
    from autotl.search.measured_costs import MeasuredCosts

    monkeypatch.setattr("autotl.search.screening.SAMPLE_ITEMS", 24)
    monkeypatch.setattr(MeasuredCosts, "images_per_second", lambda *a: 2.0)


@pytest.mark.heavy
@pytest.mark.usefixtures("slow_reading")
def test_a_run_interrupted_with_a_model_of_a_sample_only_keeps_it_and_is_carried_on(
    config: Config, plugins: Any, tmp_path: Path
) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, TrialBegun):
            raise KeyboardInterrupt

    settings = Settings(cache=tmp_path / "cache")  # where nothing has been read before
    config = replace(config, trials=3, budget_seconds=40.0)
    with pytest.raises(KeyboardInterrupt):
        fit(config, plugins=plugins, settings=settings, listeners=(interrupt,))
    run = open_run(config.run)
    assert (run.state()["status"], run.state()["first_model"]) == ("interrupted", "sample")
    assert run.state()["subsampled_to"] < 60
    assert (run.champion / "model.onnx").exists()
    carried_on = resume(config.run, plugins=plugins, settings=settings)
    assert carried_on.result().to_json()["status"] == "complete"
    assert carried_on.state()["first_model"] == "default"
    assert sum(carried_on.result().to_json()["n_items"].values()) == len(run.split.fold) - len(run.split.left_out)


def test_a_search_killed_while_it_asks_a_sample_is_carried_on(
    config: Config, plugins: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*arguments: Any) -> None:
        raise SystemExit

    config = replace(config, trials=2, heads=("logistic",))
    with monkeypatch.context() as patched:
        patched.setattr("autotl.search.screening.score_readings", killed)
        with pytest.raises(SystemExit):
            fit(config, plugins=plugins, settings=settings)
    assert resume(config.run, plugins=plugins, settings=settings).result().to_json()["n_trials"] == 2


def test_three_folds_groups_and_a_rare_class_are_searched(
    config: Config, plugins: Any, settings: Settings, tmp_path: Path, make_folder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autotl.data.split.MANY_ITEMS", 10)
    data = make_folder(tmp_path / "rare", circle=30, square=24, stripes=5)
    groups = tmp_path / "groups.csv"
    rows = [f"{p.relative_to(data).as_posix()},{i // 2}" for i, p in enumerate(sorted(data.rglob("circle*.png")))]
    groups.write_text("\n".join(["path,group", *rows]), encoding="utf-8")
    config = replace(
        config, data=data, groups=str(groups), trials=6, heads=("logistic", "rbf-svm", "knn"), objective="log_loss"
    )
    run = fit(config, plugins=plugins, settings=settings)
    assert run.split.n_folds == 3
    assert len(set(run.split.cluster)) < len(run.split.cluster)
    assert (run.result().to_json()["status"], run.result().to_json()["n_trials"]) == ("complete", 6)
    states = set(_states(run))
    assert "failed" not in states


def _states(run: Run) -> list[str]:
    import pandas as pd

    return list(pd.read_csv(run.folder / "leaderboard.csv")["state"])
