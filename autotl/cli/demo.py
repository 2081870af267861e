"""The data of the demo: handwritten digits that come with scikit-learn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np


def digits() -> Iterator[tuple[str, str, np.ndarray]]:
    """1,797 pictures of 8x8 pixels as (class, file name, uint8 pixels); the source has values 0..16."""
    from sklearn.datasets import load_digits

    data = load_digits()
    for i, (image, label) in enumerate(zip(data.images, data.target, strict=True)):
        yield str(label), f"{i:04d}.png", (image * 255 / 16).round().astype(np.uint8)


def write_digits(folder: Path) -> Path:
    """Write the digits as one folder per class, unless they are there; returns the folder."""
    from PIL import Image

    for label, name, pixels in digits():
        path = folder / label / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    return folder
