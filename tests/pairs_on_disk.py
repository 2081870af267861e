"""Small tables of pairs for the tests: real digits, and real paragraphs about data sets."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits
from texts_on_disk import paragraphs

EDGE = 32


def write_listing(folder: Path, n: int = 48) -> Path:
    """A table of n rows: a photo of 0 or 1, a description of cancer or wine, and a label of both, such as "0 wine"."""
    (folder / "photos").mkdir(parents=True)
    pixels, digits = load_digits(return_X_y=True)
    images = {digit: iter(pixels[digits == digit].reshape(-1, 8, 8)) for digit in (0, 1)}
    texts, about = paragraphs()
    chosen = {
        name: [text for text, one in zip(texts, about, strict=True) if one == name] for name in ("cancer", "wine")
    }
    path = folder / "listing.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["photo", "description", "label"])
        for row in range(n):
            digit, name = row % 2, ("cancer", "wine")[row // 2 % 2]
            photo = folder / "photos" / f"{row:03d}.png"
            shown = np.repeat(np.repeat(next(images[digit]) * 15, 4, axis=0), 4, axis=1).astype(np.uint8)
            Image.fromarray(shown).save(photo)
            own = chosen[name]
            turn, place = divmod(row // 4, len(own))
            writer.writerow(
                [f"photos/{photo.name}", own[place] + f" Seen {turn + 1} times." * (turn > 0), f"{digit} {name}"]
            )
    return path
