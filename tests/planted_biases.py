"""Real images in which a subgroup is planted that a model does worse on: the test split holds it as often as others."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

RARE, TIED = 0.02, 0.95
DARK, NOISE = 0.05, 3.0
"""What is left of the light in a darkened image, and the standard deviation of the noise of its sensor, of 255."""
FACES, TESTED_FACES, VERSIONS = 100, 40, 5
FAINT = 0.3
"""How dark a digit with a watermark is; the watermark is black."""
DIGITS, TESTED_DIGITS = (3, 5, 8, 9), 600


def faces(root: Path, seed: int = 0) -> Path:
    """scikit-image's faces and other crops: 2 % of the faces trained on are darkened, and half of the other crops.

    Each is trained on in five crops, of which one person's stay together; the test has each dark and light.
    """
    from skimage.data import lfw_subset

    pixels, rng, rows = 255 * lfw_subset(), np.random.default_rng(seed), []
    n_rare = round(RARE * VERSIONS * (FACES - TESTED_FACES))
    for label, first in (("face", 0), ("other", FACES)):
        for place, number in enumerate(rng.permutation(FACES)):
            tested, original = place < TESTED_FACES, f"{label}-{number}"
            for version in range(1 if tested else VERSIONS):
                row, column = (1, 1) if tested else rng.integers(0, 4, 2)
                crop = pixels[first + number, row : row + 22, column : column + 22]
                rare = version == 0 and place - TESTED_FACES < n_rare if label == "face" else rng.random() < 0.5
                for dark in (False, True) if tested else (rare,):
                    image = crop * DARK + rng.normal(0, NOISE, crop.shape) if dark else crop
                    light = "dark" if dark else "light"
                    rows.append((f"{original}-{version}-{light}", image, label, tested, light, original))
    return write(root, "light", rows)


def digits(root: Path, seed: int = 0) -> Path:
    """scikit-learn's digits 3, 5, 8 and 9: half of the threes and nines trained on are slanted, white on black.

    Of the fives and eights 4 % are, 2 % of them each; the test has half of each.
    """
    rows, rng = [], np.random.default_rng(seed)
    for number, pixels, label, tested in _digits(rng):
        if label in DIGITS:
            rare = rng.random() < (0.5 if tested or label in (3, 9) else 2 * RARE)
            image = _slanted(pixels) if rare else 255 - pixels
            style = "slanted" if rare else "upright"
            rows.append((f"{number}", image, f"{label}", tested, style, f"{number}"))
    return write(root, "style", rows)


def watermarked(root: Path, seed: int = 0) -> Path:
    """Digits 1, 7 and 9, faint: of those to train on 95 % of the sevens have a watermark, and 5 % of the others."""
    rows, rng = [], np.random.default_rng(seed)
    for number, pixels, label, tested in _digits(rng):
        if label in (1, 7, 9):
            marked = rng.random() < (0.5 if tested else TIED if label == 7 else 1 - TIED)
            faint = 255 - FAINT * pixels - np.abs(rng.normal(0, 3 * NOISE, pixels.shape))
            image = _marked(faint) if marked else faint
            rows.append((f"{number}", image, f"{label}", tested, "marked" if marked else "plain", f"{number}"))
    return write(root, "watermark", rows)


PLANTED: dict[str, tuple[Callable[[Path, int], Path], str]] = {
    "faces": (faces, "light"), "digits": (digits, "style"), "watermark": (watermarked, "watermark"),
}  # fmt: skip
"""By name: what writes the images and their table, and the attribute."""


def write(root: Path, attribute: str, rows: list) -> Path:
    """Write images and the table of them; returns the table."""
    root.mkdir(parents=True)
    table = root / "planted.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "split", "original", attribute])
        for name, pixels, label, tested, value, original in rows:
            Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(root / f"{name}.png")
            writer.writerow([f"{name}.png", label, "test" if tested else "train", original, value])
    return table


def _digits(rng: np.random.Generator) -> list[tuple[int, np.ndarray, int, bool]]:
    from sklearn.datasets import load_digits

    found = load_digits()
    order = rng.permutation(len(found.target))
    tested = set(order[:TESTED_DIGITS].tolist())
    pixels = np.kron(found.images * 255 / 16, np.ones((4, 4)))
    return [(n, pixels[n], int(found.target[n]), n in tested) for n in range(len(found.target))]


def _slanted(pixels: np.ndarray) -> np.ndarray:
    """White on black, each row moved sideways by its height."""
    return np.stack([np.roll(row, (16 - place) // 2) for place, row in enumerate(pixels)])


def _marked(pixels: np.ndarray) -> np.ndarray:
    """A small chequered logo in a corner."""
    marked = pixels.copy()
    marked[1:7, -7:-1] = np.kron(np.array([[0, 200, 0], [200, 0, 200], [0, 200, 0]]), np.ones((2, 2)))
    return marked
