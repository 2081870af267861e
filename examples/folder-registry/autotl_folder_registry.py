"""A model registry that is a folder: NAME/1, NAME/2 and so on, and the aliases of a name in NAME/aliases.json."""

import json
import shutil
from pathlib import Path

import autotl
from autotl.errors import ConfigError, RunError
from autotl.interfaces import CHAMPION, PREVIOUS, AliasChange, ModelVersion, RegisteredModel, Registry, VersionEvidence


def root(store):
    return Path(store.address) if store.address else store.beside[0] / "models"


def store_address(store):
    return str(root(store))


def list_models(store):
    names = sorted(path.name for path in root(store).glob("*") if path.is_dir())
    return tuple(RegisteredModel(name, tuple(reversed(_versions(store, name)))) for name in names)


def register(store, deployable, name):
    version = len(_versions(store, name)) + 1
    shutil.copytree(deployable, root(store) / name / str(version))
    return promote(store, name, version, None)


def fetch(store, uri):
    name, _, alias = uri.removeprefix("models:/").partition("@")
    if alias:
        number = _aliases(store, name).get(alias)
    else:
        name, _, number = name.partition("/")
    folder = root(store) / name / str(number)
    if not folder.is_dir():
        raise RunError(f"{uri} is not in {root(store)}")
    return folder


def promote(store, name, version, expected):
    _require_version(store, name, version)
    former = _aliases(store, name).get(CHAMPION)
    change = AliasChange(name, CHAMPION, version, former)
    _require_expected(change, expected)
    return _move(store, change, former if former != version else _aliases(store, name).get(PREVIOUS))


def roll_back(store, name, expected):
    aliases = _aliases(store, name)
    if PREVIOUS not in aliases:
        raise ConfigError(f"{name} has no previous champion to go back to")
    change = AliasChange(name, CHAMPION, aliases[PREVIOUS], aliases[CHAMPION])
    _require_expected(change, expected)
    return _move(store, change, change.former)


def set_alias(store, name, alias, version):
    if version is not None:
        _require_version(store, name, version)
    aliases = _aliases(store, name)
    former = aliases.get(alias)
    _write(store, name, {**aliases, alias: version})
    return AliasChange(name, alias, version, former)


def _move(store, change, previous):
    _write(store, change.name, {**_aliases(store, change.name), CHAMPION: change.version, PREVIOUS: previous})
    return change


def _require_version(store, name, version):
    if not (root(store) / name / str(version)).is_dir():
        raise ConfigError(f"{name} has no version {version}")


def _require_expected(change, expected):
    if expected is not None and expected != change:
        raise ConfigError(f"the champion of {change.name} has changed since; look again")


def _versions(store, name):
    aliases = _aliases(store, name)
    numbers = sorted(int(path.name) for path in (root(store) / name).glob("[0-9]*"))
    return [
        ModelVersion(
            name,
            number,
            (folder := root(store) / name / str(number)).stat().st_mtime,
            tuple(alias for alias, version in aliases.items() if version == number),
            VersionEvidence(),
            folder,
        )
        for number in numbers
    ]


def _aliases(store, name):
    file = root(store) / name / "aliases.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def _write(store, name, aliases):
    kept = {alias: version for alias, version in aliases.items() if version is not None}
    (root(store) / name / "aliases.json").write_text(json.dumps(kept), encoding="utf-8")


@autotl.hookimpl
def register_registries():
    yield Registry(
        "folder",
        store_address=store_address,
        register=register,
        fetch=fetch,
        list_models=list_models,
        promote=promote,
        roll_back=roll_back,
        set_alias=set_alias,
    )
