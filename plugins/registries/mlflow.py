"""The MLflow model registry."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from autotl.deploy.versions import CHAMPION, PREVIOUS, AliasChange, ModelVersion, RegisteredModel, evidence_of
from autotl.errors import ConfigError, RunError
from autotl.runtime.atomic_files import write_atomically
from autotl_plugins.mlflow_store import (
    EVIDENCE_TAG,
    connect,
    evidence_tag,
    existing_store,
    is_missing,
    log_model,
    open_experiment,
    read_model_uuid,
    register_version,
    resolve_address,
    sqlite_file,
    unusable_store,
    without_password,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient


def register_deployable(folder: Path, name: str, tracking_uri: str | None, default_store: Path) -> dict[str, Any]:
    """Register a deployable and move the alias `champion` to it; returns its name, version and alias.

    default_store: the folder that holds mlflow.db where no address is given. Raises ConfigError.
    """
    note_file = folder.parent / "tracking.json"
    note = json.loads(note_file.read_text(encoding="utf-8")) if note_file.exists() else {}
    uri = resolve_address(tracking_uri, default_store)
    try:
        client = connect(uri)
        metadata = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
        tags = {"fingerprint": str(metadata.get("fingerprint", "unknown"))}
        logged = None
        if note.get("tracking_uri") == without_password(uri) and note.get("model_uri"):
            logged = client.get_logged_model(note["model_uri"].removeprefix("models:/"))
        if logged is None or logged.tags.get("model_uuid") != read_model_uuid(folder):
            experiment = open_experiment(client, uri, default_store)
            run_id = client.create_run(experiment, run_name=f"register {name}").info.run_id
            logged = log_model(client, experiment, run_id, folder, params={}, tags=tags)
            client.set_terminated(run_id)
        registered = register_version(client, uri, name, logged, {**tags, EVIDENCE_TAG: evidence_tag(folder)})
    except Exception as error:
        message = f"{folder} was not registered as {name} in the MLflow store {uri}: {error}"
        raise ConfigError(without_password(message)) from error
    if note:
        write_atomically(note_file, json.dumps({**note, "registered": registered}, indent=2).encode())
    return registered


def fetch_model(uri: str, tracking_uri: str | None, default_store: Path) -> Path:
    """The folder of a registered model: `models:/NAME@ALIAS`, `models:/NAME/VERSION` or `models:/MODEL-ID`.

    A store on this machine gives the folder itself, a server a temporary copy. Raises RunError.
    """
    match = re.fullmatch(r"models:/([^@/]+)(?:@([^/]+)|/(\d+))?", uri)
    if not match:
        raise RunError(f"{uri} is no model address; expected models:/NAME@ALIAS or models:/NAME/VERSION.")
    name, alias, version = match.groups()
    store = resolve_address(tracking_uri, default_store)
    if (database := sqlite_file(store)) and not database.exists():  # asking must not create it
        raise RunError(f"{uri} cannot be had: there is no MLflow store at {database}. Name it by --tracking-uri.")
    try:
        client = connect(store)
        from mlflow.artifacts import download_artifacts

        if alias:
            version = client.get_model_version_by_alias(name, alias).version
        if version:
            source = client.get_model_version_download_uri(name, version)
        else:
            source = client.get_logged_model(name).artifact_location
        return Path(download_artifacts(artifact_uri=source, tracking_uri=store))
    except Exception as error:
        raise RunError(without_password(f"{uri} cannot be had from the MLflow store {store}: {error}")) from error


def list_models(tracking_uri: str | None, default_store: Path) -> tuple[RegisteredModel, ...]:
    """Every registered model, the latest first; none where there is no store yet. Raises ConfigError."""
    if (client := existing_store(tracking_uri, default_store)) is None:
        return ()
    try:
        models = _all_pages(lambda token: client.search_registered_models(max_results=100, page_token=token))
        found = _all_pages(lambda token: client.search_model_versions(max_results=1000, page_token=token))
    except Exception as error:
        raise unusable_store(tracking_uri, default_store, error) from error
    versions: dict[str, list[ModelVersion]] = {model.name: [] for model in models}
    for version in sorted(found, key=lambda version: -int(version.version)):
        if version.name in versions:
            model = next(model for model in models if model.name == version.name)
            aliases = (alias for alias, number in model.aliases.items() if int(number) == int(version.version))
            versions[version.name].append(_read_version(client, version, tuple(sorted(aliases))))
    listed = [RegisteredModel(name, tuple(own)) for name, own in versions.items()]
    return tuple(sorted(listed, key=lambda model: -max((v.created for v in model.versions), default=0)))


def promote(
    name: str, version: int, tracking_uri: str | None, default_store: Path, *, expected: AliasChange | None = None
) -> AliasChange:
    """Move the alias `champion` to a version; the one before keeps the alias `previous`. Raises ConfigError."""
    with _registered(name, tracking_uri, default_store) as (client, aliases):
        _require_version(client, name, version)
        former = aliases.get(CHAMPION)
        change = AliasChange(name, CHAMPION, version, former)
        _require_expected(change, expected)
        if former != version:
            # In this order: if only the first is done, nothing has changed for whoever loads the champion.
            if former is not None:
                client.set_registered_model_alias(name, PREVIOUS, str(former))
            client.set_registered_model_alias(name, CHAMPION, str(version))
        return change


def roll_back(
    name: str, tracking_uri: str | None, default_store: Path, *, expected: AliasChange | None = None
) -> AliasChange:
    """Let champion and previous change places; raises ConfigError where there is no previous champion."""
    with _registered(name, tracking_uri, default_store) as (client, aliases):
        previous, former = aliases.get(PREVIOUS), aliases.get(CHAMPION)
        if previous is None:
            raise ConfigError(
                f"{name} has no version with the alias {PREVIOUS!r}, so there is nothing to go back to; "
                f"name a version: `autotl promote {name!r} VERSION`"
            )
        change = AliasChange(name, CHAMPION, previous, former)
        _require_expected(change, expected)
        client.set_registered_model_alias(name, CHAMPION, str(previous))
        if former is None:
            client.delete_registered_model_alias(name, PREVIOUS)
        else:
            client.set_registered_model_alias(name, PREVIOUS, str(former))
        return change


def set_alias(name: str, alias: str, version: int | None, tracking_uri: str | None, default_store: Path) -> AliasChange:
    """Give a version an alias, or take the alias away (version None). Raises ConfigError."""
    with _registered(name, tracking_uri, default_store) as (client, aliases):
        if version is None:
            client.delete_registered_model_alias(name, alias)
        else:
            _require_version(client, name, version)
            client.set_registered_model_alias(name, alias, str(version))
        return AliasChange(name, alias, version, aliases.get(alias))


@contextmanager
def _registered(
    name: str, tracking_uri: str | None, default_store: Path
) -> Iterator[tuple[MlflowClient, dict[str, int]]]:
    """A client and a model's aliases, held for a change: nobody else on this machine changes them meanwhile."""
    from filelock import FileLock

    uri = resolve_address(tracking_uri, default_store)
    client = existing_store(tracking_uri, default_store)
    if client is None:
        raise ConfigError(f"there is no MLflow store at {sqlite_file(uri)}; register a run first")
    database = sqlite_file(uri)
    try:
        with FileLock(f"{database}.lock", timeout=60) if database else nullcontext():
            found = client.get_registered_model(name).aliases
            yield client, {alias: int(number) for alias, number in found.items()}
    except ConfigError:
        raise
    except Exception as error:
        if is_missing(error):
            shown = without_password(uri)
            raise ConfigError(
                f"there is no registered model {name!r} in {shown}; `autotl models` lists them"
            ) from error
        raise unusable_store(tracking_uri, default_store, error) from error


def _require_version(client: MlflowClient, name: str, version: int) -> None:
    try:
        client.get_model_version(name, str(version))
    except Exception as error:
        if not is_missing(error):
            raise
        raise ConfigError(f"{name} has no version {version}; `autotl models` lists its versions") from error


def _require_expected(change: AliasChange, expected: AliasChange | None) -> None:
    if expected is not None and expected != change:
        raise ConfigError(
            f"the aliases of {change.name} have been moved meanwhile: its champion would change {_from_to(change)}, "
            f"not {_from_to(expected)}. Look at it as it is now, and decide anew"
        )


def _from_to(change: AliasChange) -> str:
    former = "no version" if change.former is None else f"version {change.former}"
    return f"from {former} to version {change.version}"


def _all_pages(search: Callable[[str | None], Any]) -> list[Any]:
    found: list[Any] = []
    token = None
    while True:
        page = search(token)
        found += page
        token = page.token
        if not token:
            return found


def _read_version(client: MlflowClient, version: Any, aliases: tuple[str, ...]) -> ModelVersion:
    folder = _local_folder(client, version)
    try:
        if EVIDENCE_TAG in version.tags:
            metadata = json.loads(version.tags[EVIDENCE_TAG])
        else:  # registered by an AutoTL that did not write it down
            metadata = json.loads((folder / "metadata.json").read_text(encoding="utf-8")) if folder else {}
    except (OSError, ValueError):
        metadata = {}
    return ModelVersion(
        name=version.name,
        version=int(version.version),
        created=version.creation_timestamp / 1000,
        aliases=aliases,
        evidence=evidence_of(metadata),
        folder=folder,
    )


def _local_folder(client: MlflowClient, version: Any) -> Path | None:
    """Where a version's deployable lies on this machine."""
    source = str(version.source or "")
    if source.startswith("models:/"):
        try:
            source = str(client.get_logged_model(source.removeprefix("models:/")).artifact_location)
        except Exception:  # removed, or its server is away: there is just no folder to offer
            return None
    from urllib.request import url2pathname  # brings HTTP and TLS along

    parts = urlsplit(source)
    if parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost"):
        return None
    folder = Path(url2pathname(parts.path) if parts.scheme else source)
    return folder if (folder / "metadata.json").is_file() else None
