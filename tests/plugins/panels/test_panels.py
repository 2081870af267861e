"""What the built-in panels say of a model whose mistakes are known."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import optuna
import pytest

from autotl.evidence.intervals import accuracy_with_interval
from autotl.interfaces import Panel
from autotl.plugins import load_plugins
from autotl.predictions import Predictions
from autotl.runs.config import Config
from autotl.runs.run import Run
from autotl.settings import Settings
from autotl.testing.finished_runs import check_panel
from autotl.workflows.fit import fit
from autotl_plugins.panels import calibration, certainty, importances

N = 200


@pytest.fixture
def run(toy_dataset: Any, tmp_path: Path) -> Run:
    """A run on 200 images, of which every second was taken by a camera of its own."""
    from autotl.data.split import Split

    dataset = toy_dataset(["cat", "dog"] * (N // 2))
    dataset.table["attribute.camera"] = np.where(np.arange(N) % 4 < 2, "old", "new")
    dataset.table["attribute.serial"] = [str(i) for i in range(N)]
    for name in ("brightness_p99", "contrast", "sharpness", "colourfulness"):
        dataset.table[name] = 0.5  # all alike, so that there is nothing to divide
    config = Config(tmp_path, tmp_path / "run")
    return Run(config.run, config, dataset, Split(np.full(N, -1), np.arange(N)))


def answered(right: np.ndarray, confidence: np.ndarray | float) -> Predictions:
    labels = np.arange(N) % 2
    answers = np.where(right, labels, 1 - labels)
    probabilities = np.empty((N, 2))
    probabilities[np.arange(N), answers] = confidence
    probabilities[np.arange(N), 1 - answers] = 1 - probabilities[np.arange(N), answers]
    return Predictions(np.arange(N), labels, probabilities)


def test_an_overconfident_model_lies_below_the_line(run: Run) -> None:
    right = np.arange(N) % 10 < 6
    [figure] = calibration.reliability(run, answered(right, np.linspace(0.9, 0.99, N)))
    points = figure.spec["layer"][1]["data"]["values"]
    assert sum(point["images"] for point in points) == N
    assert all(point["high"] < point["said"] for point in points)
    assert "34.5 points" in figure.note


def test_leaving_doubtful_images_to_people_leaves_fewer_mistakes(run: Run) -> None:
    confidence = np.linspace(0.51, 0.99, N)
    [table] = certainty.coverage(run, answered(confidence > 0.6, confidence))
    column = dict(zip([row[0] for row in table.rows], [row[3] for row in table.rows], strict=True))
    assert column["100 %"] == (confidence <= 0.6).sum()
    assert column["80 %"] == 0


def test_too_few_images_show_nothing(run: Run) -> None:
    few = answered(np.ones(N, dtype=bool), 0.9).restrict(np.arange(15))
    assert list(calibration.reliability(run, few)) == []
    assert list(certainty.coverage(run, few)) == []


def test_images_that_are_alike_widen_the_interval() -> None:
    right = np.repeat([True, True, True, False], 25)
    alone = accuracy_with_interval(right, None)
    alike = accuracy_with_interval(right, np.repeat([0, 1, 2, 3], 25))
    assert alone.value == alike.value == 0.75
    assert alike.high - alike.low > alone.high - alone.low


@pytest.fixture(scope="module")
def searched(shapes: Path, tmp_path_factory: pytest.TempPathFactory, plugins: Any, settings: Settings) -> Run:
    folder = tmp_path_factory.mktemp("runs") / "searched"
    config = Config(shapes, folder, budget_seconds=None, trials=16, strategy="probe", heads=("logistic", "knn"))
    return fit(config, plugins=plugins, settings=settings)


@pytest.mark.parametrize("panel", load_plugins(disable=("mlflow",)).all(Panel).values(), ids=lambda e: e.name)
def test_the_built_in_panels_conform(panel: Panel, searched: Run) -> None:
    check_panel(panel, searched.folder)


def test_importances_do_not_merge_parameters_of_one_name_of_several_heads(tmp_path: Path) -> None:
    """The C of three heads are three choices, each of which some probes never had to make."""
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    study = optuna.create_study(study_name="s", storage=storage, direction="maximize")
    study.sampler = optuna.samplers.RandomSampler(seed=0)
    for _ in range(30):
        trial = study.ask()
        trial.suggest_categorical("strategy", ["probe"])
        head = trial.suggest_categorical("strategy=probe/head", ["logistic", "svm", "linear-svm"])
        pooling = trial.suggest_categorical("strategy=probe/pooling", ["avg", "max"])
        value = trial.suggest_float(f"strategy=probe/head={head}/C", 1e-3, 10)
        worth = {"logistic": 0.1, "svm": 0.5, "linear-svm": 0.9}[head]
        study.tell(trial, worth + 0.02 * (pooling == "avg") + value / 1e3)
    run = cast(Run, SimpleNamespace(study_name="s", storage=storage))
    (figure,) = importances.importances(run, answered(np.ones(N, dtype=bool), 0.9))
    assert {row["choice"] for row in figure.spec["data"]["values"]} == {"head", "pooling"}


def test_importances_of_fine_tuning_stand_beside_those_of_probes(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    study = optuna.create_study(study_name="s", storage=storage, direction="maximize")
    study.sampler = optuna.samplers.RandomSampler(seed=0)
    for number in range(60):
        study.enqueue_trial({"strategy": "fine-tune" if number % 2 else "probe"})
        trial = study.ask()
        strategy = trial.suggest_categorical("strategy", ["probe", "fine-tune"])
        pooling = trial.suggest_categorical("pooling", ["avg", "max"])
        worth = 0.02 * (pooling == "avg")
        if strategy == "fine-tune":
            worth += 0.1 * trial.suggest_int(f"strategy={strategy}/trainable_stages", 1, 6)
        else:
            worth += 0.1 * (trial.suggest_categorical(f"strategy={strategy}/head", ["knn", "svm"]) == "svm")
        study.tell(trial, worth)
    run = cast(Run, SimpleNamespace(study_name="s", storage=storage))
    found = list(importances.importances(run, answered(np.ones(N, dtype=bool), 0.9)))
    named = {figure.title: {row["choice"] for row in figure.spec["data"]["values"]} for figure in found}
    assert named == {
        "Which choices mattered?": {"head", "pooling"},
        "Which choices mattered in fine-tuning?": {"trainable_stages", "pooling"},
    }


def test_importances_name_choices_and_add_up(searched: Run) -> None:
    found = list(importances.importances(searched, answered(np.ones(N, dtype=bool), 0.9)))
    for figure in found:
        rows = figure.spec["data"]["values"]
        assert sum(row["importance"] for row in rows) == pytest.approx(1)
        assert all("/" not in row["choice"] for row in rows)
    assert found
