"""Whole studies of ordered classes whose order is given: it holds everywhere, and is kept."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import cohen_kappa_score

from autotl.deploy.deployable import load_deployable
from autotl.deploy.predictor import Predictor
from autotl.errors import ConfigError, DatasetError
from autotl.runs.config import Config
from autotl.runs.events import Event, TrialBegun
from autotl.runs.run import Run, open_run
from autotl.settings import Settings
from autotl.workflows.evaluation import NewData, evaluate_model
from autotl.workflows.fit import fit, refit, resume
from autotl.workflows.several_targets import fit_targets, with_targets

pytestmark = pytest.mark.heavy

ORDER = ("night", "dusk", "noon")
"""Neither alphabetical nor a known scale."""
N = 90


@pytest.fixture(scope="module")
def skies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of images and how bright the sky is, and the sea; the classes of the sea tell their order."""
    folder = tmp_path_factory.mktemp("ordered") / "skies"
    folder.mkdir()
    rng = np.random.default_rng(0)
    levels = np.arange(N) % 3
    for number, level in enumerate(levels):
        pixels = np.clip(rng.normal(50 + 70 * level, 35, (32, 32, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:03d}.png")
    table = {
        "path": [f"{i:03d}.png" for i in range(N)], "sky": np.array(ORDER)[levels],
        "sea": np.array(["low", "medium", "high"])[levels],
    }  # fmt: skip
    pd.DataFrame(table).to_csv(folder / "table.csv", index=False)
    return folder / "table.csv"


def asked(skies: Path, run: Path, **more: Any) -> Config:
    given = {"label": "sky", "target": "ordered", "order": ORDER, "heads": ("logistic",), "strategy": "probe"} | more
    return Config(data=skies, run=run, budget_seconds=None, trials=2, **given)


@pytest.fixture(scope="module")
def run(skies: Path, tmp_path_factory: pytest.TempPathFactory, plugins: Any, settings: Settings) -> Run:
    return fit(asked(skies, tmp_path_factory.mktemp("runs") / "sky"), plugins=plugins, settings=settings)


def test_the_order_that_was_given_is_kept_and_is_that_of_the_scores_and_the_model(run: Run) -> None:
    assert run.state()["config"]["order"] == list(ORDER)
    assert open_run(run.folder).dataset.classes == run.dataset.classes == ORDER
    assert load_deployable(run.champion).classes == ORDER
    document = json.loads((run.folder / "evidence" / "evaluations.json").read_text())
    assert document["test"]["classes"] == list(ORDER)
    tested = np.load(run.folder / "evidence" / "test.npz")
    kappa = cohen_kappa_score(tested["labels"], tested["probabilities"].argmax(axis=1), weights="quadratic")
    assert run.result().test["quadratic_kappa"].value == pytest.approx(kappa)
    names = np.array(ORDER)[tested["labels"]]
    assert (run.dataset.items["label"].to_numpy(str)[tested["items"]] == names).all()
    [answer] = Predictor(run.champion).predict([run.dataset.path(0)])
    assert list(answer["probabilities"]) == list(ORDER)


def test_what_is_recomputed_from_the_run_differs_in_nothing(run: Run) -> None:
    done = subprocess.run([sys.executable, run.folder / "verify.py"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_new_data_with_some_of_the_classes_are_scored_in_the_order_of_the_model(
    run: Run, skies: Path, tmp_path: Path, plugins: Any, settings: Settings
) -> None:
    table = pd.read_csv(skies).query("sky != 'dusk'")
    table.assign(path=[str(skies.parent / path) for path in table["path"]]).to_csv(tmp_path / "new.csv", index=False)
    new = NewData(tmp_path / "new.csv", label="sky")
    found = evaluate_model(run.folder, new, plugins=plugins, settings=settings)
    assert found.evaluation.classes == ORDER
    assert found.evaluation.scores["quadratic_kappa"].value > 0.5


def test_a_run_is_resumed_and_fitted_again_in_its_order(
    skies: Path, tmp_path: Path, plugins: Any, settings: Settings, run: Run
) -> None:
    again = refit(run.folder, tmp_path / "again", plugins=plugins, settings=settings)
    assert again.config.order == again.dataset.classes == ORDER

    def interrupt(event: Event) -> None:
        if isinstance(event, TrialBegun) and event.trial == 3:
            raise KeyboardInterrupt

    config = replace(asked(skies, tmp_path / "stopped"), trials=4)
    stopped = fit(config, plugins=plugins, settings=settings, listeners=(interrupt,))
    assert stopped.state()["status"] == "interrupted"
    resumed = resume(stopped.folder, plugins=plugins, settings=settings)
    assert resumed.state()["status"] == "complete"
    assert load_deployable(resumed.champion).classes == ORDER


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"order": ("night", "dusk")}, DatasetError, r"lacks 'noon' \(30 items\)"),
        ({"order": (*ORDER, "dusk")}, ConfigError, "the order names the class 'dusk' twice"),
        ({"order": ("dusk",)}, ConfigError, r"the order names one class \('dusk'\)"),
        ({"order": ("nigth", "dusk", "noon")}, DatasetError, r"did you mean 'night'\?"),
        ({"target": "classes"}, ConfigError, "the target is 'classes', which has no order; add --target ordered"),
        ({"order": ()}, DatasetError, "is not known: 'dusk', 'night', 'noon'. .* --order dusk,night,noon"),
    ],
)
def test_a_wrong_order_is_refused_before_a_folder_is_made(
    skies: Path, tmp_path: Path, plugins: Any, settings: Settings, wrong: dict[str, Any], error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        fit(asked(skies, tmp_path / "run", **wrong), plugins=plugins, settings=settings)
    assert not (tmp_path / "run").exists()


def several(skies: Path, run: Path, order: tuple[str, ...]) -> Config:
    return with_targets(asked(skies, run, label="sky,sea", order=order))


def test_one_order_applies_to_the_target_whose_classes_it_names(
    skies: Path, tmp_path: Path, plugins: Any, settings: Settings
) -> None:
    found = fit_targets(several(skies, tmp_path / "run", ORDER), plugins=plugins, settings=settings)
    assert found.status == "complete"
    whole = open_run(tmp_path / "run")
    assert whole.config.order == ORDER
    sky, sea = (open_run(tmp_path / "run" / "targets" / name) for name in ("sky", "sea"))
    assert sky.config.order == sky.dataset.classes == load_deployable(sky.champion).classes == ORDER
    assert sea.config.order == ()
    assert sea.dataset.classes == ("low", "medium", "high")


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (("night", "dusk"), r"lacks 'noon' \(30 items\) of the target 'sky'"),
        ((*ORDER, "medum"), r"names 'medum', which the target 'sky' of .* does not have"),
        (("low", "high", "medum"), r"the target 'sea' of .* \(did you mean 'medium'\?\)"),
    ],
)
def test_an_order_that_fits_no_target_is_refused_with_the_nearest_one(
    skies: Path, tmp_path: Path, plugins: Any, settings: Settings, order: tuple[str, ...], message: str
) -> None:
    with pytest.raises(DatasetError, match=message):
        fit_targets(several(skies, tmp_path / "run", order), plugins=plugins, settings=settings)


def test_the_order_of_a_call_reaches_the_run(skies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from autotl.api.arguments import configured
    from autotl.cli import fit as command
    from autotl.cli.app import app

    found: list[Config] = []
    monkeypatch.setattr(command, "search", lambda config, **_: found.append(config))
    options = ["--target", "ordered", "--order", "night, dusk,noon", "--trials", "1", "--run", str(tmp_path / "run")]
    assert CliRunner().invoke(app, ["fit", str(skies), *options]).exit_code == 0
    for order in (list(ORDER), ORDER, "night,dusk,noon"):
        found.append(configured({"data": skies, "target": "ordered", "order": order, "trials": 1}))
    assert {config.order for config in found} == {ORDER}
    assert Config.from_json(found[0].to_json()).order == ORDER
    without = {name: value for name, value in found[0].to_json().items() if name != "order"}
    assert Config.from_json(without | {"target": "classes"}).order == ()
    assert replace(found[0], seed=1).order == ORDER
