"""The charts of the report as matplotlib figures."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from autotl.evidence.weak_classes import rank_by_recall
from autotl.runs.result import by_class

if TYPE_CHECKING:
    import pandas as pd

    from autotl.evidence.evaluations import Evaluation
    from autotl.predictions import Predictions

_N_TRIALS = 20
_N_BINS = 10


def plot_confusion(evaluation: Evaluation) -> Figure:
    """The confusion matrix, with the number of images in each cell."""
    from sklearn.metrics import ConfusionMatrixDisplay

    n = len(evaluation.classes)
    figure = _figure(1.5 + 0.6 * n, 1.2 + 0.6 * n)
    display = ConfusionMatrixDisplay(evaluation.confusion, display_labels=evaluation.classes)
    display.plot(ax=figure.subplots(), colorbar=False, cmap="Blues", xticks_rotation=45 if n > 4 else 0)
    return figure


def plot_classes(evaluation: Evaluation) -> Figure:
    """The recall of each class with its interval."""
    recalls = rank_by_recall(by_class(evaluation.scores).get("recall", {}), evaluation.n_by_class)
    names = [f"{one.name} ({one.n_items})" for one in recalls.ranked]
    scores = [(one.recall.value, one.recall.low, one.recall.high) for one in recalls.ranked]
    return _intervals(names, scores, "recall")


def plot_leaderboard(board: pd.DataFrame, objective: str) -> Figure:
    """The score of the best trials with its interval."""
    done = board[board["state"] == "complete"].head(_N_TRIALS)
    names = [f"{trial}: {name}" for trial, name in zip(done["trial"], done["name"], strict=True)]
    return _intervals(names, done[["value", "low", "high"]].to_numpy(float).tolist(), objective)


def plot_calibration(tested: Predictions) -> Figure:
    """The share of right answers against the probability of the answer, in bins of equal number."""
    from sklearn.calibration import CalibrationDisplay

    right = tested.probabilities.argmax(axis=1) == tested.labels
    figure = _figure(4.5, 4.5)
    axes = figure.subplots()
    CalibrationDisplay.from_predictions(
        right, tested.probabilities.max(axis=1).clip(0, 1), n_bins=_N_BINS, strategy="quantile", ax=axes, pos_label=True
    )
    axes.set(xlabel="probability the model gives its answer", ylabel="share of answers that are right")
    if legend := axes.get_legend():
        legend.remove()
    return figure


def _intervals(names: list[str], scores: Sequence[Sequence[float]], title: str) -> Figure:
    """A point with its interval for each name, from top to bottom."""
    figure = _figure(6.5, 0.8 + 0.3 * len(names))
    axes = figure.subplots()
    values = np.array(scores, float).reshape(-1, 3)
    places = np.arange(len(names))
    axes.hlines(places, values[:, 1], values[:, 2], color="#8493a3", linewidth=2)
    axes.plot(values[:, 0], places, "o", color="#1f5fa8")
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.set_xlabel(f"{title}, 95 % interval")
    return figure


class _Chart(Figure):
    """A figure that a notebook shows; it is not pyplot's, which would keep it, and draw it a second time."""

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png")
        return file.getvalue()


def _figure(width: float, height: float) -> Figure:
    return _Chart(figsize=(min(width, 16), min(height, 16)), layout="constrained")
