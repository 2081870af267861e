"""The Models page for models of several targets: each version with the evidence of each target."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import made_runs
import pytest
from app_pages import open_page, words
from small_models import write_small_model

from autotl.deploy.joint_deployable import write_joint
from autotl.interfaces import ModelStore, ModelVersion, RegisteredModel, VersionEvidence
from autotl_plugins.registries.mlflow import register
from autotl_ui.models import registry
from autotl_ui.models.naming import doubts, proposed_name
from autotl_ui.models.serving_section import said_in
from autotl_ui.workspace.workspace import Workspace


def facts(value: float) -> dict[str, Any]:
    score = {"balanced_accuracy": {"value": value, "low": value - 0.1, "high": value + 0.05}}
    return {
        "objective": "balanced_accuracy", "test": score, "search": score, "advice": f"about {value:.1f}", "head": "svm",
        "backbone": "lite0", "n_items": {"train": 60, "validation": 20, "test": 20}, "test_fingerprint": "7e57",
        "fingerprint": "f00d",
    }  # fmt: skip


@pytest.fixture
def store(runs: Path) -> Iterator[Path]:
    """A registry with two versions of a model of a pet and its place, of which the second was not there at first."""
    for version, names in enumerate((("pet",), ("pet", "place"))):
        models = {
            name: write_small_model(runs.parent / f"{name}{version}", metadata=facts(0.7 + 0.1 * version))
            for name in names
        }
        joint = write_joint(models, runs.parent / f"m{version}" / "champion", metadata={"run": "study"})
        register(ModelStore(None, (runs,)), joint.folder, "animals")
    registry.forget()
    yield runs
    registry.forget()


def test_a_version_shows_the_scores_and_the_advice_of_each_target(store: Path) -> None:
    app = open_page("models")
    text = words(app)
    assert text.count("**pet**") >= 2
    assert "**place**" in text
    assert "About 0.8." in text
    assert [metric.value for metric in app.metric] == ["0.800"] * 4 + ["0.700"] * 2
    assert "without them" not in text
    app.selectbox(key="use-model").set_value(app.selectbox(key="use-model").options[0]).run()
    assert not app.exception


def test_two_versions_are_compared_target_by_target(store: Path) -> None:
    text = words(open_page("models"))
    assert "A fair comparison: all were tested on the same images" in text
    assert "| test | 0.800 (95 % CI 0.700 to 0.850) | 0.700 (95 % CI 0.600 to 0.750) |" in text
    assert "There is no test score of version 1" in text  # of the place
    assert "| test | 0.800 (95 % CI 0.700 to 0.850) | unknown" in text


def test_another_model_is_not_replaced_without_a_word(runs: Path) -> None:
    made_runs.write_study(runs / "study", "pet", "place")
    workspace = Workspace(runs.parent)
    [study, *_] = workspace.list_runs()
    folder = write_small_model(runs.parent / "single")
    version = ModelVersion("animals", 1, 0.0, ("champion",), VersionEvidence(), folder)
    said = doubts(workspace, study, "animals", [RegisteredModel("animals", (version,))])
    assert "has different classes: cat, dog. This run has pet.label" in said


def test_a_study_has_other_data_than_a_run_of_the_same_table_with_one_target(runs: Path) -> None:
    made_runs.write_study(runs / "study", "pet", "place")
    made_runs.write_finished(runs / "alone")
    workspace = Workspace(runs.parent)
    listed = workspace.list_runs()
    study, alone = (next(run for run in listed if run.name == name) for name in ("study", "alone"))
    assert alone.result is not None
    evidence = VersionEvidence(run="alone", fingerprint=alone.result.fingerprint)
    version = ModelVersion("pets", 1, 0.0, ("champion",), evidence, None)
    assert proposed_name(workspace, study, listed, [RegisteredModel("pets", (version,))]) != "pets"


@pytest.mark.parametrize(
    ("row", "targets", "said"),
    [
        ({"label": "a cat*", "a cat*": 0.9}, (), [r"**a cat\***"]),
        ({"labels": "cat;dog", "cat": 0.9}, (), ["**cat;dog**"]),
        ({"value": 12.3456789, "low": 1.0}, (), ["**12.35**"]),
        ({"pet.label": "cat", "price.value": 2.0}, ("pet", "price"), ["**cat** (pet)", "**2** (price)"]),
        ({"odd": 1}, ("pet",), []),
    ],
)
def test_a_response_is_said_in_words_for_every_kind_of_target(
    row: dict[str, object], targets: tuple[str, ...], said: list[str]
) -> None:
    assert said_in(row, targets) == said
