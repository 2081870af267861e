"""A sheet of images with captions."""

from __future__ import annotations

import numpy as np

from autotl.images.captioned_sheet import Cell, draw_sheet


def test_every_image_is_on_the_sheet_with_its_caption_below():
    colours = [(200, 0, 0), (0, 200, 0), (0, 0, 200)]
    cells = [Cell(np.full((30, 40, 3), colour, np.uint8), (f"stage{n}",)) for n, colour in enumerate(colours)]
    sheet = np.asarray(draw_sheet(cells, columns=2))
    for colour in colours:
        rows, columns = np.nonzero((sheet == colour).all(axis=2))
        assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (30, 40)
        below = sheet[rows.max() + 1 : rows.max() + 20, columns.min() : columns.max()]
        assert (below < 128).any()


def test_images_of_different_sizes_do_not_overlap():
    cells = [Cell(np.full((20, 60, 3), 10, np.uint8), ("a",)), Cell(np.full((50, 20, 3), 99, np.uint8), ("b",))]
    sheet = np.asarray(draw_sheet(cells, columns=2))
    assert ((sheet == 10).all(axis=2).sum(), (sheet == 99).all(axis=2).sum()) == (1200, 1000)
