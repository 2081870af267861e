"""The mistakes that a report shows: the most confident ones, and items for each cell of the confusion matrix."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autotl.data.modalities import caption_name, modality_named
from autotl.predictions import Predictions
from autotl.runs.run import Run

N_MISTAKES = 12
PIXELS, CELL_PIXELS = 112, 64
PER_CELL, MOST_CELLS = 6, 40
"""Images of one cell, and cells with images: a report of many classes stays small."""
MAPS = "evidence/maps"
"""Where the run keeps explanations of single images, by the item's number."""


@dataclass(frozen=True)
class Mistake:
    """A wrong answer on the test split.

    name: as captions show it. image: JPEG in base64, empty if it cannot be read or is a text. map: its evidence map as
    PNG in base64, empty if there is none. text: the beginning of a text, empty for an image.
    """

    name: str
    true: str
    predicted: str
    confidence: float
    image: str
    map: str = ""
    text: str = ""


@dataclass(frozen=True)
class Cell:
    """An off-diagonal cell of the confusion matrix.

    row, column: its position. shown: of each item, the JPEG in base64 and the beginning of the text, empty without one.
    """

    row: int
    column: int
    n_items: int
    shown: tuple[tuple[str, str], ...]


def surest_mistakes(run: Run, tested: Predictions) -> list[Mistake]:
    """The most confident mistakes on the test split, each as it is shown."""
    dataset, classes, paths = run.dataset, run.dataset.classes, run.dataset.items["path"]
    found = []
    for row in _wrong(tested)[:N_MISTAKES]:
        item = int(tested.items[row])
        answer = int(tested.probabilities[row].argmax())
        image, text = _shown(run, item, PIXELS)
        found.append(
            Mistake(
                name=caption_name(dataset.modality, dataset.path(item), str(paths.iloc[item])),
                true=classes[tested.labels[row]],
                predicted=classes[answer],
                confidence=float(tested.probabilities[row, answer]),
                image=image,
                text=text,
                map=_encoded(run.folder / MAPS / f"{item}.png"),
            )
        )
    return found


def cells(run: Run, tested: Predictions) -> list[Cell]:
    """The cells off the diagonal with the most images, each with its surest mistakes."""
    wrong, predicted = _wrong(tested), tested.probabilities.argmax(axis=1)
    behind: dict[tuple[int, int], list[int]] = {}
    for row in wrong:
        behind.setdefault((int(tested.labels[row]), int(predicted[row])), []).append(int(tested.items[row]))
    largest = sorted(behind.items(), key=lambda cell: (-len(cell[1]), cell[0]))[:MOST_CELLS]
    found = []
    for (row, column), items in largest:
        if shown := _several(run, items):
            found.append(Cell(row, column, len(items), shown))
    return found


def _wrong(tested: Predictions) -> np.ndarray:
    """Rows of the wrong answers, the most confident first."""
    confidence = tested.probabilities.max(axis=1)
    wrong = np.flatnonzero(tested.probabilities.argmax(axis=1) != tested.labels)
    return np.asarray(wrong[np.argsort(-confidence[wrong], kind="stable")])


def _several(run: Run, items: Iterable[int]) -> tuple[tuple[str, str], ...]:
    """A few of the items that can be read; see `_shown`."""
    shown: list[tuple[str, str]] = []
    for item in items:
        if len(shown) == PER_CELL:
            break
        found = _shown(run, item, CELL_PIXELS)
        if any(found):
            shown.append(found)
    return tuple(shown)


def _shown(run: Run, item: int, pixels: int) -> tuple[str, str]:
    """An image as a JPEG in base64, and the beginning of a text.

    Both are empty if the file was removed after the scan, as the mistake is reported all the same.
    """
    try:
        shown = modality_named(run.dataset.modality).show(run.dataset.path(item), pixels)
    except ValueError:
        return "", ""
    return base64.b64encode(shown.jpeg).decode(), shown.text


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode() if path.is_file() else ""
