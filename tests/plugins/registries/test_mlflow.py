"""Registered models in a real SQLite store: what is listed, and how the champion changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from small_models import write_small_model

from autotl.deploy import registry
from autotl.deploy.versions import AliasChange, Measured
from autotl.errors import AutoTLError, ConfigError
from autotl.plugins import Plugins, load_plugins
from autotl_plugins.trackers import mlflow as tracker

METADATA = {
    "objective": "balanced_accuracy",
    "test": {"balanced_accuracy": {"value": 0.9, "low": 0.8, "high": 0.95}, "recall[cat]": {"value": 1.0}},
    "search": {"balanced_accuracy": {"value": 0.92, "low": 0.85, "high": 0.97}},
    "verdict": {"over_default": {"better": True, "claim": "the champion beats the default"}},
    "fingerprint": "f00d",
    "test_fingerprint": "7e57",
    "n_items": {"train": 60, "validation": 20, "test": 20},
    "run": "pets-1",
}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in tracker._MANNERS:
        monkeypatch.setenv(name, "")  # so that what the plugin sets is taken back
        monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def mlflow_plugin() -> Plugins:
    return load_plugins(installed=False, extra=[_named(tracker)])


def _named(module: Any) -> Any:
    """The plugin under the name it is installed by."""

    class Plugin:
        __name__ = "mlflow"

    plugin = Plugin()
    for name in dir(module):
        if not name.startswith("__"):
            setattr(plugin, name, getattr(module, name))
    return plugin


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for the module: to create a database takes seconds."""
    return tmp_path_factory.mktemp("runs with spaces")


def register(store: Path, name: str, tmp_path: Path, *, seed: int = 0, **metadata: Any) -> None:
    folder = write_small_model(tmp_path / f"{name}-{seed}" / "champion", seed=seed, metadata=METADATA | metadata)
    tracker.register_deployable(folder, name, None, store)


def holders(plugins: Plugins, store: Path, name: str) -> dict[str, int]:
    [model] = [model for model in registry.list_models(plugins, beside=store) if model.name == name]
    return {alias: version.version for version in model.versions for alias in version.aliases}


def test_asking_where_there_is_no_store_finds_nothing_and_makes_none(mlflow_plugin: Plugins, tmp_path: Path) -> None:
    assert registry.list_models(mlflow_plugin, beside=tmp_path) == ()
    with pytest.raises(ConfigError, match="there is no MLflow store at"):
        registry.promote("pets", 1, mlflow_plugin, beside=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_every_version_is_listed_with_its_evidence(mlflow_plugin: Plugins, store: Path, tmp_path: Path) -> None:
    register(store, "Müllers pets", tmp_path)
    register(store, "Müllers pets", tmp_path, seed=1, test_fingerprint="0ther")
    model = registry.list_models(mlflow_plugin, beside=store)[0]
    assert model.name == "Müllers pets"
    newest, oldest = model.versions
    assert (newest.version, newest.aliases, oldest.aliases) == (2, ("champion",), ("previous",))
    assert model.holder("champion") == newest
    assert oldest.evidence.test == Measured(0.9, 0.8, 0.95)
    assert oldest.evidence.search == Measured(0.92, 0.85, 0.97)
    assert oldest.evidence.claims == ("the champion beats the default",)
    assert (oldest.evidence.fingerprint, oldest.evidence.test_fingerprint) == ("f00d", "7e57")
    assert oldest.evidence.n_items == METADATA["n_items"]
    assert oldest.evidence.run == "pets-1"
    assert newest.folder
    assert (newest.folder / "model.onnx").is_file()


def test_a_version_without_evidence_of_its_own_is_read_from_its_model(
    mlflow_plugin: Plugins, store: Path, tmp_path: Path
) -> None:
    register(store, "old", tmp_path)
    client = tracker._connect(registry.store_address(mlflow_plugin, beside=store))
    client.delete_model_version_tag("old", "1", tracker.EVIDENCE_TAG)

    def version() -> Any:
        return next(m for m in registry.list_models(mlflow_plugin, beside=store) if m.name == "old").versions[0]

    found = version()
    assert found.evidence.test == Measured(0.9, 0.8, 0.95)
    (found.folder / "metadata.json").write_text("{broken", encoding="utf-8")
    assert version().evidence.test == Measured()
    (found.folder / "metadata.json").unlink()
    assert version().folder is None


def test_promoting_keeps_the_champion_before_so_that_rolling_back_is_one_step(
    mlflow_plugin: Plugins, store: Path, tmp_path: Path
) -> None:
    for seed in range(3):
        register(store, "moved", tmp_path, seed=seed)
    assert holders(mlflow_plugin, store, "moved") == {"champion": 3, "previous": 2}
    change = registry.promote("moved", 1, mlflow_plugin, beside=store)
    assert change == AliasChange("moved", "champion", 1, 3)
    assert holders(mlflow_plugin, store, "moved") == {"champion": 1, "previous": 3}
    assert registry.promote("moved", 1, mlflow_plugin, beside=store).former == 1  # and nothing changes
    assert holders(mlflow_plugin, store, "moved") == {"champion": 1, "previous": 3}
    assert registry.roll_back("moved", mlflow_plugin, beside=store).version == 3
    assert holders(mlflow_plugin, store, "moved") == {"champion": 3, "previous": 1}
    assert registry.roll_back("moved", mlflow_plugin, beside=store).version == 1
    fetched = tracker.fetch_model("models:/moved@champion", None, store)
    assert (fetched / "model.onnx").read_bytes() == (tmp_path / "moved-0" / "champion" / "model.onnx").read_bytes()


def test_a_change_that_is_another_one_by_now_is_refused(mlflow_plugin: Plugins, store: Path, tmp_path: Path) -> None:
    for seed in range(3):
        register(store, "twice", tmp_path, seed=seed)
    back = AliasChange("twice", "champion", 2, 3)
    assert registry.roll_back("twice", mlflow_plugin, beside=store, expected=back) == back
    with pytest.raises(ConfigError, match="would change from version 2 to version 3, not from version 3 to version 2"):
        registry.roll_back("twice", mlflow_plugin, beside=store, expected=back)
    with pytest.raises(ConfigError, match="would change from version 2 to version 1, not from version 3 to version 1"):
        promotion = AliasChange("twice", "champion", 1, 3)
        registry.promote("twice", 1, mlflow_plugin, beside=store, expected=promotion)
    assert holders(mlflow_plugin, store, "twice") == {"champion": 2, "previous": 3}


def test_changes_that_make_no_sense_are_refused_in_words(mlflow_plugin: Plugins, store: Path, tmp_path: Path) -> None:
    register(store, "lonely", tmp_path)
    with pytest.raises(ConfigError, match="lonely has no version 7"):
        registry.promote("lonely", 7, mlflow_plugin, beside=store)
    with pytest.raises(ConfigError, match="there is no registered model 'nobody'"):
        registry.promote("nobody", 1, mlflow_plugin, beside=store)
    with pytest.raises(ConfigError, match="nothing to go back to"):
        registry.roll_back("lonely", mlflow_plugin, beside=store)
    assert holders(mlflow_plugin, store, "lonely") == {"champion": 1}


def test_aliases_of_ones_own_come_and_go_but_champion_and_previous_are_not_among_them(
    mlflow_plugin: Plugins, store: Path, tmp_path: Path
) -> None:
    register(store, "tagged", tmp_path)
    registry.set_alias("tagged", "in-test", 1, mlflow_plugin, beside=store)
    assert holders(mlflow_plugin, store, "tagged") == {"champion": 1, "in-test": 1}
    assert registry.set_alias("tagged", "in-test", None, mlflow_plugin, beside=store).former == 1
    assert holders(mlflow_plugin, store, "tagged") == {"champion": 1}
    for alias in ("champion", "previous", "latest", "v2", "", "a b", "a/b", "ü" * 300):
        with pytest.raises(ConfigError):
            registry.set_alias("tagged", alias, 1, mlflow_plugin, beside=store)


@pytest.mark.parametrize(
    "name", ["", " ", "a/b", "a:b", "a@b", "..", "-x", "a\nb", "x" * 101, "../../x", "a%2fb", "a#b"]
)
def test_a_name_that_would_break_the_models_address_is_refused_kindly(name: str) -> None:
    with pytest.raises(ConfigError, match="such as pet-pictures"):
        registry.require_name(name)


@pytest.mark.parametrize("name", ["pets", "Müllers pets 2", "猫", "a.b_c-d", "7"])
def test_a_name_that_can_stand_in_an_address_is_taken(name: str) -> None:
    assert registry.require_name(name) == name


def test_two_people_who_promote_at_once_leave_champion_and_previous_apart(
    mlflow_plugin: Plugins, store: Path, tmp_path: Path
) -> None:
    for seed in range(2):
        register(store, "raced", tmp_path, seed=seed)
    errors: list[Exception] = []

    def work(version: int) -> None:
        try:
            for _ in range(5):
                registry.promote("raced", version, mlflow_plugin, beside=store)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(version,)) for version in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sorted(holders(mlflow_plugin, store, "raced").values()) == [1, 2]


@pytest.mark.heavy
def test_looking_while_another_process_makes_the_store_harms_neither(mlflow_plugin: Plugins, tmp_path: Path) -> None:
    folder = write_small_model(tmp_path / "r" / "champion", metadata=METADATA)
    code = (
        "import sys; from pathlib import Path; from autotl_plugins.trackers import mlflow;"
        "mlflow.register_deployable(Path(sys.argv[1]), 'first', None, Path(sys.argv[2]))"
    )
    maker = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code, str(folder), str(tmp_path)], stderr=subprocess.PIPE, text=True
    )
    looks = 0
    while maker.poll() is None:
        registry.list_models(mlflow_plugin, beside=tmp_path)
        looks += 1
    assert maker.wait() == 0, maker.stderr
    assert maker.stderr
    maker.stderr.close()
    assert looks
    assert [model.name for model in registry.list_models(mlflow_plugin, beside=tmp_path)] == ["first"]


def test_no_message_shows_the_password_in_an_address(
    mlflow_plugin: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_small_model(tmp_path / "r" / "champion", metadata=METADATA)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://joe:s3@ret@127.0.0.1:9")
    assert registry.store_address(mlflow_plugin, beside=tmp_path) == "http://127.0.0.1:9"
    for ask in (
        lambda: registry.list_models(mlflow_plugin, beside=tmp_path),
        lambda: registry.promote("pets", 1, mlflow_plugin, beside=tmp_path),
        lambda: tracker.fetch_model("models:/pets@champion", None, tmp_path),
        lambda: tracker.register_deployable(folder, "pets", None, tmp_path),
    ):
        with pytest.raises(AutoTLError, match=r"http://127\.0\.0\.1:9") as refused:
            ask()
        assert "joe" not in str(refused.value)
        assert "ret@" not in str(refused.value)


def test_a_store_that_was_named_holds_the_registry_too_whatever_the_environment_says(
    mlflow_plugin: Plugins, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(store, "here", tmp_path)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    named = f"sqlite:///{store / 'mlflow.db'}"
    found = registry.list_models(mlflow_plugin, beside=tmp_path, tracking_uri=named)
    assert "here" in [model.name for model in found]


@pytest.mark.heavy
def test_the_command_line_lists_promotes_and_rolls_back(store: Path, tmp_path: Path) -> None:
    for seed in range(2):
        register(store, "by hand", tmp_path, seed=seed)

    def autotl(*arguments: str) -> str:
        command = [sys.executable, "-m", "autotl.cli", *arguments]
        environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
        done = subprocess.run(command, capture_output=True, text=True, cwd=store, timeout=120, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert autotl("promote", "by hand", "1") == ("models:/by hand@champion is version 1; before, it was version 2\n")
    assert json.loads(autotl("promote", "by hand", "--back", "--json"))["version"] == 2
    [model] = [model for model in json.loads(autotl("models", "--json")) if model["name"] == "by hand"]
    assert [version["aliases"] for version in model["versions"]] == [["champion"], ["previous"]]
    assert model["versions"][0]["evidence"]["test"] == {"value": 0.9, "low": 0.8, "high": 0.95}
