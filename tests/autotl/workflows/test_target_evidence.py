"""Whole studies of a number and of several labels, on small images and a small backbone."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from autotl.deploy.deployable import load_deployable, replay
from autotl.deploy.predictor import Predictor
from autotl.errors import ConfigError, DatasetError
from autotl.runs.config import Config
from autotl.runs.run import Run, open_run
from autotl.search.trial_files import load_predictions
from autotl.settings import Settings
from autotl.workflows.evaluation import NewData, evaluate_model
from autotl.workflows.fit import fit, refit
from autotl.workflows.people_sample import evidence_of

N = 90


def _write(folder: Path, column: str, cells: list[str], images: list[np.ndarray]) -> Path:
    folder.mkdir()
    for number, pixels in enumerate(images):
        Image.fromarray(pixels).save(folder / f"{number:03d}.png")
    with (folder / "table.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([("path", column), *((f"{i:03d}.png", cell) for i, cell in enumerate(cells))])
    return folder / "table.csv"


def _sites(table: Path) -> Path:
    """A table that says of each image on which of two sites it was taken."""
    lines = [f"{i:03d}.png,{'north' if i % 2 else 'south'}" for i in range(N)]
    table.with_name("sites.csv").write_text("\n".join(["path,site", *lines]), encoding="utf-8")
    return table.with_name("sites.csv")


@pytest.fixture(scope="module")
def brightness(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of images and how bright each is, from 0 to 100; two cells are empty."""
    rng = np.random.default_rng(0)
    values = rng.uniform(0, 100, N)
    images = [np.clip(rng.normal(2.5 * v, 40, (32, 32, 3)), 0, 255).astype(np.uint8) for v in values]
    cells = ["" if i < 2 else f"{v:.2f}" for i, v in enumerate(values)]
    return _write(tmp_path_factory.mktemp("number") / "data", "brightness", cells, images)


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of images and which of three colours are in each, often several; two cells are empty."""
    rng = np.random.default_rng(1)
    cells, images = [], []
    for i in range(N):
        there = rng.random(3) < (0.5, 0.4, 0.3)
        there[i % 3] |= not there.any()
        pixels = rng.integers(0, 90, (32, 32, 3))
        for k in np.flatnonzero(there):
            pixels[:, 10 * k : 10 * k + 10, k] += 120
        images.append(pixels.astype(np.uint8))
        cells.append("" if i < 2 else ";".join(np.array(["red", "green", "blue"])[there]))
    return _write(tmp_path_factory.mktemp("labels") / "data", "colours", cells, images)


@pytest.fixture(scope="module")
def of_number(brightness: Path, tmp_path_factory: pytest.TempPathFactory, plugins: Any, settings: Settings) -> Run:
    folder = tmp_path_factory.mktemp("runs") / "number"
    config = Config(
        data=brightness, run=folder, budget_seconds=None, trials=4, target="number", heads=("ridge", "kernel-ridge"),
        attributes=_sites(brightness), audit=("site",),
    )  # fmt: skip
    return fit(config, plugins=plugins, settings=settings)


@pytest.fixture(scope="module")
def of_labels(colours: Path, tmp_path_factory: pytest.TempPathFactory, plugins: Any, settings: Settings) -> Run:
    folder = tmp_path_factory.mktemp("runs") / "labels"
    config = Config(
        data=colours, run=folder, budget_seconds=None, trials=4, target="labels", heads=("logistic", "linear-svm"),
        attributes=_sites(colours), audit=("site",),
    )  # fmt: skip
    return fit(config, plugins=plugins, settings=settings)


def test_a_number_is_predicted_and_tested_with_intervals(of_number: Run) -> None:
    result = of_number.result()
    assert result.status == "complete"
    assert result.objective == "r2"
    assert result.test["r2"].value > 0.8
    for name in ("r2", "mae", "rmse"):
        for scores in (result.search, result.test, result.default_test):
            assert scores[name].low < scores[name].value < scores[name].high
    board = (of_number.folder / "leaderboard.csv").read_text()
    assert "mean of all numbers" in board
    assert "ridge on tiny (untuned default)" in board
    assert "it learns one class for each item, and the target is 'number'" in result.fine_tuning.claim


def test_the_scores_of_a_number_are_what_scikit_learn_computes(of_number: Run) -> None:
    from sklearn.metrics import mean_absolute_error, r2_score

    tested = np.load(of_number.folder / "evidence" / "test.npz")
    scores = of_number.result().test
    assert scores["r2"].value == pytest.approx(r2_score(tested["labels"], tested["probabilities"][:, 0]))
    assert scores["mae"].value == pytest.approx(mean_absolute_error(tested["labels"], tested["probabilities"][:, 0]))


def test_a_head_of_numbers_is_no_worse_than_one_fitted_by_hand_on_the_same_folds(
    of_number: Run, plugins: Any, settings: Settings
) -> None:
    from sklearn.linear_model import Ridge
    from sklearn.metrics import r2_score

    from autotl.search.context import open_context

    context = open_context(of_number, plugins, settings=settings, seconds_left=lambda: float("inf"))
    vectors = context.inputs.get(context.space.default()).vectors
    numbers, split = context.labels, of_number.split
    by_hand = np.zeros(len(numbers))
    for fold in range(split.n_folds):
        held_out = np.flatnonzero(split.fold == fold)
        train = np.setdiff1d(split.development, held_out)
        by_hand[held_out] = Ridge(1.0).fit(vectors[train], numbers[train]).predict(vectors[held_out])
    ours = load_predictions(of_number, of_number.result().champion.trial)
    hand = r2_score(numbers[split.development], by_hand[split.development])
    assert r2_score(ours.labels, ours.probabilities[:, 0]) > hand - 0.01


@pytest.mark.parametrize("run", ["of_number", "of_labels"])
def test_the_exported_model_replays_and_items_without_a_label_were_not_learned(
    run: str, request: pytest.FixtureRequest
) -> None:
    found: Run = request.getfixturevalue(run)
    assert replay(load_deployable(found.champion)) < 1e-4
    assert len(found.dataset.unlabelled) == 2
    assert len(found.dataset.items) == N - 2
    assert found.state()["config"]["target"] == found.dataset.kind


def test_a_prediction_of_a_number_has_an_interval_that_holds_most_true_ones(of_number: Run) -> None:
    dataset = of_number.dataset
    answers = Predictor(of_number.champion).predict([dataset.path(int(i)) for i in of_number.split.test])
    assert all(set(answer) == {"item", "value", "low", "high"} for answer in answers)
    true = dataset.labels[of_number.split.test]
    within = [a["low"] <= y <= a["high"] for a, y in zip(answers, true, strict=True)]
    assert np.mean(within) > 0.7
    interval = load_deployable(of_number.champion).metadata["target"]["interval"]
    assert interval["level"] == 0.9
    residuals = load_predictions(of_number, of_number.result().champion.trial)
    errors = np.abs(residuals.probabilities[:, 0] - residuals.labels)
    assert np.mean(errors <= interval["half_width"]) == pytest.approx(0.9, abs=0.05)


def test_labels_are_predicted_and_tested_with_intervals(of_labels: Run) -> None:
    from sklearn.metrics import average_precision_score, f1_score

    result = of_labels.result()
    assert result.objective == "mean_average_precision"
    tested = np.load(of_labels.folder / "evidence" / "test.npz")
    labels, shares = tested["labels"], tested["probabilities"]
    assert labels.dtype == bool
    assert result.test["mean_average_precision"].value == pytest.approx(average_precision_score(labels, shares))
    assert result.test["mean_average_precision"].value > 0.9
    assert result.test["micro_f1"].value == pytest.approx(f1_score(labels, shares >= 0.5, average="micro"))
    assert all(score.low <= score.value <= score.high for score in result.test.values())
    assert "share of each label" in (of_labels.folder / "leaderboard.csv").read_text()


def test_a_prediction_of_labels_names_those_that_apply_and_the_probability_of_each(of_labels: Run) -> None:
    dataset, items = of_labels.dataset, of_labels.split.test
    answers = Predictor(of_labels.champion).predict([dataset.path(int(i)) for i in items])
    right, least = 0, load_deployable(of_labels.champion).metadata["target"]["thresholds"]
    for answer, item in zip(answers, items, strict=True):
        assert set(answer) == {"item", "labels", "probabilities"}
        assert tuple(answer["probabilities"]) == dataset.classes == ("blue", "green", "red")
        shares = answer["probabilities"]
        assert answer["labels"] == [n for n, p in zip(dataset.classes, least, strict=True) if shares[n] >= p]
        right += answer["labels"] == [n for n, k in zip(dataset.classes, dataset.labels[item], strict=True) if k]
    assert right > 0.6 * len(items)


@pytest.mark.parametrize(
    ("run", "shown"), [("of_number", "Predicted and true numbers"), ("of_labels", "Each label on the test split")]
)
def test_the_report_shows_what_there_is_and_says_what_is_left_out(
    run: str, shown: str, request: pytest.FixtureRequest
) -> None:
    found: Run = request.getfixturevalue(run)
    page = (found.folder / "report.html").read_text(encoding="utf-8")
    assert shown in page
    assert "they are about one class for each item" in page
    assert "Confusion matrix" not in page
    card = (found.champion / "model_card.md").read_text(encoding="utf-8")
    assert "temperature" not in card


@pytest.mark.parametrize(
    ("run", "score", "rates"),
    [
        ("of_number", "R²", {"mean absolute error", "bias"}),
        ("of_labels", "mean average precision",
         {"error", "recall", "recall[blue]", "recall[green]", "recall[red]"}),
    ],
)  # fmt: skip
def test_groups_are_audited_and_a_learning_curve_and_a_forecast_are_made(
    run: str, score: str, rates: set[str], request: pytest.FixtureRequest
) -> None:
    found: Run = request.getfixturevalue(run)
    result = found.result()
    assert result is not None
    assert result.audit is not None
    assert result.audit.overall.keys() == rates
    assert [group.group for group in result.audit.groups] == ["site=north", "site=south"]
    curve = result.more_images
    assert curve is not None
    assert curve.score == score
    assert [point.is_measured for point in curve.points] == [True] * 4 + [False] * 3
    assert curve.points[3].score.low < curve.points[3].score.value <= 1
    assert curve.twice.low <= curve.twice.value <= curve.twice.high
    champion, twice = result.forecasts
    assert champion.why_not == "how much a search improves on the untuned default is known for classes only"
    assert (twice.kind, twice.is_made) == ("twice", True)
    page = (found.folder / "report.html").read_text(encoding="utf-8")
    for heading in ("For whom does it work worse?", "Would more images help?", "the untuned default with twice"):
        assert heading in page


@pytest.mark.parametrize(("run", "score"), [("of_number", "mae"), ("of_labels", "micro_f1")])
def test_verify_recomputes_all_of_it_and_finds_a_changed_score(
    run: str, score: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    found: Run = request.getfixturevalue(run)
    copy = shutil.copytree(found.folder, tmp_path / "copy")

    def verified() -> tuple[int, Any]:
        command = [sys.executable, str(copy / "verify.py"), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, json.loads(done.stdout)

    code, document = verified()
    assert (code, document["differs"]) == (0, [])
    assert document["n_recomputed"] > 150
    assert "no rule for it here" not in [part["why"] for part in document["not_recomputed"]]
    state = json.loads((copy / "run.json").read_text())
    state["result"]["test"][score]["value"] += 0.01
    (copy / "run.json").write_text(json.dumps(state))
    code, document = verified()
    assert code == 1
    assert document["differs"][0]["where"] == f"run.json#/result/test/{score}/value"


@pytest.mark.parametrize(("run", "rate"), [("of_number", "bias"), ("of_labels", "recall[red]")])
def test_verify_finds_a_changed_measure_of_a_group(
    run: str, rate: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    found: Run = request.getfixturevalue(run)
    copy = shutil.copytree(found.folder, tmp_path / "copy")
    state = json.loads((copy / "run.json").read_text())
    state["result"]["audit"]["groups"][1]["rates"][rate]["low"] -= 0.01
    (copy / "run.json").write_text(json.dumps(state))
    command = [sys.executable, str(copy / "verify.py"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    addresses = [one["where"] for one in json.loads(done.stdout)["differs"]]
    assert f"run.json#/result/audit/groups/1/rates/{rate}/low" in addresses


def test_few_items_with_a_label_are_said_not_to_tell_how_well_it_is_found(of_labels: Run) -> None:
    panels = json.loads((of_labels.folder / "evidence" / "panels.json").read_text())
    [table] = [part for panel in panels for part in panel["parts"] if part["title"] == "Each label on the test split"]
    for _name, n, value, low, high, least, *recall in table["rows"]:
        assert (value is None) == (n < 5)
        assert n < 5 or low <= value <= high
        assert n < 5 or recall[1] <= recall[0] <= recall[2]
        assert 0 < least < 1


def test_a_model_of_numbers_or_labels_is_scored_on_new_data(
    of_number: Run, of_labels: Run, brightness: Path, colours: Path, plugins: Any, settings: Settings
) -> None:
    found = evaluate_model(of_number.folder, NewData(brightness), plugins=plugins, settings=settings)
    assert found.evaluation.scores["r2"].value > 0.8
    assert found.n_trained_on == len(of_number.split.development)
    found = evaluate_model(of_labels.folder, NewData(colours), plugins=plugins, settings=settings)
    assert found.evaluation.scores["mean_average_precision"].value > 0.9


def test_a_label_without_a_column_in_new_data_is_unknown_and_not_wrong(
    of_labels: Run, colours: Path, plugins: Any, settings: Settings
) -> None:
    with colours.open(newline="") as file:
        rows = [(row["path"], row["colours"].split(";")) for row in csv.DictReader(file) if row["colours"]]

    def scores(*names: str) -> dict[str, float]:
        table = colours.with_name("marks.csv")
        with table.open("w", newline="") as file:
            lines = [(path, *(int(name in own) for name in names)) for path, own in rows]
            csv.writer(file).writerows([("path", *names), *lines])
        found = evaluate_model(of_labels.folder, NewData(table), plugins=plugins, settings=settings)
        table.unlink()
        return {name: score.value for name, score in found.evaluation.scores.items()}

    every, without_red = scores("blue", "green", "red"), scores("blue", "green")
    assert 0.5 < every["exact_match"] <= without_red["exact_match"]


def test_a_model_of_a_number_is_fitted_again_on_the_same_split(
    of_number: Run, tmp_path: Path, plugins: Any, settings: Settings
) -> None:
    again = refit(of_number.folder, tmp_path / "again", plugins=plugins, settings=settings)
    assert np.array_equal(again.split.fold, of_number.split.fold)
    assert again.result().test["r2"].value == pytest.approx(of_number.result().test["r2"].value, abs=1e-6)


def test_a_run_is_opened_again_with_its_target(of_labels: Run) -> None:
    opened = open_run(of_labels.folder)
    assert opened.dataset.target == of_labels.dataset.target
    assert np.array_equal(opened.dataset.labels, of_labels.dataset.labels)


def test_what_is_about_classes_is_refused_with_the_reason(of_number: Run) -> None:
    with pytest.raises(ConfigError, match=r"is about one class for each item, and the target of .* is 'number'"):
        evidence_of(of_number.folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"objective": "accuracy"}, "'accuracy' scores 'classes' and 'ordered', and the target is 'number'"),
        ({"heads": ("logistic",)}, "the head 'logistic' learns classes and ordered, and the target is 'number'"),
        ({"strategy": "fine-tune"}, "nothing can be fine-tuned: it learns one class for each item"),
    ],
)
def test_what_does_not_fit_the_target_is_refused_by_name(
    brightness: Path, tmp_path: Path, plugins: Any, settings: Settings, changes: dict[str, Any], message: str
) -> None:
    config = Config(data=brightness, run=tmp_path / "run", budget_seconds=None, trials=1, target="number")
    with pytest.raises(ConfigError, match=message):
        fit(replace(config, **changes), plugins=plugins, settings=settings)


def test_labels_that_are_not_numbers_are_refused_with_examples(
    colours: Path, tmp_path: Path, plugins: Any, settings: Settings
) -> None:
    config = Config(data=colours, run=tmp_path / "run", budget_seconds=None, trials=1, target="number")
    with pytest.raises(DatasetError, match=r"are not numbers, such as 'red' in"):
        fit(config, plugins=plugins, settings=settings)
