"""A sheet of images with what a crop found drawn into them, and of some in which it found nothing."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from autotl.data.dataset import Dataset
from autotl.errors import AutoTLError
from autotl.features.item_files import read_item
from autotl.images.captioned_sheet import Cell, draw_sheet
from autotl.images.decoder import UnreadableImage, open_image
from autotl.runtime.atomic_files import write_atomically
from autotl.workflows.item_groups import draw_by_class

N_FOUND, N_MISSED = 10, 5
_COLUMNS, _EDGE = 5, 160
_LONGEST_LABEL = 22
_LINES = (((255, 255, 255), 4), ((220, 60, 0), 2))
"""Colours and widths, drawn one upon the other so that they are seen on dark and on bright images."""
_PAPER = (255, 255, 255)


def write_crop_sheet(file: Path, dataset: Dataset, items: np.ndarray, corners: np.ndarray, *, seed: int) -> None:
    """Draw images of each class in turn, those in which something was found first, and write them as a PNG file.

    items: int (n,); corners: float (n, 4, 2), as shares of width and height, NaN where nothing was found. An image that
    is gone or has changed is left out; without any, no file is written.
    """
    cells = list(_cells(dataset, items, corners, np.random.default_rng(seed)))
    if not cells:
        return
    png = io.BytesIO()
    draw_sheet(cells, columns=_COLUMNS).save(png, "PNG", optimize=True)
    write_atomically(file, png.getvalue())


def _cells(dataset: Dataset, items: np.ndarray, corners: np.ndarray, rng: np.random.Generator) -> Iterator[Cell]:
    missed = np.isnan(corners[:, 0, 0])
    for part, most in ((~missed, N_FOUND), (missed, N_MISSED)):
        places = np.flatnonzero(part)
        for place in places[draw_by_class(dataset.labels[items[places]], most, rng)]:
            with suppress(AutoTLError, UnreadableImage):
                image = _outlined(read_item(dataset, int(items[place])), corners[place])
                label = str(dataset.items["label"].iloc[items[place]])
                yield Cell(image, (_shortened(label), *(("not cropped",) if missed[place] else ())))


def _outlined(contents: bytes, corners: np.ndarray) -> np.ndarray:
    """An image with lines between corners, on paper where these lie beyond it; uint8 (height, width, 3)."""
    image = open_image(contents, at_least=(2 * _EDGE, 2 * _EDGE))
    points = np.zeros((0, 2)) if np.isnan(corners).any() else corners.astype(float) * image.size
    shown = np.concatenate([points, [(0, 0), image.size]])
    low, high = shown.min(axis=0), shown.max(axis=0)
    scale = _EDGE / (high - low).max()
    width, height = (max(1, round(edge * scale)) for edge in image.size)
    paper = Image.new("RGB", tuple(np.ceil((high - low) * scale).astype(int).tolist()), _PAPER)
    left, top = np.rint(-low * scale).astype(int).tolist()
    paper.paste(image.resize((width, height), Image.Resampling.BICUBIC), (left, top))
    if len(points):
        outline = [tuple(point) for point in ((points - low) * scale)[[0, 1, 2, 3, 0]].tolist()]
        for colour, line in _LINES:
            ImageDraw.Draw(paper).line(outline, colour, line)
    return np.asarray(paper, np.uint8)


def _shortened(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…"
