"""The audit of a run: which attributes, what is refused before any work, and what becomes of a gate that fails."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from autotl.deploy.registry import FORCED_TAG, gate_obstacle
from autotl.errors import ConfigError
from autotl.evidence.audit import audit as audit_module
from autotl.predictions import Predictions
from autotl.runs.audit import FAIL, Gap, Gate
from autotl.runs.config import Config
from autotl.runs.run import open_run
from autotl.scores import ScoreInterval
from autotl.workflows.auditing import attribute_names, require_attributes, subgroups, weak_kinds
from autotl.workflows.fit import fit
from autotl.workflows.registration import register
from autotl.workflows.subject import Subject

GAP = Gap("error", "site=north", "site=south", ScoreInterval(0.3, 0.2, 0.4))


@pytest.fixture
def dataset(toy_dataset: Any) -> Any:
    made = toy_dataset(["cat", "dog"] * 100)
    made.table["attribute.age"] = ["old", "old", "young", "young"] * 50
    made.table["attribute.serial"] = [str(number) for number in range(200)]
    return made


def config(tmp_path: Path, **options: Any) -> Config:
    return Config(tmp_path, tmp_path / "run", **options)


def test_an_unknown_attribute_is_refused_with_those_that_there_are(dataset: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no attribute 'skin' to audit; there are age, serial$"):
        require_attributes(config(tmp_path, audit=("age", "skin")), dataset)
    require_attributes(config(tmp_path, audit=("age",), max_gap=0.1), dataset)


def test_without_any_attribute_the_way_to_give_them_is_named(toy_dataset: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="give them with --attributes CSV"):
        require_attributes(config(tmp_path, audit=("age",)), toy_dataset(["a", "b"] * 4))
    with pytest.raises(ConfigError, match=r"there are no groups.*leave out --max-gap"):
        require_attributes(config(tmp_path, max_gap=0.1), toy_dataset(["a", "b"] * 4))


def test_an_attribute_that_names_images_is_refused(dataset: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'serial' has 200 different values; an audit compares 2 to 30 groups"):
        require_attributes(config(tmp_path, audit=("serial",)), dataset)


def test_a_largest_gap_of_numbers_is_refused_and_an_audit_is_not(dataset: Any, tmp_path: Path) -> None:
    table = dataset.table.assign(label=[str(number) for number in range(200)])
    numbers = replace(dataset, table=table, kind="number")
    with pytest.raises(ConfigError, match=r"the target 'age' is 'number'; leave out --max-gap"):
        require_attributes(config(tmp_path, label="age", audit=("age",), max_gap=0.1), numbers)
    with pytest.raises(ConfigError, match="the target is 'number'"):
        require_attributes(config(tmp_path, max_gap=0.1), numbers)
    require_attributes(config(tmp_path, audit=("age",)), numbers)


@pytest.mark.parametrize("gap", [0, 1, -0.1, 10])
def test_a_tolerance_is_a_share(gap: float, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"such as 0.1 for 10 points"):
        config(tmp_path, max_gap=gap)


def test_the_configuration_keeps_what_is_audited_and_older_ones_are_read(tmp_path: Path) -> None:
    asked = config(tmp_path, audit=("age", "skin"), max_gap=0.1)
    kept = asked.to_json()
    assert Config.from_json(kept) == asked
    older = {name: value for name, value in kept.items() if name not in ("audit", "max_gap")}
    assert (Config.from_json(older).audit, Config.from_json(older).max_gap) == ((), None)


def subject(dataset: Any, tmp_path: Path, wrong: np.ndarray, **options: Any) -> Subject:
    """The first 150 images were answered in the search, the others in the test."""
    labels = dataset.labels
    predicted = np.where(wrong, 1 - labels, labels)
    probabilities = np.where(np.arange(2) == predicted[:, None], 0.9, 0.1)
    items = np.arange(200)
    searched, tested = (Predictions(part, labels[part], probabilities[part]) for part in (items[:150], items[150:]))
    run = SimpleNamespace(
        dataset=dataset, config=config(tmp_path, **options), split=SimpleNamespace(cluster=items)
    )  # fmt: skip
    features = np.random.default_rng(0).normal(size=(200, 5)) + 9.0 * wrong[:, None]
    context: Any = SimpleNamespace(
        run=run, inputs=SimpleNamespace(get_arrays=lambda _: features),
        space=SimpleNamespace(default=lambda: None),
    )  # fmt: skip
    nothing: Any = None
    return Subject(context, nothing, searched, tested, nothing)


def test_without_a_choice_every_attribute_with_few_values_is_audited(dataset: Any, tmp_path: Path) -> None:
    old = dataset.items["attribute.age"].to_numpy() == "old"
    said = subgroups(subject(dataset, tmp_path, old & (np.arange(200) % 3 == 0), max_gap=0.1))
    found: Any = said.fields["audit"]
    assert found.attributes == ("age",)
    assert found.not_auditable == {"serial": 200}
    assert found.n_items == {"search": 150, "test": 50}
    assert found.gate.status == "fail"
    assert "age=old" in said.sentences[0]
    assert said.parts


def test_data_without_attributes_leave_nothing_to_say(toy_dataset: Any, tmp_path: Path) -> None:
    said = subgroups(subject(toy_dataset(["cat", "dog"] * 100), tmp_path, np.zeros(200, dtype=bool)))
    assert (said.parts, said.sentences, dict(said.fields), said.problem) == ((), (), {}, "")


def test_kinds_of_images_with_errors_are_found_without_attributes(dataset: Any, tmp_path: Path) -> None:
    dataset.table["brightness_p99"] = np.linspace(0, 1, 200)
    said = weak_kinds(subject(dataset, tmp_path, np.arange(200) % 10 == 0))
    assert "Errors concentrate on" in said.sentences[0]
    slices, looks = said.parts
    assert {row[0] for row in looks.rows} >= {"all images", "dark", "bright"}  # type: ignore[union-attr]
    assert "cat/" in slices.rows[0][-1]  # type: ignore[union-attr, operator]


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory, shapes: Path, plugins: Any, settings: Any) -> Path:
    """A run whose gate failed, so that it was not registered."""
    folder = tmp_path_factory.mktemp("audited")
    paths = sorted(path.relative_to(shapes).as_posix() for path in shapes.rglob("*.png"))
    lines = [f"{path},{'north' if number % 2 else 'south'}" for number, path in enumerate(paths)]
    (folder / "sites.csv").write_text("\n".join(["path,site", *lines]), encoding="utf-8")
    asked = Config(
        data=shapes, run=folder / "run", budget_seconds=None, trials=1, strategy="probe", heads=("logistic",),
        attributes=folder / "sites.csv", audit=("site",), max_gap=0.1, register="shapes",
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit_module, "decide", lambda *_: Gate(FAIL, 0.1, GAP))
        fit(asked, plugins=plugins, settings=settings)
    return folder / "run"


def test_a_champion_whose_gate_failed_is_not_registered_and_the_run_says_so(failed: Path) -> None:
    result = open_run(failed).result()
    assert result is not None
    assert result.audit is not None
    assert result.audit.attributes == ("site",)
    [unkept] = result.unkept
    assert unkept.startswith("Not registered: The gap in error between site=north and site=south exceeds the tolerance")
    assert f'`autotl register {failed} --name shapes --force "REASON"`' in unkept


def test_it_is_refused_later_too_unless_a_reason_is_given(failed: Path, plugins: Any) -> None:
    with pytest.raises(ConfigError, match=r"site=north and site=south exceeds the tolerance.*--force \"REASON\""):
        register(failed, "shapes", plugins)
    with pytest.raises(ConfigError, match="the reason for registering in spite of the audit is empty"):
        register(failed, "shapes", plugins, force=" ")


def test_a_reason_is_recorded_in_the_run_and_on_the_version(failed: Path, plugins: Any) -> None:
    change = register(failed, "shapes", plugins, force="a pilot in the south only")
    assert change is not None
    result = open_run(failed).result()
    assert result is not None
    assert result.audit is not None
    assert result.audit.forced is not None
    assert result.audit.forced.reason == "a pilot in the south only"
    assert result.audit.forced.time > 1e9
    assert result.unkept == ()
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{failed.parent / 'mlflow.db'}")
    assert client.get_model_version("shapes", str(change.version)).tags[FORCED_TAG] == "a pilot in the south only"


def test_an_audit_that_was_not_made_is_no_passed_gate(failed: Path) -> None:
    result = open_run(failed).result()
    assert result is not None
    assert "was not made" in gate_obstacle(0.1, replace(result, audit=None))
    assert gate_obstacle(None, replace(result, audit=None)) == ""


def test_names_of_attributes_are_those_of_the_table(dataset: Any) -> None:
    assert attribute_names(dataset) == ["age", "serial"]
