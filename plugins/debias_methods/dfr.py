"""Deep feature reweighting: the last layer is fitted again on subsets with equally many items of each subgroup.

Kirichenko, Izmailov & Wilson 2023, ICLR: an L1-penalised logistic regression, the strength chosen by the worst subgroup
of held-out items, the coefficients averaged over 20 random subsets. Differences from the paper: a subgroup with fewer
than 64 items is repeated, where the paper has dozens of each; and all columns are divided by one scale rather than each
by its own, since the small ones among principal components are mostly noise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autotl.hookspecs import hookimpl
from autotl.interfaces import DebiasMethod, DebiasTask, Predict

if TYPE_CHECKING:
    import numpy as np
    import onnx

STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0)
"""scikit-learn's C, the strongest penalty first."""
N_DRAWS, N_TRIAL_DRAWS = 20, 1
"""Subsets for the final layer, and for each fold and strength that is tried."""
FEWEST, MOST_ROWS = 64, 1000
"""Items of each subgroup in a subset, at least: those of a rare one are repeated, for too little of the others would be
left. Rows of a subset, at most: a larger one takes minutes, and the mean over the subsets sees more of the items."""


@dataclass(frozen=True, eq=False)
class LinearLayer:
    """A linear last layer on the features of a task. weights: (n_features, n_classes); offset: (n_classes,)."""

    features: np.ndarray
    weights: np.ndarray
    offset: np.ndarray

    def __call__(self, items: np.ndarray) -> np.ndarray:
        """Probabilities float (n, n_classes)."""
        import numpy as np

        margins = self.features[items].astype(np.float64) @ self.weights + self.offset
        exponentials = np.exp(margins - margins.max(axis=1, keepdims=True))
        return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))

    def to_onnx(self) -> onnx.ModelProto:
        """The layer as a graph from `features` to `probabilities`."""
        from autotl.graphs.blocks import affine

        return affine(self.weights, self.offset, "features", "probabilities", softmax=True)


def fit(task: DebiasTask) -> Predict:
    """Choose the strength on held-out items, then fit on training and validation items together."""
    from functools import partial

    import numpy as np

    from autotl_plugins.debias_methods._held_out import best_on_held_out

    rng = np.random.default_rng(task.seed)
    best = best_on_held_out(task, STRENGTHS, partial(_mean_layer, task, N_TRIAL_DRAWS, rng))
    return _mean_layer(task, N_DRAWS, rng, np.concatenate([task.train, task.validation]), best)


def _mean_layer(
    task: DebiasTask, n_draws: int, rng: np.random.Generator, items: np.ndarray, strength: float
) -> LinearLayer:  # fmt: skip
    """The mean of the layers of several subsets, of fewer where the time ends."""
    import numpy as np

    from autotl_plugins.debias_methods._balancing import balanced_subset

    items = items[task.groups[items] >= 0]
    own = task.features[items]
    mean, scale = own.mean(axis=0, dtype=float), max(float(own.std(dtype=float)), 1e-6)
    weights, offset = np.zeros((task.features.shape[1], task.n_classes)), np.zeros(task.n_classes)
    n_done = 0
    while n_done < n_draws and (n_done == 0 or task.seconds_left() > 0):
        chosen = items[balanced_subset(task.groups[items], rng, fewest=FEWEST, most=MOST_ROWS)]
        found, found_offset = _fit_one((task.features[chosen] - mean) / scale, task.labels[chosen], strength, task)
        weights, offset, n_done = weights + found, offset + found_offset, n_done + 1
    weights, offset = weights / (n_done * scale), offset / n_done
    return LinearLayer(task.features, weights, offset - mean @ weights)


def _fit_one(
    vectors: np.ndarray, labels: np.ndarray, strength: float, task: DebiasTask
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (n_features, n_classes) and offset of one logistic regression; a class without items is never said."""
    import warnings

    import numpy as np
    from sklearn.exceptions import ConvergenceWarning

    model = _regression(strength, len(np.unique(labels)), task.seed)
    with warnings.catch_warnings():
        # The mean over the subsets does not need the last digits of each.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(vectors, labels)
    weights, offset = np.zeros((vectors.shape[1], task.n_classes)), np.full(task.n_classes, -30.0)
    if len(model.classes_) == 2:  # scikit-learn has one column for two classes
        weights[:, model.classes_[1]], offset[model.classes_] = model.coef_[0], (0.0, model.intercept_[0])
    else:
        weights[:, model.classes_], offset[model.classes_] = model.coef_.T, model.intercept_
    return weights, offset


def _regression(strength: float, n_classes: int, seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    if n_classes == 2:
        return LogisticRegression(C=strength, l1_ratio=1.0, solver="liblinear", random_state=seed, max_iter=200)
    return LogisticRegression(C=strength, l1_ratio=1.0, solver="saga", random_state=seed, max_iter=200, tol=1e-2)


@hookimpl
def register_debias_methods() -> Iterable[DebiasMethod]:
    yield DebiasMethod(
        "dfr", fit, needs=frozenset({"groups"}), source="Kirichenko, Izmailov & Wilson 2023, ICLR, section 4"
    )  # fmt: skip
