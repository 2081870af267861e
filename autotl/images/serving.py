"""What an exported model of images opens to read them; the model carries a copy of this file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autotl.images.image_reader import ImageReader

ItemReader = ImageReader


def open_reader(folder: Path, metadata: Mapping[str, Any]) -> ItemReader:
    """What reads the images given to the model in a folder. metadata: its metadata.json."""
    return ItemReader(metadata, folder)
