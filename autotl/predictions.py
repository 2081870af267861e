"""Predictions: what a model says of items whose labels are known, and its calibration by temperature."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autotl.runtime.atomic_files import write_atomically

SMALLEST_PROBABILITY = 1e-7
"""Probabilities are raised to this before their logarithm is taken; an exported graph has to do the same."""

TEMPERATURES = (0.05, 20.0)
"""The lowest and the highest temperature that is ever fitted."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """Class probabilities for some items of a data set.

    items: int (n,), row numbers in the data set, no two alike; labels: int (n,), true classes; probabilities: float
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


def fit_temperature(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The temperature with the lowest log loss (Guo et al. 2017); above 1 where the probabilities are too sure.

    labels: int (n,); probabilities: (n, n_classes), of items the model was not fitted on. 1.0 without items.
    The targets are smoothed by 1 / (n + 2) as in Platt 1999: that n answers were right does not mean that the next
    one is right for certain, which is what the plain optimum would claim of a model without an error.
    """
    from scipy.optimize import minimize_scalar

    if len(labels) == 0:
        return 1.0
    logits = _log(probabilities)
    n, n_classes = probabilities.shape
    doubt = 1 / (n + 2)
    targets = np.full((n, n_classes), doubt / (n_classes - 1))
    targets[np.arange(n), labels] = 1 - doubt

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        highest = scaled.max(axis=1)
        normaliser = highest + np.log(np.exp(scaled - highest[:, None]).sum(axis=1))
        return float((normaliser - (targets * scaled).sum(axis=1)).mean())

    found = minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded", options={"xatol": 1e-4})
    return float(np.clip(np.exp(found.x), *TEMPERATURES))


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """softmax(log p / temperature), float64 (n, n_classes), rows sum to 1.

    The order of the classes stays, but for those below 1e-7, which become equal.
    """
    scaled = _log(probabilities) / temperature
    exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def _log(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.clip(probabilities.astype(np.float64), SMALLEST_PROBABILITY, 1.0))
