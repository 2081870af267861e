"""A study of several targets: one scan and one split, a run for each, and one deployable for all."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from several_labels import UNKNOWN, write_shapes

from autotl.deploy import predictor, targets_predictor
from autotl.deploy.deployable import load_deployable
from autotl.deploy.joint_deployable import find_joint
from autotl.errors import ConfigError, DatasetError, RunError
from autotl.hookspecs import hookimpl
from autotl.interfaces import AliasChange, Registry
from autotl.plugins import load_plugins
from autotl.runs.config import Config
from autotl.runs.events import Event, Message, TrialEnded
from autotl.runs.run import open_run
from autotl.runs.state import find_state
from autotl.runs.targets_result import TargetsResult, read_targets
from autotl.runtime.contention import Contention
from autotl.settings import Settings
from autotl.workflows import several_targets
from autotl.workflows.fit import fit
from autotl.workflows.several_targets import fit_targets, resume_targets, with_targets
from autotl.workflows.target_data import of_target

MakeFolder = Callable[..., Path]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory, make_folder: MakeFolder) -> Path:
    return write_shapes(tmp_path_factory.mktemp("data") / "shapes", make_folder)


def configured(table: Path, run: Path, **options: Any) -> Config:
    own = {"budget_seconds": None, "trials": 2, "strategy": "probe", "heads": ("logistic",), "label": "shape,tone"}
    return with_targets(Config(data=table, run=run, **(own | options)))


@pytest.fixture(scope="module")
def finished(
    table: Path, tmp_path_factory: pytest.TempPathFactory, plugins: Any, settings: Settings
) -> TargetsResult:  # fmt: skip
    config = configured(table, tmp_path_factory.mktemp("runs") / "study")
    return fit_targets(config, plugins=plugins, settings=settings)


def test_where_targets_of_another_study_are_shared_a_new_one_is_refused_before_any_work(
    table: Path, tmp_path: Path, plugins: Any, settings: Settings
) -> None:  # fmt: skip
    share = tmp_path / "shared"
    (share / "targets" / "tone").mkdir(parents=True)
    (share / "targets" / "tone" / "published.json").write_text("{}")
    config = configured(table, tmp_path / "run", share=f"file://{share}", storage=f"sqlite:///{tmp_path}/trials.db")
    with pytest.raises(ConfigError, match=r"another run is shared at file://.*/targets/tone"):
        fit_targets(config, plugins=plugins, settings=settings)
    assert not config.run.exists()


def test_each_target_has_a_whole_run_of_its_own_and_there_is_an_index_of_them(finished: TargetsResult) -> None:
    assert finished.status == find_state(finished.run).status == "complete"
    assert [target.name for target in finished.targets] == ["shape", "tone"]
    for target in finished.targets:
        run = open_run(target.folder)
        assert run.config.label == target.name
        assert (target.folder / "report.html").exists()
        assert load_deployable(target.folder).classes == run.dataset.classes
        assert f'href="targets/{target.name}/report.html"' in (finished.run / "report.html").read_text(encoding="utf-8")
    board = pd.read_csv(finished.run / "leaderboard.csv")
    assert set(board["target"]) == {"shape", "tone"}
    assert board.columns[0] == "target"


def test_an_item_is_on_the_same_side_for_all_targets(finished: TargetsResult) -> None:
    sides = []
    for target in finished.targets:
        run = open_run(target.folder)
        sides.append(dict(zip(run.dataset.items["path"], run.split.part_names(), strict=True)))
    shared = set(sides[0]) & set(sides[1])
    assert len(shared) == 60 - sum(UNKNOWN.values())
    assert all(sides[0][path] == sides[1][path] for path in shared)
    assert {"train", "validation", "test"} <= {sides[0][path] for path in shared}


def test_an_item_without_a_label_for_one_target_is_unlabelled_for_that_target_only(finished: TargetsResult) -> None:
    for target in finished.targets:
        dataset = open_run(target.folder).dataset
        assert len(dataset.unlabelled) == UNKNOWN[target.name]
        assert len(dataset.items) == 60 - UNKNOWN[target.name]


def test_the_other_target_is_an_attribute_to_compare_groups_by_and_never_a_class(finished: TargetsResult) -> None:
    shape, tone = (open_run(target.folder) for target in finished.targets)
    assert "attribute.tone" in shape.dataset.items
    assert "attribute.shape" in tone.dataset.items
    assert "attribute.shape" not in shape.dataset.items
    assert shape.dataset.classes == ("circle", "square", "stripes")
    assert tone.dataset.classes == ("dark", "light")


def test_one_deployable_answers_what_the_deployable_of_each_target_answers(
    finished: TargetsResult, table: Path
) -> None:  # fmt: skip
    files = sorted(table.parent.rglob("*.png"))[::7]
    answers = targets_predictor.Predictor(finished.deployable).predict(files)
    for target in finished.targets:
        alone = predictor.Predictor(target.folder / "champion").predict(files, doubts=False)
        for one, joint in zip(alone, answers, strict=True):
            assert joint["item"] == one["item"]
            said = joint["targets"][target.name]
            assert said["label"] == one["label"]
            np.testing.assert_allclose(
                list(said["probabilities"].values()), list(one["probabilities"].values()), atol=1e-5
            )


def test_the_network_that_two_targets_share_is_in_the_deployable_once(finished: TargetsResult) -> None:
    import onnx

    def n_convolutions(folder: Path) -> int:
        return sum(node.op_type == "Conv" for node in onnx.load(folder / "model.onnx").graph.node)

    sizes = {load_deployable(target.folder).size for target in finished.targets}
    alone = [n_convolutions(target.folder / "champion") for target in finished.targets]
    assert n_convolutions(Path(finished.deployable)) <= sum(alone) - (min(alone) if len(sizes) == 1 else 0)


def test_what_takes_a_model_of_one_target_refuses_that_of_several(finished: TargetsResult) -> None:
    with pytest.raises(RunError, match=r"answers several targets \(shape, tone\).*targets/shape"):
        load_deployable(finished.run)
    joint = find_joint(finished.run)
    assert joint is not None
    assert joint.classes["tone"] == ("dark", "light")
    assert find_joint(finished.targets[0].folder) is None


def test_the_document_has_the_result_of_each_target_in_the_shape_of_a_single_run(finished: TargetsResult) -> None:
    document = json.loads(json.dumps(finished.to_json()))
    assert set(document["targets"]) == {"shape", "tone"}
    for target in finished.targets:
        assert target.result is not None
        assert document["targets"][target.name] == json.loads(json.dumps(target.result.to_json()))
    assert (document["status"], document["failed"], document["unkept"]) == ("complete", {}, [])


@pytest.mark.heavy
def test_with_a_given_split_each_target_scores_as_in_a_search_of_its_own(
    tmp_path: Path, make_folder: MakeFolder, plugins: Any, settings: Settings
) -> None:
    table = write_shapes(tmp_path / "shapes", make_folder, given_split=True)
    together = fit_targets(configured(table, tmp_path / "together"), plugins=plugins, settings=settings)
    for target in together.targets:
        config = configured(table, tmp_path / target.name, label=target.name)
        alone = fit(config, plugins=plugins, settings=settings)
        result = alone.result()
        assert target.result is not None
        assert result is not None
        # The folds of cross-validation differ, for they are stratified by both targets.
        assert target.result.test["accuracy"].value == pytest.approx(result.test["accuracy"].value, abs=0.05)
        assert open_run(target.folder).test_fingerprint == alone.test_fingerprint


@pytest.mark.heavy
def test_each_target_may_be_of_its_own_kind(
    tmp_path: Path, make_folder: MakeFolder, plugins: Any, settings: Settings
) -> None:
    table = write_shapes(tmp_path / "shapes", make_folder)
    rows = pd.read_csv(table).assign(brightness=lambda rows: [2.0 + (tone == "light") for tone in rows["tone"]])
    rows["brightness"] += np.random.default_rng(0).normal(0, 0.05, len(rows))
    rows["brightness"] = rows["brightness"].where(rows["tone"].notna())
    rows.to_csv(table, index=False)
    config = configured(table, tmp_path / "run", label="brightness,shape", target="number,classes", heads=())
    found = fit_targets(config, plugins=plugins, settings=settings)
    assert (found.status, found.unkept) == ("complete", ())
    objectives = {target.name: target.result.objective for target in found.targets if target.result}
    assert objectives == {"shape": "balanced_accuracy", "brightness": "r2"}
    (said,) = targets_predictor.Predictor(found.deployable).predict(next(table.parent.rglob("*.png")))
    assert said["targets"]["shape"]["label"] in ("circle", "square", "stripes")
    assert 1 < said["targets"]["brightness"]["value"] < 4
    with pytest.raises(ConfigError, match=r"3 kinds of target were given .* for 2 columns"):
        configured(table, tmp_path / "other", target="classes,number,labels")


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """The search for the tone fails; the function that is returned mends it."""
    conduct = several_targets.conduct

    def fail_for_tone(run: Any, *arguments: Any, **options: Any) -> Any:
        if run.config.label == "tone":
            raise RunError("the disk of the tone is gone")
        return conduct(run, *arguments, **options)

    monkeypatch.setattr(several_targets, "conduct", fail_for_tone)
    return lambda: monkeypatch.setattr(several_targets, "conduct", conduct)


def test_a_target_that_fails_is_named_and_costs_the_others_nothing(
    table: Path, tmp_path: Path, plugins: Any, settings: Settings, failing: Callable[[], None]
) -> None:
    found = fit_targets(configured(table, tmp_path / "run"), plugins=plugins, settings=settings)
    assert found.status == find_state(found.run).status == "failed"
    assert [target.name for target in found.finished] == ["shape"]
    assert any("tone has no model: the disk of the tone is gone" in text for text in found.unkept)
    assert found.to_json()["failed"] == {"tone": "the disk of the tone is gone"}
    assert "the disk of the tone is gone" in (found.run / "report.html").read_text(encoding="utf-8")
    joint = find_joint(found.run)
    assert joint is not None
    assert list(joint.classes) == ["shape"]
    before = (found.targets[0].folder / "run.json").read_bytes()

    failing()
    mended = resume_targets(found.run, plugins=plugins, settings=settings)
    assert (mended.status, mended.unkept) == ("complete", ())
    assert (mended.targets[0].folder / "run.json").read_bytes() == before
    assert set(find_joint(mended.run).classes) == {"shape", "tone"}  # type: ignore[union-attr]


def test_an_interruption_leaves_what_is_finished_and_can_be_carried_on(
    table: Path, tmp_path: Path, plugins: Any, settings: Settings
) -> None:
    searching: list[str] = []

    def interrupt(event: Event) -> None:
        if isinstance(event, Message) and event.text.startswith("searching for target"):
            searching.append(event.text)
        if isinstance(event, TrialEnded) and len(searching) == 2:
            raise KeyboardInterrupt

    found = fit_targets(configured(table, tmp_path / "run"), plugins=plugins, settings=settings, listeners=(interrupt,))
    assert found.status == read_targets(found.run).status == "interrupted"
    assert [target.name for target in found.finished] == ["shape"]
    assert find_joint(found.run) is not None
    assert find_state(found.run).can_resume
    carried_on = resume_targets(found.run, plugins=plugins, settings=settings)
    assert (carried_on.status, len(carried_on.finished)) == ("complete", 2)


@pytest.mark.heavy
def test_a_study_that_was_killed_between_two_targets_is_carried_on(
    table: Path, tmp_path: Path, plugins: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def kill(event: Event) -> None:
        if isinstance(event, Message) and "(2 of 2)" in event.text:
            raise Killed

    config = configured(table, tmp_path / "run")
    with pytest.raises(Killed):
        fit_targets(config, plugins=plugins, settings=settings, listeners=(kill,))
    carried_on = resume_targets(config.run, plugins=plugins, settings=settings)
    assert (carried_on.status, len(carried_on.finished)) == ("complete", 2)
    assert resume_targets(config.run, plugins=plugins, settings=settings).status == "complete"


@pytest.mark.heavy
def test_the_time_of_a_target_that_is_searched_counts_if_the_process_is_killed(
    table: Path, tmp_path: Path, plugins: Any, settings: Settings
) -> None:
    config, spent = configured(table, tmp_path / "run"), list[float]()

    def look(event: Event) -> None:
        if isinstance(event, TrialEnded):
            spent.append(open_run(config.run).state()["spent_seconds"])

    fit_targets(config, plugins=plugins, settings=settings, listeners=(look,))
    assert 0 < spent[0] < spent[-1]
    assert spent == sorted(spent)
    assert len(set(spent)) == len(spent)


def test_a_study_that_was_killed_before_its_targets_were_made_says_so(
    table: Path, tmp_path: Path, plugins: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def kill(*_: Any) -> None:
        raise Killed

    monkeypatch.setattr(several_targets, "introduce", kill)
    config = configured(table, tmp_path / "run")
    with pytest.raises(Killed):
        fit_targets(config, plugins=plugins, settings=settings)
    with pytest.raises(RunError, match="before the runs of its targets were made"):
        resume_targets(config.run, plugins=plugins, settings=settings)


def test_a_store_whose_password_is_missing_is_refused_before_a_study_is_carried_on(
    table: Path, tmp_path: Path, plugins: Any, settings: Settings, failing: Callable[[], None]
) -> None:
    found = fit_targets(configured(table, tmp_path / "run"), plugins=plugins, settings=settings)
    run = open_run(found.run)
    run.update(config=replace(run.config, storage="postgresql://me:***@nowhere/optuna").to_json())
    with pytest.raises(ConfigError, match="AUTOTL_STORAGE"):
        resume_targets(found.run, plugins=plugins, settings=settings)


def test_the_budget_is_divided_among_the_targets(
    table: Path, tmp_path: Path, plugins: Any, settings: Settings, failing: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(Contention, "slowdown", lambda _: 1.0)  # as on a quiet machine
    config = configured(table, tmp_path / "run", budget_seconds=100.0)
    found = fit_targets(config, plugins=plugins, settings=settings)
    shape, tone = (open_run(target.folder).config.budget_seconds for target in found.targets)
    assert shape is not None
    assert tone is not None
    assert 40 < shape < 50
    assert tone > shape  # what one leaves, the next has


def test_what_cannot_be_is_refused_before_any_work(
    table: Path, tmp_path: Path, plugins: Any, settings: Settings
) -> None:  # fmt: skip
    run = tmp_path / "run"
    for options, error, message in (
        ({"label": "shape,shape"}, ConfigError, "'shape' is named twice"),
        ({"budget_seconds": 15.0}, ConfigError, "leaves 8s for each of 2 targets.*give at least 20s"),
        ({"label": "shape,colour"}, DatasetError, "colour"),
        ({"label": "shape,path"}, DatasetError, "path"),
        ({"audit": ("age",)}, ConfigError, "no attribute 'age'"),
        (
            {"target": "classes,labels", "objective": "accuracy"},
            ConfigError,
            "the target 'tone': the objective 'accuracy' scores 'classes' and 'ordered'",
        ),
        (
            {"target": "classes,number", "heads": ("logistic",)},
            ConfigError,
            "'tone': none of the heads that were asked for .logistic. learns 'number'; add one that does, such as",
        ),
        ({"heads": ("logistic", "ridge")}, ConfigError, "'ridge' learns number, and no target is of such a kind"),
    ):
        with pytest.raises(error, match=message):
            fit_targets(configured(table, run, **options), plugins=plugins, settings=settings)
        assert not run.exists()


def test_each_target_takes_those_of_the_named_heads_that_learn_it(table: Path, tmp_path: Path, plugins: Any) -> None:
    config = configured(table, tmp_path / "run", target="classes,number", heads=("logistic", "ridge"))
    assert of_target(config, "shape", plugins).heads == ("logistic",)
    assert of_target(config, "tone", plugins).heads == ("ridge",)
    assert of_target(replace(config, heads=()), "tone", plugins).heads == ()


def test_a_column_whose_name_has_a_comma_is_one_target(tmp_path: Path) -> None:
    pd.DataFrame({"path": ["a.png"], "shape, tone": ["x"]}).to_csv(tmp_path / "labels.csv", index=False)
    config = Config(data=tmp_path / "labels.csv", run=tmp_path / "run", label="shape, tone")
    assert with_targets(config) is config
    assert with_targets(replace(config, label="shape,size")).targets == ("shape", "size")


@pytest.fixture
def registered(tiny: Any) -> tuple[Any, list[tuple[Path, str]]]:
    """Plugins with a registry that keeps what is registered, and the list of it."""
    found: list[tuple[Path, str]] = []

    def register(_store: Any, deployable: Path, name: str) -> AliasChange:
        found.append((deployable, name))
        return AliasChange(name, "champion", 1, None)

    class Offered:
        __name__ = "offered"

        @hookimpl
        def register_backbones(self) -> list[Any]:
            return [tiny]

        @hookimpl
        def register_registries(self) -> list[Registry]:
            nothing: Any = lambda *_: None  # noqa: E731
            return [Registry("kept", lambda _: "", register, nothing, lambda _: (), nothing, nothing, nothing)]

    disabled = ("mlflow", "mlflow-registry", "keras-applications", "efficientnet-lite")
    return load_plugins(disable=disabled, extra=[Offered()]), found


@pytest.mark.heavy
def test_the_deployable_of_all_targets_is_registered(
    table: Path, tmp_path: Path, settings: Settings, registered: tuple[Any, list[tuple[Path, str]]]
) -> None:
    plugins, kept = registered
    config = configured(table, tmp_path / "run", register="clothes", trials=1)
    found = fit_targets(config, plugins=plugins, settings=settings)
    assert found.unkept == ()
    assert kept == [(found.run / "champion", "clothes")]


def test_a_model_that_does_not_answer_all_targets_is_not_registered(
    table: Path, tmp_path: Path, settings: Settings, registered: tuple[Any, list[tuple[Path, str]]],
    failing: Callable[[], None],
) -> None:  # fmt: skip
    plugins, kept = registered
    config = configured(table, tmp_path / "run", register="clothes", trials=1)
    found = fit_targets(config, plugins=plugins, settings=settings)
    assert kept == []
    assert any(text.startswith("Not registered: the model does not answer tone") for text in found.unkept)
