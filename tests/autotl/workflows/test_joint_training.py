"""One network for all targets: compared on the same items, used only if it is better, resumed after a kill."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import misbehaving_trials
import numpy as np
import pandas as pd
import pytest
from loose_plugins import tiny_backbone
from several_labels import write_shapes

from autotl.deploy import predictor, targets_predictor
from autotl.deploy.joint_deployable import find_joint
from autotl.errors import ConfigError, ExportError, RunError
from autotl.plugins import load_plugins
from autotl.predictions import Predictions
from autotl.runs.config import Config
from autotl.runs.events import Progress
from autotl.runs.run import Run, open_run
from autotl.runs.targets_result import TargetsResult, read_targets
from autotl.runtime.clock import Clock
from autotl.scores import ScoreInterval
from autotl.search import joint_fine_tune, joint_process, run_process, trial_deadlines
from autotl.settings import Settings
from autotl.training import fine_tuning
from autotl.workflows import joint_training, several_targets
from autotl.workflows.several_targets import fit_targets, resume_targets, with_targets

pytestmark = pytest.mark.heavy
BETTER = ScoreInterval(0.05, 0.01, 0.09)
MakeFolder = Callable[..., Path]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory, make_folder: MakeFolder) -> Path:
    return write_shapes(tmp_path_factory.mktemp("data") / "shapes", make_folder)


@pytest.fixture(autouse=True)
def _brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fine_tuning, "MAX_EPOCHS", 2)


def configured(table: Path, run: Path, **options: Any) -> Config:
    own = {"budget_seconds": None, "trials": 1, "strategy": "probe", "heads": ("logistic",), "joint": True}
    return with_targets(Config(data=table, run=run, **({"label": "shape,tone"} | own | options)))


@pytest.fixture(scope="module")
def loadable(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The plugins of these tests, as another process can load them: the network is trained there."""
    folder = tmp_path_factory.mktemp("plugins")
    shutil.copy(tiny_backbone.__file__, folder)
    return load_plugins(folder=folder, disable=("mlflow", "keras-applications", "efficientnet-lite"))


@pytest.fixture(scope="module")
def finished(
    table: Path, tmp_path_factory: pytest.TempPathFactory, loadable: Any, settings: Settings
) -> tuple[TargetsResult, list[Progress]]:
    progress: list[Progress] = []
    config = configured(table, tmp_path_factory.mktemp("runs") / "study")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_process, "CHILD", "misbehaving_trials")
        found = fit_targets(
            config, plugins=loadable, settings=settings,
            listeners=(lambda event: progress.append(event) if isinstance(event, Progress) else None,),
        )  # fmt: skip
    return found, [event for event in progress if event.stage == "fine-tuning"]


def test_each_target_is_compared_with_its_champion_on_all_items_that_both_answer(finished: Any) -> None:
    found, progress = finished
    joint = found.joint
    assert (found.status, found.unkept, joint.status) == ("complete", (), "complete")
    assert list(joint.targets) == ["shape", "tone"]
    for name, one in joint.targets.items():
        run = open_run(found.run / "targets" / name)
        assert one.verdict.n_items == len(run.split.development)
        assert one.verdict.decision in ("better", "no worse", "worse", "not decided")
        assert one.verdict.claim.startswith(f"{name}: ")
        assert "for all targets" in one.verdict.claim
        assert one.deployed == (one.verdict.decision == "better")
        assert (one.test is not None) == one.deployed
        kept = Predictions.load(found.run / "joint" / name / "search.npz")
        assert sorted(kept.items) == run.split.development.tolist()
    assert joint.training["folds"] == open_run(found.run).split.n_folds
    assert joint.seconds > 0
    assert progress[-1].is_complete
    assert all(event.eta_seconds is not None for event in progress)
    assert not (found.run / "pixels").exists()


def test_what_was_found_is_in_the_document_the_leaderboard_and_the_report(finished: Any) -> None:
    found, _ = finished
    document = json.loads(json.dumps(found.to_json()))["joint"]
    assert document["targets"]["tone"]["verdict"]["claim"] in (found.run / "report.html").read_text(encoding="utf-8")
    assert read_targets(found.run).joint == found.joint
    board = pd.read_csv(found.run / "leaderboard.csv")
    rows = board[board["strategy"] == "joint-fine-tune"]
    assert rows["target"].tolist() == ["shape", "tone"]
    for target, value in zip(rows["target"], rows["value"], strict=True):
        assert value == pytest.approx(found.joint.targets[target].search.value)
    assert rows["rank"].isna().all()


def test_the_network_is_used_only_for_targets_for_which_its_interval_says_that_it_is_better(
    table: Path, tmp_path: Path, plugins: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The interval is set for one target, since shapes are too easy for a real one."""
    real = joint_training.judge_joint

    def judge(name: str, difference: ScoreInterval, **options: Any) -> Any:
        return real(name, BETTER if name == "shape" else replace(difference, low=-0.5, high=0.5), **options)

    tested: list[str] = []
    open_tuned = joint_training.tuned_champion

    def spy(context: Any, trial: Any, folder: Path) -> Any:
        champion = open_tuned(context, trial, folder)
        return replace(champion, test=lambda: tested.append(folder.name) or champion.test())

    monkeypatch.setattr(joint_training, "judge_joint", judge)
    monkeypatch.setattr(joint_training, "tuned_champion", spy)
    config = configured(table, tmp_path / "run", target="classes,ordered", order=("dark", "light"))
    found = fit_targets(config, plugins=plugins, settings=settings)
    assert found.unkept == ()
    assert tested == ["shape"]  # the test split is scored once, for what was chosen
    assert found.joint is not None
    shape, tone = found.joint.targets["shape"], found.joint.targets["tone"]
    assert (shape.deployed, tone.deployed, tone.verdict.decision, tone.test) == (True, False, "not decided", None)
    assert shape.test is not None
    assert shape.verdict.tested is not None
    joint = find_joint(found.run)
    assert joint is not None
    assert joint.metadata["joint"] == ["shape"]
    files = sorted(table.parent.rglob("*.png"))[::9]
    answers = targets_predictor.Predictor(found.deployable).predict(files)
    for name, folder in (("shape", found.run / "joint/shape/champion"), ("tone", found.run / "targets/tone/champion")):
        alone = predictor.Predictor(folder).predict(files, doubts=False)
        for one, all_of_them in zip(alone, answers, strict=True):
            said = all_of_them["targets"][name]["probabilities"]
            np.testing.assert_allclose(list(said.values()), list(one["probabilities"].values()), atol=1e-4)


def test_a_better_network_that_is_not_audited_or_cannot_be_exported_is_not_used_and_not_tested(
    finished: Any, plugins: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ExportError("no room")

    def again(whole: Run) -> str:
        found = joint_training.train_jointly(whole, plugins, settings, Clock(None), reserved=0.0)
        for one in found.targets.values():
            assert (one.verdict.decision, one.deployed, one.test) == ("better", False, None)
        return found.targets["shape"].sentence

    real, whole = joint_training.judge_joint, open_run(finished[0].run)
    monkeypatch.setattr(joint_training, "judge_joint", lambda name, _, **options: real(name, BETTER, **options))
    limited = replace(whole, config=replace(whole.config, max_gap=0.1))
    assert again(limited).endswith(
        "it is not used: the gaps between groups, which --max-gap limits, were not audited for it"
    )
    monkeypatch.setattr(joint_training, "write_champion", fail)
    assert again(whole).endswith("it is not used: it could not be exported: no room")


def test_a_process_that_is_killed_or_hangs_costs_the_targets_nothing_and_the_network_is_trained_after_that(
    finished: Any, tmp_path: Path, loadable: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_process, "CHILD", "misbehaving_trials")
    monkeypatch.setattr(joint_process, "expected_seconds", lambda *_: 0.0)
    former = finished[0]
    whole = open_run(Path(shutil.copytree(former.run, tmp_path / "run")))
    whole.update(status="interrupted", joint={**whole.state()["joint"], "status": "interrupted"})
    for file in whole.folder.glob("joint/*/fold[1-9].npz"):
        file.unlink()
    for what, why, seconds in (
        ("is killed", "had its process ended from outside (SIGKILL)", 600.0),
        ("hangs", "did not end in the time it was given", 5.0),
    ):
        monkeypatch.setenv(misbehaving_trials.JOINT_TRAINING, what)
        monkeypatch.setattr(trial_deadlines, "SPARE_SECONDS", seconds)
        found = resume_targets(whole.folder, plugins=loadable, settings=settings)
        assert (found.status, found.joint.status) == ("failed", "failed")  # type: ignore[union-attr]
        assert any(f"training one network for all targets {why}" in text for text in found.unkept)
        assert [target.result for target in found.targets] == [target.result for target in former.targets]
        assert find_joint(found.run) is not None
    monkeypatch.delenv(misbehaving_trials.JOINT_TRAINING)
    monkeypatch.setattr(trial_deadlines, "SPARE_SECONDS", 600.0)
    found = resume_targets(whole.folder, plugins=loadable, settings=settings)
    assert found.status == "complete"
    for name, one in found.joint.targets.items():  # type: ignore[union-attr]
        assert one.search == former.joint.targets[name].search


def test_a_killed_study_trains_only_the_folds_that_are_missing_and_finds_the_same(
    table: Path, tmp_path: Path, plugins: Any, settings: Settings, finished: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    trained: list[int] = []
    real = joint_fine_tune.train

    def train(*arguments: Any, **options: Any) -> Any:
        if len(trained) == 2:
            raise Killed
        trained.append(len(trained))
        return real(*arguments, **options)

    config = configured(table, tmp_path / "run")
    monkeypatch.setattr(joint_fine_tune, "train", train)
    with pytest.raises(Killed):
        fit_targets(config, plugins=plugins, settings=settings)
    assert open_run(config.run).state()["joint"]["status"] == "running"
    trained[:] = [-3, -2, -1]
    carried_on = resume_targets(config.run, plugins=plugins, settings=settings)
    n_folds = open_run(config.run).split.n_folds
    assert len(trained) - 3 == n_folds - 2
    assert carried_on.status == "complete"
    for name, one in carried_on.joint.targets.items():  # type: ignore[union-attr]
        assert one.search == finished[0].joint.targets[name].search
        here, apart = (Predictions.load(run / "joint" / name / "search.npz") for run in (config.run, finished[0].run))
        np.testing.assert_array_equal(here.probabilities, apart.probabilities)


def test_what_goes_wrong_costs_the_targets_nothing_and_is_tried_again(
    table: Path, tmp_path: Path, plugins: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    def fail(*_: Any, **__: Any) -> None:
        raise ValueError("the weights are gone")

    config = configured(table, tmp_path / "run")
    with monkeypatch.context() as patch:
        patch.setattr(joint_training, "fine_tune_jointly", interrupt)
        found = fit_targets(config, plugins=plugins, settings=settings)
    assert (found.status, len(found.finished)) == ("interrupted", 2)
    assert find_joint(found.run) is not None
    with monkeypatch.context() as patch:
        patch.setattr(joint_training, "fine_tune_jointly", fail)
        found = resume_targets(config.run, plugins=plugins, settings=settings)
    assert found.status == "failed"
    assert any("ValueError: the weights are gone" in text for text in found.unkept)
    found = resume_targets(config.run, plugins=plugins, settings=settings, conclude=True)
    assert (found.status, found.joint.status) == ("complete", "not tried")  # type: ignore[union-attr]
    assert any(
        text.startswith("One network for all targets was asked for, but was not trained") for text in found.unkept
    )


def test_what_cannot_be_trained_jointly_is_refused_before_any_work(
    table: Path, tmp_path: Path, plugins: Any, settings: Settings
) -> None:
    run = tmp_path / "run"
    with pytest.raises(ConfigError, match=r"--label names one column \(shape\)"):
        configured(table, run, label="shape")
    for options, message in (
        ({"target": "classes,labels"}, "the target 'tone' is of the kind 'labels'; leave out --joint"),
        ({"heads": ("random-forest",)}, "none of random-forest can sit on one"),
        ({"budget_seconds": 25.0}, "leaves 8s for each of 2 targets and for joint training.*give at least 30s"),
    ):
        with pytest.raises(ConfigError, match=message):
            fit_targets(configured(table, run, **options), plugins=plugins, settings=settings)
        assert not run.exists()


def test_it_has_the_share_of_one_more_target_and_is_left_out_if_a_target_has_no_model(
    table: Path, tmp_path: Path, plugins: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RunError("no such luck")

    monkeypatch.setattr(several_targets, "conduct", fail)
    found = fit_targets(
        configured(table, tmp_path / "run", budget_seconds=100.0), plugins=plugins, settings=settings
    )  # fmt: skip
    shares = [open_run(target.folder).config.budget_seconds or 0 for target in found.targets]
    assert 20 < shares[0] < 100 / 3
    assert found.joint is not None
    assert (found.joint.status, found.joint.why) == ("not tried", "there is no model of shape and tone to compare with")
