"""Predictions: what a model says of items whose labels are known, and its calibration by temperature."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autotl.runtime.atomic_files import write_atomically


@dataclass(frozen=True, eq=False)
class Predictions:
    """Class probabilities for some items of a dataset.

    items: int (n,), row numbers in the dataset, no two alike; labels: int (n,), true classes; probabilities: float
    (n, n_classes), each row sums to 1. Raises ValueError where they are not so.
    """

    items: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray

    def __post_init__(self) -> None:
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
        """The predictions for these items, in this order; ValueError where one of them was not predicted."""
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
