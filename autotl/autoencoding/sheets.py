"""Sheets of small images, as PNG files."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

_GAP = 2
_LEAST_EDGE = 64
_PAPER = 255


def sheet(rows: Sequence[np.ndarray]) -> bytes:
    """A PNG file with rows of images, each uint8 (n, edge, edge, 3), n possibly different.

    Small images are enlarged by a whole number, pixel by pixel, so that nothing is seen that the network did not make.
    """
    from PIL import Image

    edge = rows[0].shape[1]
    factor = max(1, round(_LEAST_EDGE / edge))
    step = edge * factor + _GAP
    n_columns = max(len(row) for row in rows)
    page = np.full((len(rows) * step - _GAP, n_columns * step - _GAP, 3), _PAPER, dtype=np.uint8)
    for y, row in enumerate(rows):
        for x, image in enumerate(row):
            large = image.repeat(factor, axis=0).repeat(factor, axis=1)
            page[y * step :, x * step :][: edge * factor, : edge * factor] = large
    file = io.BytesIO()
    Image.fromarray(page).save(file, "PNG", optimize=True)
    return file.getvalue()
