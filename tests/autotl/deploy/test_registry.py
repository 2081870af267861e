"""Which registry and which store are meant, and which names and aliases may be given."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from autotl.deploy import registry
from autotl.errors import ConfigError, RunError
from autotl.hookspecs import hookimpl
from autotl.interfaces import ModelStore, RegisteredModel, Registry
from autotl.plugins import load_plugins

ANY = Registry("any", *(7 * [lambda *_: None]))


def bringing(plugin: str, *names: str) -> SimpleNamespace:
    """A plugin that brings registries of these names."""
    offered = [Registry(name, *(7 * [lambda *_: None])) for name in names]
    return SimpleNamespace(__name__=plugin, register_registries=hookimpl(lambda: offered))


def test_the_only_registry_is_taken() -> None:
    found = load_plugins(installed=False, extra=[bringing("mine", "ours")])
    assert registry.require_registry(found).name == "ours"


def test_without_a_registry_the_way_to_find_out_why_is_named() -> None:
    with pytest.raises(ConfigError, match="no loaded plugin brings a model registry; `autotl plugins`"):
        registry.require_registry(load_plugins(installed=False))


def test_of_two_registries_the_user_chooses_by_leaving_one_out() -> None:
    both = [bringing("mine", "ours"), bringing("yours", "theirs")]
    with pytest.raises(ConfigError, match=r"ours by the plugin 'mine', theirs by the plugin 'yours'.*--disable-plugin"):
        registry.require_registry(load_plugins(installed=False, extra=both))
    chosen = load_plugins(installed=False, extra=both, disable=["mine"])
    assert registry.require_registry(chosen).name == "theirs"


def test_without_an_address_the_store_is_looked_for_here_and_where_runs_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert registry.model_store(None).beside == (tmp_path, tmp_path / "autotl-runs")
    assert registry.model_store("http://here", beside=Path("runs")).beside == (tmp_path / "runs",)


@pytest.mark.parametrize(
    "name", ["", " ", "a/b", "a:b", "a@b", "..", "-x", "a\nb", "x" * 101, "../../x", "a%2fb", "a#b"]
)
def test_a_name_that_would_break_the_models_address_is_refused_with_a_reason(name: str) -> None:
    with pytest.raises(ConfigError, match="such as pet-photos"):
        registry.require_name(name)


@pytest.mark.parametrize("name", ["pets", "Müllers pets 2", "猫", "a.b_c-d", "7"])
def test_a_name_that_can_stand_in_an_address_is_taken(name: str) -> None:
    assert registry.require_name(name) == name


@pytest.mark.parametrize("alias", ["champion", "previous", "latest", "v2", "", "a b", "a/b", "ü" * 300])
def test_an_alias_that_has_a_meaning_of_its_own_or_breaks_the_address_is_refused(alias: str) -> None:
    with pytest.raises(ConfigError):
        registry.require_alias(alias)
    assert registry.require_alias("in-test") == "in-test"


def test_a_model_is_found_in_whichever_store_beside_the_runs_here_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    holds = {tmp_path: ("cats",), tmp_path / "autotl-runs": ("digits", "cats")}

    def listed(store: ModelStore) -> tuple[RegisteredModel, ...]:
        return tuple(RegisteredModel(name, ()) for name in holds[store.beside[0]])

    known = replace(ANY, store_address=lambda store: str(store.beside[0]), list_models=listed)
    assert registry.find_store(known, "digits", None).beside == (tmp_path / "autotl-runs",)
    with pytest.raises(ConfigError, match=r"cats is registered in .* and .*autotl-runs; .*--tracking-uri"):
        registry.find_store(known, "cats", None)
    assert registry.find_store(known, "cats", "http://there").address == "http://there"
    found = registry.list_models(known, None)
    assert [[model.name for model in models] for _, models in found] == [["cats"], ["digits", "cats"]]


def test_a_model_named_by_its_id_is_looked_for_in_every_store_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def fetched(store: ModelStore, uri: str) -> Path:
        if (store.beside[0], uri) != (tmp_path / "autotl-runs", "models:/m-1"):
            raise RunError(f"{uri} is not in {store.beside[0]}")
        return tmp_path / "model"

    known = replace(ANY, store_address=lambda store: str(store.beside[0]), fetch=fetched)
    assert registry.fetch(known, "models:/m-1", None) == tmp_path / "model"
    with pytest.raises(RunError, match=rf"models:/m-2 is not in {tmp_path}$"):
        registry.fetch(known, "models:/m-2", None)


def test_a_store_that_cannot_be_used_does_not_hide_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    models = (RegisteredModel("digits", ()),)

    def listed(store: ModelStore) -> tuple[RegisteredModel, ...]:
        if store.beside[0] == tmp_path or not models:
            raise ConfigError("damaged")
        return models

    known = replace(ANY, store_address=lambda store: str(store.beside[0]), list_models=listed)
    assert registry.find_store(known, "digits", None).beside == (tmp_path / "autotl-runs",)
    models = ()
    with pytest.raises(ConfigError, match="damaged"):
        registry.list_models(known, None)
