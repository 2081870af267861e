"""One network trained for all targets: compared on the same items, used only where it is better, resumed after a kill."""

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

from autotl.deploy import targets_predictor
from autotl.deploy.joint_deployable import find_joint
from autotl.errors import ConfigError
from autotl.runs.config import Config
from autotl.runs.events import Progress
from autotl.runs.run import open_run
from autotl.runs.targets_result import TargetsResult, read_targets
from autotl.scores import ScoreInterval
from autotl.search import joint_fine_tune
from autotl.settings import Settings
from autotl.training import fine_tuning
from autotl.workflows import joint_training
from autotl.workflows.several_targets import fit_targets, resume_targets, with_targets

pytestmark = pytest.mark.slow
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
def finished(
    table: Path, tmp_path_factory: pytest.TempPathFactory, plugins: Any, settings: Settings
) -> tuple[TargetsResult, list[Progress]]:
    progress: list[Progress] = []
    config = configured(table, tmp_path_factory.mktemp("runs") / "study")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fine_tuning, "MAX_EPOCHS", 2)
        found = fit_targets(
            config, plugins=plugins, settings=settings,
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
