"""A sheet of small images, each with its caption below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_GAP, _LINE = 10, 16
_FONT_SIZE = 12
_INK = (40, 40, 40)


@dataclass(frozen=True)
class Cell:
    """An image of a sheet. image: uint8 (height, width, 3); caption: lines of text."""

    image: np.ndarray
    caption: tuple[str, ...]


def draw_sheet(cells: Sequence[Cell], *, columns: int) -> Image.Image:
    """The cells in rows, all as wide and as high as the largest, on white."""
    height = max(cell.image.shape[0] for cell in cells)
    width = max(cell.image.shape[1] for cell in cells)
    n_lines = max(len(cell.caption) for cell in cells)
    step_x, step_y = width + _GAP, height + n_lines * _LINE + 2 * _GAP
    rows = -(-len(cells) // columns)
    sheet = Image.new("RGB", (min(columns, len(cells)) * step_x + _GAP, rows * step_y + _GAP), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(_FONT_SIZE)
    for number, cell in enumerate(cells):
        left, top = _GAP + number % columns * step_x, _GAP + number // columns * step_y
        sheet.paste(Image.fromarray(cell.image), (left, top))
        for line, text in enumerate(cell.caption):
            pen.text((left, top + height + _GAP // 2 + line * _LINE), text, fill=_INK, font=font)
    return sheet
