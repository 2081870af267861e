"""A dataset made up for tests, with real images, and what a model made up as well answered of it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from autotl.data.dataset import Dataset
from autotl.data.split import Split
from autotl.evidence.evaluations import Evaluation
from autotl.evidence.intervals import wilson
from autotl.interfaces import Figure, ScoreInterval, Table
from autotl.predictions import Predictions

PICTURE_PIXELS = 24
N_OF_A_CLASS = 30
_LEVELS = (40, 128, 215)
_SPREAD = 42.0
"""Of an image's brightness about that of its class: enough for some mistakes."""


def write_images(folder: Path, classes: tuple[str, ...]) -> Dataset:
    """A folder per class with images of about one brightness, as `scan` would see it; what is there already stays."""
    rng = np.random.default_rng(0)
    rows = []
    for level, name in zip(_LEVELS, sorted(classes), strict=True):
        for number in range(N_OF_A_CLASS):
            brightness = rng.normal(level, _SPREAD)
            pixels = np.clip(rng.normal(brightness, 9, (PICTURE_PIXELS, PICTURE_PIXELS, 3)), 0, 255).astype(np.uint8)
            path = folder / name / f"{number:02d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                Image.fromarray(pixels).save(path)
            content = path.read_bytes()
            rows.append(
                {
                    "path": f"{name}/{path.name}", "label": name, "label_given": name, "given_split": "",
                    "sha256": hashlib.sha256(content).hexdigest(), "n_bytes": len(content), "quarantine": "",
                    "format": "PNG", "mode": "RGB", "width": PICTURE_PIXELS, "height": PICTURE_PIXELS, "frames": 1,
                    "group": "", "brightness_p5": brightness,
                }
            )  # fmt: skip
    return Dataset(folder.resolve(), pd.DataFrame(rows), layout="one folder per class")


def made_split(dataset: Dataset) -> Split:
    """Every fifth image for the test, the others in four folds."""
    fold = np.arange(len(dataset.items)) % 5 - 1
    return Split(fold=fold, cluster=np.arange(len(fold)))


def made_predictions(dataset: Dataset, items: np.ndarray) -> Predictions:
    """Probabilities that fall with the distance between an image's brightness and each class's."""
    brightness = dataset.items["brightness_p5"].to_numpy()[items]
    logits = -np.abs(brightness[:, None] - np.array(_LEVELS)) / 20
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return Predictions(items, dataset.labels[items], shares / shares.sum(axis=1, keepdims=True))


def made_evaluation(predictions: Predictions, classes: tuple[str, ...], scores: dict[str, ScoreInterval]) -> Evaluation:
    """The confusion and the scores of each class as they are; the scores of all, as given."""
    k = len(classes)
    predicted = predictions.probabilities.argmax(axis=1)
    confusion = np.bincount(predictions.labels * k + predicted, minlength=k * k).reshape(k, k)
    found = dict(scores)
    for kind, totals in (("recall", confusion.sum(axis=1)), ("precision", confusion.sum(axis=0))):
        for name, right, total in zip(classes, confusion.diagonal(), totals, strict=True):
            found[f"{kind}[{name}]"] = wilson(float(right), float(total))
    return Evaluation(found, confusion, classes, len(predictions.items))


MADE_FIGURE = Figure(
    "How sure it is",
    {
        "data": {"values": [{"confidence": 0.4, "right": 0.5}, {"confidence": 0.9, "right": 0.95}]},
        "mark": "line",
        "encoding": {
            "x": {"field": "confidence", "type": "quantitative", "title": "confidence"},
            "y": {"field": "right", "type": "quantitative", "title": "share that is right"},
        },
    },
    alt="The more confident, the more often right.",
)
MADE_TABLE = Table("By camera", ("camera", "images", "recall"), (("A *1*", 12, 0.9), ("B", 6, None)), note="Few.")
