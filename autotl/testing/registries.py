"""Conformance checks for model registries."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from autotl.errors import ConfigError, RunError
from autotl.interfaces import CHAMPION, PREVIOUS, AliasChange, ModelStore, RegisteredModel, Registry
from autotl.testing.support import doing, named, require

NAME = "autotl-conformance"


def check_registry(registry: Registry, *, store: ModelStore | None = None) -> None:
    """Check that versions are kept and found again, and that aliases move as they should.

    Parameters
    ----------
    registry
        The registry to check.
    store
        A store to throw away: a model called `autotl-conformance` is registered in it. None for a default store beside
        the runs of a temporary folder.

    Raises
    ------
    AssertionError
        Where the registry breaks its contract, or has its default store elsewhere and none was given.
    """
    subject = named(registry, "registry")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary).resolve()
        runs = folder / "runs"
        runs.mkdir()
        where = store or ModelStore(None, (runs,))
        with doing(f"{subject}: store_address(store)"):
            address = registry.store_address(where)
        require(
            store is not None or str(runs) in str(address),
            f"{subject}: its default store is {address}, which the check must not write into; give one to throw away: "
            "check_registry(registry, store=ModelStore(ADDRESS, (FOLDER,)))",
        )
        with doing(f"{subject}: list_models(store)"):
            known = registry.list_models(where)
        require(store is not None or not known, f"{subject}: a new store already holds {known!r}")
        created = [path.name for path in runs.iterdir()]
        require(
            store is not None or not created,
            f"{subject}: store_address or list_models created {created}; only register may create a store",
        )
        _check_versions(subject, registry, where, folder)
        _check_aliases(subject, registry, where)


def _check_versions(subject: str, registry: Registry, store: ModelStore, folder: Path) -> None:
    """Register two versions, list them and load them again."""
    deployables = [_write_deployable(folder / f"model-{number}", bytes([number]) * 9) for number in (1, 2)]
    changes = []
    for deployable in deployables:
        with doing(f"{subject}: register(store, deployable, name)"):
            changes.append(registry.register(store, deployable, NAME))
    first, second = (change.version for change in changes)
    require(
        changes[1] == AliasChange(NAME, CHAMPION, second, first) and first != second,
        f"{subject}: register returned {changes}; expected two changes of {CHAMPION!r}, "
        "the second with the version of the first as the former one",
    )
    if first is None or second is None:
        raise AssertionError(f"{subject}: register returned {changes}; expected the number of the new version")
    model = _model(subject, registry, store)
    newest = [version.version for version in model.versions[:2]]
    require(newest == [second, first], f"{subject}: versions {newest} are listed first; expected {[second, first]}")
    _require_aliases(subject, model, {CHAMPION: second, PREVIOUS: first})
    for uri, deployable in (
        (f"models:/{NAME}@{CHAMPION}", deployables[1]),
        (f"models:/{NAME}/{first}", deployables[0]),
    ):
        with doing(f"{subject}: fetch(store, {uri!r})"):
            fetched = registry.fetch(store, uri)
        same = (fetched / "model.onnx").read_bytes() == (deployable / "model.onnx").read_bytes()
        require(same, f"{subject}: {uri} is not the model that was registered")
    _refuses(
        RunError,
        f"{subject}: fetch of an alias that no version has",
        lambda: registry.fetch(store, f"models:/{NAME}@no"),
    )


def _check_aliases(subject: str, registry: Registry, store: ModelStore) -> None:
    """Promote the older version, go back, and give an alias of one's own and take it away."""
    second, first = (version.version for version in _model(subject, registry, store).versions[:2])
    steps: list[tuple[str, Callable[[], AliasChange], AliasChange, dict[str, int]]] = [
        (
            "promote(store, name, version, None)",
            lambda: registry.promote(store, NAME, first, None),
            AliasChange(NAME, CHAMPION, first, second),
            {CHAMPION: first, PREVIOUS: second},
        ),
        (
            "roll_back(store, name, None)",
            lambda: registry.roll_back(store, NAME, None),
            AliasChange(NAME, CHAMPION, second, first),
            {CHAMPION: second, PREVIOUS: first},
        ),
        (
            "set_alias(store, name, 'in-test', version)",
            lambda: registry.set_alias(store, NAME, "in-test", first),
            AliasChange(NAME, "in-test", first, None),
            {CHAMPION: second, PREVIOUS: first, "in-test": first},
        ),
        (
            "set_alias(store, name, 'in-test', None)",
            lambda: registry.set_alias(store, NAME, "in-test", None),
            AliasChange(NAME, "in-test", None, first),
            {CHAMPION: second, PREVIOUS: first},
        ),
    ]
    for what, step, expected, aliases in steps:
        with doing(f"{subject}: {what}"):
            change = step()
        require(change == expected, f"{subject}: {what} returned {change}; expected {expected}")
        _require_aliases(f"{subject}, after {what}", _model(subject, registry, store), aliases)
    if registry.set_tag is not None:
        with doing(f"{subject}: set_tag(store, name, version, key, value)"):
            registry.set_tag(store, NAME, first, "noted", "yes")
    stale = AliasChange(NAME, CHAMPION, first, first)
    for what, refused in (
        ("promote of a version that is not there", lambda: registry.promote(store, NAME, 10**6, None)),
        ("promote that would change something else than expected", lambda: registry.promote(store, NAME, first, stale)),
        ("roll_back that would change something else than expected", lambda: registry.roll_back(store, NAME, stale)),
    ):
        _refuses(ConfigError, f"{subject}: {what}", refused)
    unchanged = {CHAMPION: second, PREVIOUS: first}
    _require_aliases(f"{subject}, after changes that it refused", _model(subject, registry, store), unchanged)


def _write_deployable(folder: Path, content: bytes) -> Path:
    """The files that a registry may look at."""
    folder.mkdir()
    (folder / "MLmodel").write_text(f"model_id: null\nmodel_uuid: {content.hex()}\n", encoding="utf-8")
    (folder / "metadata.json").write_text(json.dumps({"fingerprint": content.hex()}), encoding="utf-8")
    (folder / "model.onnx").write_bytes(content)
    return folder


def _model(subject: str, registry: Registry, store: ModelStore) -> RegisteredModel:
    with doing(f"{subject}: list_models(store)"):
        found = [model for model in registry.list_models(store) if model.name == NAME]
    require(len(found) == 1, f"{subject}: list_models has {len(found)} models called {NAME!r}; expected 1")
    return found[0]


def _require_aliases(subject: str, model: RegisteredModel, expected: dict[str, int]) -> None:
    found = {alias: version.version for version in model.versions for alias in version.aliases}
    require(found == expected, f"{subject}: the aliases are {found}; expected {expected}")


def _refuses(error: type[Exception], what: str, call: Callable[[], object]) -> None:
    try:
        with doing(what, error):
            call()
    except error as refused:
        require(str(refused), f"{what} raised {error.__name__} without saying why")
        return
    raise AssertionError(f"{what} went through; expected {error.__name__}")
