"""The pairs of classes that a model confuses most, from its confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from autotl.evidence.evaluations import Evaluation


@dataclass(frozen=True)
class Cell:
    """A cell of the confusion matrix: the images of one class that were predicted as one class."""

    true: str
    predicted: str

    @property
    def is_correct(self) -> bool:
        """Whether the cell is on the diagonal."""
        return self.true == self.predicted

    def select(self, answers: pd.DataFrame) -> pd.DataFrame:
        """The rows of a table with the columns label and predicted, as `Evidence.answers` returns it."""
        return answers[(answers["label"] == self.true) & (answers["predicted"] == self.predicted)]


@dataclass(frozen=True)
class CellCount:
    """A cell with its number of images. n_true: number of images of the true class."""

    cell: Cell
    n_items: int
    n_true: int

    @property
    def share(self) -> float:
        """The share of the images of the true class."""
        return self.n_items / self.n_true


def count_cells(evaluation: Evaluation) -> tuple[CellCount, ...]:
    """Every cell that has images, row by row."""
    totals, classes = evaluation.confusion.sum(axis=1), evaluation.classes
    return tuple(
        CellCount(
            Cell(classes[true], classes[predicted]),
            int(evaluation.confusion[true, predicted]),
            int(totals[true]),
        )
        for true, predicted in np.argwhere(evaluation.confusion)
    )


def most_frequent_mistakes(evaluation: Evaluation, n_cells: int) -> tuple[CellCount, ...]:
    """The cells off the diagonal with the most images, the most first."""
    mistakes = [count for count in count_cells(evaluation) if not count.cell.is_correct]
    return tuple(sorted(mistakes, key=lambda count: -count.n_items)[:n_cells])


def most_confused_cell(evaluation: Evaluation) -> Cell:
    """The most frequent mistake; where there is none, the class with the most images."""
    mistakes = _mistakes(evaluation)
    counts = mistakes if mistakes.any() else evaluation.confusion
    true, predicted = np.unravel_index(counts.argmax(), counts.shape)
    return Cell(evaluation.classes[true], evaluation.classes[predicted])


def most_confused_classes(evaluation: Evaluation, n_classes: int) -> frozenset[str]:
    """The classes that take part in the most mistakes, on either side."""
    mistakes = _mistakes(evaluation)
    order = np.argsort(-(mistakes.sum(axis=0) + mistakes.sum(axis=1)), kind="stable")
    return frozenset(evaluation.classes[i] for i in order[:n_classes])


def _mistakes(evaluation: Evaluation) -> np.ndarray:
    mistakes = evaluation.confusion.copy()
    np.fill_diagonal(mistakes, 0)
    return mistakes
