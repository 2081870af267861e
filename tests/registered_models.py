"""Models in a real registry, beside runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from small_models import write_small_model

from autotl.interfaces import AliasChange, ModelStore
from autotl_plugins.registries import mlflow as registry

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


def at(folder: Path) -> ModelStore:
    """The store beside the runs of a folder."""
    return ModelStore(None, (folder,))


def register(store: Path, name: str, tmp_path: Path, *, seed: int = 0, **metadata: Any) -> AliasChange:
    folder = write_small_model(tmp_path / f"{name}-{seed}" / "champion", seed=seed, metadata=METADATA | metadata)
    return registry.register(at(store), folder, name)


def aliases_of(store: Path, name: str) -> dict[str, int]:
    [model] = [model for model in registry.list_models(at(store)) if model.name == name]
    return {alias: version.version for version in model.versions for alias in version.aliases}
