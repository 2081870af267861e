"""What reads the items given to a model, by the kind of its items."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autotl.data.modalities import modality_named


def open_reader(folder: Path, metadata: Mapping[str, Any]) -> Any:
    """The `ItemReader` of the model in a folder. metadata: its metadata.json."""
    return modality_named(metadata.get("modality", "image")).serving().open_reader(folder, metadata)
