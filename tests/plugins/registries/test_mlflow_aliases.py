"""How the champion changes, in a real SQLite store."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from registered_models import aliases_of, at, register

from autotl.errors import ConfigError
from autotl.interfaces import AliasChange
from autotl_plugins.registries import mlflow as registry

pytestmark = pytest.mark.usefixtures("clean_environment")


def test_promoting_keeps_the_champion_before_so_that_rolling_back_is_one_step(store: Path, tmp_path: Path) -> None:
    for seed in range(3):
        register(store, "moved", tmp_path, seed=seed)
    assert aliases_of(store, "moved") == {"champion": 3, "previous": 2}
    change = registry.promote(at(store), "moved", 1, None)
    assert change == AliasChange("moved", "champion", 1, 3)
    assert aliases_of(store, "moved") == {"champion": 1, "previous": 3}
    assert registry.promote(at(store), "moved", 1, None).former == 1  # and nothing changes
    assert aliases_of(store, "moved") == {"champion": 1, "previous": 3}
    assert registry.roll_back(at(store), "moved", None).version == 3
    assert aliases_of(store, "moved") == {"champion": 3, "previous": 1}
    assert registry.roll_back(at(store), "moved", None).version == 1
    fetched = registry.fetch(at(store), "models:/moved@champion")
    assert (fetched / "model.onnx").read_bytes() == (tmp_path / "moved-0" / "champion" / "model.onnx").read_bytes()


def test_a_change_that_is_another_one_by_now_is_refused(store: Path, tmp_path: Path) -> None:
    for seed in range(3):
        register(store, "twice", tmp_path, seed=seed)
    back = AliasChange("twice", "champion", 2, 3)
    assert registry.roll_back(at(store), "twice", back) == back
    with pytest.raises(ConfigError, match="would change from version 2 to version 3, not from version 3 to version 2"):
        registry.roll_back(at(store), "twice", back)
    with pytest.raises(ConfigError, match="would change from version 2 to version 1, not from version 3 to version 1"):
        promotion = AliasChange("twice", "champion", 1, 3)
        registry.promote(at(store), "twice", 1, promotion)
    assert aliases_of(store, "twice") == {"champion": 2, "previous": 3}


def test_changes_that_make_no_sense_are_refused_in_words(store: Path, tmp_path: Path) -> None:
    register(store, "lonely", tmp_path)
    with pytest.raises(ConfigError, match="lonely has no version 7"):
        registry.promote(at(store), "lonely", 7, None)
    with pytest.raises(ConfigError, match="there is no registered model 'nobody'"):
        registry.promote(at(store), "nobody", 1, None)
    with pytest.raises(ConfigError, match="nothing to go back to"):
        registry.roll_back(at(store), "lonely", None)
    assert aliases_of(store, "lonely") == {"champion": 1}


def test_aliases_of_ones_own_come_and_go(store: Path, tmp_path: Path) -> None:
    register(store, "tagged", tmp_path)
    registry.set_alias(at(store), "tagged", "in-test", 1)
    assert aliases_of(store, "tagged") == {"champion": 1, "in-test": 1}
    assert registry.set_alias(at(store), "tagged", "in-test", None).former == 1
    assert aliases_of(store, "tagged") == {"champion": 1}


def test_two_people_who_promote_at_once_leave_champion_and_previous_apart(store: Path, tmp_path: Path) -> None:
    for seed in range(2):
        register(store, "raced", tmp_path, seed=seed)
    errors: list[Exception] = []

    def work(version: int) -> None:
        try:
            for _ in range(5):
                registry.promote(at(store), "raced", version, None)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(version,)) for version in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sorted(aliases_of(store, "raced").values()) == [1, 2]
