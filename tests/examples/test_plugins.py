"""Every example of a plugin keeps the contract that the conformance suite checks."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from autotl.errors import ConfigError, RunError, WeightsError
from autotl.interfaces import CHAMPION, PREVIOUS, AliasChange, ModelStore, ScoreInterval
from autotl.testing import check_plugin
from autotl.trial import TrialRecord

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "examples" / "plugins").glob("*.py"))
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{path.stem}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def example(name: str) -> ModuleType:
    return load(ROOT / "examples" / "plugins" / f"{name}.py")


@pytest.mark.parametrize("name", ["cohens_kappa", "screenshots", "quasi_random"])
def test_an_example_keeps_the_contract(name: str) -> None:
    check_plugin(example(name))


def test_the_example_of_a_backbone_keeps_the_contract_with_and_without_its_weights(tmp_path: Path) -> None:
    module = load(Path(shutil.copy(ROOT / "examples" / "plugins" / "my_backbone.py", tmp_path)))
    with pytest.raises(WeightsError, match="save_weights"):
        module.weights(False)
    module.network(96, 96).save_weights(module.WEIGHTS)
    check_plugin(module)


def test_the_example_of_a_check_finds_what_it_is_for(toy_dataset: Any) -> None:
    dataset = toy_dataset(["a", "a", "b"], path=["a/Screenshot 1.png", "a/1.png", "b/2.png"])
    (finding,) = example("screenshots").screenshots(dataset)
    assert finding.items == ("a/Screenshot 1.png",)


@pytest.mark.slow
def test_the_examples_that_look_at_a_run_keep_the_contract(
    tmp_path: Path, shapes: Path, plugins: Any, settings: Any
) -> None:
    from autotl.plugins import load_plugins
    from autotl.runs.config import Config
    from autotl.workflows.fit import fit

    log = example("trial_log")
    config = Config(data=shapes, run=tmp_path / "run", budget_seconds=None, trials=2, strategy="probe")
    run = fit(config, plugins=plugins, settings=settings)
    for name in ("labels_file", "recall_by_class"):
        check_plugin(example(name), run=run.folder)
    load_plugins(extra=[log], installed=False).notify(
        "on_trial_end", run=run, trial=TrialRecord(0, "complete", "probe", score=ScoreInterval(0.9))
    )
    assert (run.folder / "trial-log.csv").read_text().count("\n") == 1


def test_the_example_of_a_registry_registers_promotes_and_goes_back(tmp_path: Path) -> None:
    registry, store = example("folder_registry"), ModelStore(None, (tmp_path,))
    model = tmp_path / "deployable"
    model.mkdir()
    (model / "model.onnx").write_bytes(b"onnx")
    check_plugin(registry)
    assert registry.list_models(store) == ()
    assert registry.register(store, model, "pets") == AliasChange("pets", CHAMPION, 1, None)
    assert registry.register(store, model, "pets") == AliasChange("pets", CHAMPION, 2, 1)
    assert registry.fetch(store, "models:/pets@champion").name == "2"
    assert registry.fetch(store, "models:/pets/1").name == "1"
    seen = registry.roll_back(store, "pets", None)
    assert (seen.version, seen.former) == (1, 2)
    with pytest.raises(ConfigError, match="has changed since"):
        registry.promote(store, "pets", 2, AliasChange("pets", CHAMPION, 2, 2))
    (pets,) = registry.list_models(store)
    assert [version.aliases for version in pets.versions] == [(PREVIOUS,), (CHAMPION,)]
    registry.set_alias(store, "pets", "in-test", 2)
    registry.set_alias(store, "pets", "in-test", None)
    with pytest.raises(RunError, match="is not in"):
        registry.fetch(store, "models:/pets@in-test")


def test_all_examples_load_together_from_a_plugins_folder() -> None:
    from autotl.plugins import load_plugins

    loaded = load_plugins(folder=ROOT / "examples" / "plugins", installed=False)
    assert not loaded.broken
    assert set(loaded.loaded) == {path.stem for path in FILES}
