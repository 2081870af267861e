"""Registered models as MLflow lists them, each version with its evidence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from autotl.deploy.versions import evidence_of
from autotl.interfaces import ModelStore, ModelVersion, RegisteredModel
from autotl_plugins.mlflow_store.client import connect_to_existing, unusable_store

if TYPE_CHECKING:
    from mlflow import MlflowClient

EVIDENCE_TAG = "evidence"
"""On a version: the summary of its metadata.json, so that a list of versions opens no model."""


def list_models(store: ModelStore) -> tuple[RegisteredModel, ...]:
    """Every registered model, the latest first; none where there is no store yet. Raises ConfigError."""
    if (client := connect_to_existing(store)) is None:
        return ()
    try:
        models = _all_pages(lambda token: client.search_registered_models(max_results=100, page_token=token))
        found = _all_pages(lambda token: client.search_model_versions(max_results=1000, page_token=token))
    except Exception as error:
        raise unusable_store(store, error) from error
    versions: dict[str, list[ModelVersion]] = {model.name: [] for model in models}
    for version in sorted(found, key=lambda version: -int(version.version)):
        if version.name in versions:
            model = next(model for model in models if model.name == version.name)
            aliases = (alias for alias, number in model.aliases.items() if int(number) == int(version.version))
            versions[version.name].append(_read_version(client, version, tuple(sorted(aliases))))
    listed = [RegisteredModel(name, tuple(own)) for name, own in versions.items()]
    return tuple(sorted(listed, key=lambda model: -max((v.created for v in model.versions), default=0)))


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
