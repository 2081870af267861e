"""The sheet of crops shows what was found in images, and some in which nothing was."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
from PIL import Image
from scanning import scan

from autotl.workflows.crop_sheet import N_FOUND, N_MISSED, write_crop_sheet

ALL = [(0, 0), (1, 0), (1, 1), (0, 1)]
LINE = (220, 60, 0)


def corners_of(n: int, n_missed: int) -> np.ndarray:
    corners = np.tile(np.array(ALL, np.float32) * 0.5 + 0.2, (n, 1, 1))
    corners[:n_missed] = np.nan
    return corners


def cells_of(file: Path) -> tuple[np.ndarray, int]:
    """The pixels of a sheet, and how many of its five columns in the first row have lines."""
    with Image.open(file) as sheet:
        pixels = np.asarray(sheet.convert("RGB"))
    columns = np.array_split(pixels, 5, axis=1)
    return pixels, sum(bool((column == LINE).all(axis=2).any()) for column in columns)


def test_what_was_found_is_drawn_and_what_was_missed_is_shown_too(shapes_dataset: Any, tmp_path: Path) -> None:
    items = np.arange(5)
    write_crop_sheet(tmp_path / "crops.png", shapes_dataset, items, corners_of(5, 2), seed=0)
    _, n_lined = cells_of(tmp_path / "crops.png")
    assert n_lined == 3
    write_crop_sheet(tmp_path / "again.png", shapes_dataset, items, corners_of(5, 2), seed=0)
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "crops.png").read_bytes()


def test_of_many_images_a_few_of_both_kinds_are_shown(shapes_dataset: Any, tmp_path: Path) -> None:
    n = len(shapes_dataset.items)
    write_crop_sheet(tmp_path / "crops.png", shapes_dataset, np.arange(n), corners_of(n, n // 2), seed=0)
    whole, _ = cells_of(tmp_path / "crops.png")
    write_crop_sheet(tmp_path / "row.png", shapes_dataset, np.arange(5), corners_of(5, 0), seed=0)
    row, _ = cells_of(tmp_path / "row.png")
    assert whole.shape[0] < (N_FOUND + N_MISSED) / 5 * row.shape[0] + row.shape[0]


def test_corners_beyond_the_image_are_drawn_on_paper(shapes_dataset: Any, tmp_path: Path) -> None:
    beyond = np.array([ALL], np.float32) * 2 - 0.5
    write_crop_sheet(tmp_path / "crops.png", shapes_dataset, np.array([0]), beyond, seed=0)
    pixels, _ = cells_of(tmp_path / "crops.png")
    assert (pixels == LINE).all(axis=2).any()


def test_an_image_that_is_gone_is_left_out(shapes: Path, tmp_path: Path) -> None:
    dataset = scan(copytree(shapes, tmp_path / "data"))
    dataset.path(0).unlink()
    write_crop_sheet(tmp_path / "crops.png", dataset, np.array([0]), corners_of(1, 0), seed=0)
    assert not (tmp_path / "crops.png").exists()
