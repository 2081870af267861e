"""How much disk a run's decoded images and activations may take, and making room for them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

MAX_BYTES = 4 * 2**30

MAX_DISK_SHARE = 0.25
"""Of the free disk space, where that is less than MAX_BYTES."""


def allowed_bytes(folder: Path) -> int:
    """Bytes that all cached activations of one run may take."""
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    available = shutil.disk_usage(existing).free + sum(_size(other) for other in _folders(folder))
    return min(MAX_BYTES, int(MAX_DISK_SHARE * available))


def make_room(kept: Sequence[Path], spare: int) -> None:
    """Remove the oldest folders beside those kept until the others take no more than `spare` bytes."""
    beside = (other for other in _folders(kept[0].parent) if other not in kept)
    others = sorted(beside, key=lambda other: other.stat().st_mtime)
    sizes = {other: _size(other) for other in others}
    for other in others:
        if sum(sizes.values()) <= spare:
            break
        shutil.rmtree(other, ignore_errors=True)
        sizes.pop(other)


def _folders(folder: Path) -> list[Path]:
    return [entry for entry in folder.iterdir() if entry.is_dir()] if folder.is_dir() else []


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("*.npy"))
