"""What is learned of an item: one class, one of several classes in order, any number of labels, or a number.

The true answers say which it is: whole numbers (n,) are classes, a matrix (n, n_labels) says which labels apply, with
-1 where this is unknown, and floats (n,) are the numbers themselves.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from verify_documents import DamagedError

CLASSES, ORDERED, LABELS, NUMBER = "classes", "ordered", "labels", "number"
WHERE = "evidence/items.npz, label"


def is_classes(labels: np.ndarray) -> bool:
    """Whether each item has exactly one class."""
    return labels.ndim == 1 and labels.dtype.kind in "iu"


def known(labels: np.ndarray) -> np.ndarray:
    """Where it is known whether a label applies, bool of the same shape."""
    return np.asarray(labels != -1) if labels.dtype.kind != "b" else np.ones(labels.shape, bool)


def names_in(kind: str, texts: Iterable[str], stored: list[str]) -> list[str]:
    """The classes or labels in the order of the answers, from the texts of items; none for a number.

    stored: as the run wrote them, which gives the order of ordered classes: it is a choice, not a measurement.
    """
    if kind == NUMBER:
        return []
    if kind == LABELS:
        return sorted({name.removeprefix("?") for text in texts for name in _parts(text)})
    found = sorted(set(texts))
    return stored if kind == ORDERED and sorted(stored) == found else found


def encode(kind: str, names: list[str], texts: list[str]) -> np.ndarray:
    """The true answers of items from their texts; DamagedError if one cannot be read."""
    place = {name: number for number, name in enumerate(names)}
    if kind == NUMBER:
        return np.array([_number(text) for text in texts])
    if kind != LABELS:
        return np.array([place[text] for text in texts], int)
    found = np.zeros((len(texts), len(names)), int)
    for row, text in enumerate(texts):
        for name in _parts(text):
            found[row, place[name.removeprefix("?")]] = -1 if name.startswith("?") else 1
    return found


def always(labels: np.ndarray, fold: np.ndarray, n_outputs: int) -> dict[str, np.ndarray]:
    """Predictions of the row that learned nothing: what the training folds have on average, for each fold.

    Of classes and labels that is how often they occur, of a number its mean.
    """
    items = np.flatnonzero(fold >= 0)
    answers = np.zeros((len(items), n_outputs))
    for number in range(fold.max() + 1):
        answers[fold[items] == number] = _mean(labels[items[fold[items] != number]], n_outputs)
    return {"items": items, "labels": labels[items], "probabilities": answers}


def _mean(labels: np.ndarray, n_outputs: int) -> np.ndarray:
    if is_classes(labels):
        return np.asarray(np.bincount(labels, minlength=n_outputs) / len(labels))
    if labels.ndim == 1:
        return np.array([labels.mean()])
    return np.asarray((labels > 0).sum(axis=0) / np.maximum(known(labels).sum(axis=0), 1))


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise DamagedError(WHERE, text, "a number") from error
