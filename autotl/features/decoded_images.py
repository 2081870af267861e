"""Images decoded at one size: read one by one, or kept as one array on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from autotl.data.dataset import Dataset
from autotl.errors import DatasetError
from autotl.images.decoder import decode
from autotl.interfaces import Size
from autotl.trial import format_size

DECODED_TOGETHER = 8


Pixels = Callable[[np.ndarray], np.ndarray]
"""Positions among the development items, int (n,) -> their images, uint8 (n, height, width, 3)."""


def read_pixels(dataset: Dataset, item: int, size: Size) -> np.ndarray:
    """The pixels of an item, uint8 (height, width, 3); DatasetError where its file has changed since the scan."""
    path = dataset.path(item)
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = f"{path} could be read when the folder was scanned, but no more: {error.strerror or error}"
        raise DatasetError(f"{reason}. Put it back, or start a new search without it.") from error
    # Features are kept by the content's hash: those of an edited image must not be kept under the old one.
    if hashlib.sha256(data).hexdigest() != dataset.items["sha256"].iloc[item]:
        raise DatasetError(f"{path} has changed since the folder was scanned. Put it back, or start a new search.")
    return decode(data, *size)


def pixel_file(folder: Path, size: tuple[int, int]) -> Path:
    return folder / f"{format_size(size)}.npy"
