"""Predictions: what a model says of items whose labels are known, and its loss for each of them."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autotl.runtime.atomic_files import write_atomically
from autotl.targets import CLASSES, LABELS, NUMBER, UNKNOWN, kind_of, known_labels


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model says of some items of a dataset.

    items: int (n,), row numbers in the dataset, no two alike; labels: int (n,), true classes; probabilities: float
    (n, n_classes), each row sums to 1. For several labels an item: labels bool (n, n_labels), or int with -1 where one
    is unknown; probabilities (n, n_labels) from 0 to 1. For a number: labels float (n,), and the values predicted,
    (n, 1), in place of probabilities. Raises ValueError if they are not so.
    """

    items: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray

    def __post_init__(self) -> None:
        kind = kind_of(self.labels)
        if kind == LABELS or (kind == NUMBER and self.probabilities.shape[1:] == (1,)):
            self._check_other_kinds()
            return
        n = len(self.items)
        if self.probabilities.ndim != 2 or self.items.shape != (n,) or self.labels.shape != (n,):
            raise ValueError(f"{self._shapes()}; expected (n,), (n,) and (n, n_classes)")
        if len(self.probabilities) != n:
            raise ValueError(f"{self._shapes()}; expected the same number of rows in each")
        for name, values in (("items", self.items), ("labels", self.labels)):
            if values.dtype.kind not in "iu":
                raise ValueError(f"{name} are {values.dtype}; expected whole numbers")
        if len(np.unique(self.items)) != n:
            raise ValueError(f"{n - len(np.unique(self.items))} of {n} items come twice; expected each item once")
        k = self.probabilities.shape[1]
        if n and not (self.labels.min() >= 0 and self.labels.max() < k):
            raise ValueError(f"labels from {self.labels.min()} to {self.labels.max()}; expected 0 to {k - 1}")
        self._check_probabilities()

    def _shapes(self) -> str:
        return (
            f"items have shape {self.items.shape}, labels {self.labels.shape}, probabilities {self.probabilities.shape}"
        )

    def _check_other_kinds(self) -> None:
        """Check several labels an item, or numbers."""
        n, several = len(self.items), kind_of(self.labels) == LABELS
        shape = self.labels.shape if several else (n, 1)
        if self.items.shape != (n,) or len(self.labels) != n or self.probabilities.shape != shape:
            raise ValueError(f"{self._shapes()}; expected (n,), and labels and answers of the same items")
        if self.items.dtype.kind not in "iu" or len(np.unique(self.items)) != n:
            raise ValueError("expected whole numbers as items, each item once")
        if not np.isfinite(self.probabilities).all():
            raise ValueError(f"{(~np.isfinite(self.probabilities)).any(axis=1).sum()} of {n} answers are not finite")
        if several:
            if (
                self.labels.dtype.kind not in "biu"
                or ((self.labels != 0) & (self.labels != 1) & (self.labels != UNKNOWN)).any()
            ):
                raise ValueError(f"labels are {self.labels.dtype}; expected true, false, or {UNKNOWN} for unknown")
            if n and not (self.probabilities.min() >= 0 and self.probabilities.max() <= 1):
                low, high = self.probabilities.min(), self.probabilities.max()
                raise ValueError(f"probabilities from {low:.3g} to {high:.3g}; expected 0 to 1")
        elif not np.isfinite(self.labels).all():
            raise ValueError(f"{(~np.isfinite(self.labels)).sum()} of {n} numbers are not finite")

    def _check_probabilities(self) -> None:
        n = len(self.probabilities)
        undefined = ~np.isfinite(self.probabilities).all(axis=1)
        if undefined.any():
            raise ValueError(
                f"the probabilities of {undefined.sum()} of {n} items are not finite; "
                f"the first is row {undefined.argmax()}"
            )
        if (self.probabilities < 0).any():
            raise ValueError(f"the lowest probability is {self.probabilities.min():.3g}; expected none below 0")
        # float16 arithmetic on the way leaves an error of the third digit.
        wrong = np.abs(self.probabilities.sum(axis=1, dtype=np.float64) - 1) > 1e-3
        if wrong.any():
            row = int(wrong.argmax())
            raise ValueError(
                f"the probabilities of {wrong.sum()} of {n} items do not sum to 1; those of row {row} sum to "
                f"{self.probabilities[row].sum():.4g}"
            )

    def restrict(self, items: np.ndarray) -> Predictions:
        """The predictions for these items, in this order; ValueError if one of them was not predicted."""
        order = np.argsort(self.items)
        places = np.searchsorted(self.items, items, sorter=order)
        known = places < len(order)
        known[known] = self.items[order[places[known]]] == items[known]
        if not known.all():
            raise ValueError(
                f"{(~known).sum()} of {len(items)} items were not predicted; the first is {items[known.argmin()]}"
            )
        rows = order[places]
        return Predictions(self.items[rows], self.labels[rows], self.probabilities[rows])

    def save(self, path: Path) -> None:
        """Write an .npz file; it is complete or not there at all, even if the process is killed."""
        file = io.BytesIO()
        np.savez(file, items=self.items, labels=self.labels, probabilities=self.probabilities)
        write_atomically(path, file.getvalue())

    @classmethod
    def load(cls, path: Path) -> Predictions:
        """Read what `save` wrote; ValueError that names the file where it is something else."""
        try:
            # Opened here: np.load leaves a torn archive open.
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return cls(arrays["items"], arrays["labels"], arrays["probabilities"])
        except (KeyError, TypeError, AttributeError, EOFError, ValueError, zipfile.BadZipFile) as error:
            raise ValueError(f"{path} holds no predictions: {error}") from error


def log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean negative log-probability of the true class."""
    return float(log_losses(labels, probabilities).mean())


def log_losses(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Negative log-probability of the true class of each item, float (..., n).

    labels: int (n,); probabilities: (..., n, n_classes), clipped at 1.2e-7, the smallest step of single precision.
    """
    true = probabilities[..., np.arange(len(labels)), labels]
    return np.asarray(-np.log(np.clip(true, np.finfo(np.float32).eps, 1)))


def mean_loss(labels: np.ndarray, answers: np.ndarray) -> float:
    """The mean of `item_losses`."""
    return float(item_losses(labels, answers).mean())


def item_losses(labels: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """The loss of each item by the kind of its labels, float (..., n); answers: (..., n, n_outputs).

    Classes: `log_losses`. Several labels: the mean of their log losses, of those that are known. Numbers: the square of
    the error.
    """
    kind = kind_of(labels)
    if kind == CLASSES:
        return log_losses(labels, answers)
    if kind != LABELS:
        return np.asarray((answers[..., 0] - labels) ** 2)
    known, smallest = known_labels(labels), np.finfo(np.float32).eps
    true = np.where(labels == 1, answers, 1 - answers)
    losses = np.where(known, -np.log(np.clip(true, smallest, 1)), 0.0)
    return np.asarray(losses.sum(axis=-1) / np.maximum(known.sum(axis=-1), 1))
