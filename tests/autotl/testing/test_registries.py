"""A sound registry passes its conformance check, and each planted defect fails it."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autotl.interfaces import CHAMPION, AliasChange, ModelStore, Registry
from autotl.testing.registries import check_registry

EXAMPLE = Path(__file__).parents[3] / "examples" / "folder-registry" / "autotl_folder_registry.py"


@pytest.fixture(scope="module")
def sound() -> Registry:
    spec = importlib.util.spec_from_file_location("folder_registry", EXAMPLE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    [registry] = module.register_registries()
    return registry


def test_a_sound_registry_passes(sound: Registry, tmp_path: Path) -> None:
    check_registry(sound)
    check_registry(sound, store=ModelStore(str(tmp_path), (tmp_path,)))
    assert (tmp_path / "autotl-conformance" / "2" / "model.onnx").is_file()


def test_a_default_store_elsewhere_is_not_written_into(sound: Registry) -> None:
    with pytest.raises(AssertionError, match=r"its default store is http://models, .* give one to throw away"):
        check_registry(replace(sound, store_address=lambda store: "http://models"))


def test_a_registry_with_a_defect_fails(sound: Registry) -> None:
    def creates(store: ModelStore) -> Any:
        (store.beside[0] / "models").mkdir(exist_ok=True)
        return sound.list_models(store)

    def loses(store: ModelStore, deployable: Path, name: str) -> AliasChange:
        return replace(sound.register(store, deployable, name), former=None)

    def always_the_first(store: ModelStore, uri: str) -> Path:
        return sound.fetch(store, "models:/autotl-conformance/1")

    def careless(store: ModelStore, name: str, version: int, expected: AliasChange | None) -> AliasChange:
        return sound.promote(store, name, version, None)

    def stays(store: ModelStore, name: str, expected: AliasChange | None) -> AliasChange:
        [model] = sound.list_models(store)
        aliases = {alias: version.version for version in model.versions for alias in version.aliases}
        return AliasChange(name, CHAMPION, aliases["previous"], aliases[CHAMPION])

    defects = {
        "created .*'models'.*; only register may create": {"list_models": creates},
        "register returned .*; expected two changes of 'champion'": {"register": loses},
        "models:/autotl-conformance@champion is not the model": {"fetch": always_the_first},
        "promote that would change something else than expected went through": {"promote": careless},
        "after roll_back.*: the aliases are": {"roll_back": stays},
    }
    for message, change in defects.items():
        with pytest.raises(AssertionError, match=f"registry 'folder'.*{message}"):
            check_registry(replace(sound, **change))
