"""Small images are decoded once, whatever the run, and read from the cache after that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autotl.autoencoding import small_images as module
from autotl.autoencoding.small_images import small_images
from autotl.cache.eviction import evict


def test_each_image_is_decoded_once_and_kept_by_its_content(
    shapes_dataset: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []
    items = np.array([5, 0, 7])
    first = small_images(shapes_dataset, items, 16, cache=tmp_path, progress=lambda *done: told.append(done))
    assert first.shape == (3, 16, 16, 3)
    assert told == [(0, 3), (3, 3)]
    told.clear()
    monkeypatch.setattr(module, "read_pixels", None)  # nothing is decoded again
    again = small_images(shapes_dataset, items[::-1], 16, cache=tmp_path, progress=lambda *done: told.append(done))
    assert (again[::-1] == first).all()
    assert not told


def test_another_edge_is_another_image(shapes_dataset: Any, tmp_path: Path) -> None:
    def read(edge: int) -> np.ndarray:
        return small_images(shapes_dataset, np.array([0]), edge, cache=tmp_path, progress=lambda _done, _total: None)

    assert (read(16).shape, read(24).shape) == ((1, 16, 16, 3), (1, 24, 24, 3))


def test_they_make_room_like_everything_in_the_cache(shapes_dataset: Any, tmp_path: Path) -> None:
    small_images(shapes_dataset, np.arange(4), 16, cache=tmp_path, progress=lambda _done, _total: None)
    assert evict(tmp_path, limit_bytes=0, used_since=float("inf")) >= 4 * 16 * 16 * 3
    assert not list(tmp_path.rglob("*.npy"))
