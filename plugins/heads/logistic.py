"""Multinomial logistic regression: the default head."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from autotl.hookspecs import hookimpl
from autotl.interfaces import Head

if TYPE_CHECKING:
    import keras_tuner


@cache
def spanned_logistic_regression() -> type[Any]:
    """scikit-learn's LogisticRegression, solved in the span of the items where features outnumber them.

    The optimum of an L2-penalised linear model is a combination of the items (representer theorem: Kimeldorf & Wahba
    1971), so that a rotation into their span changes nothing but the time: 4,128 joined features of 300 items become
    300. Defined on demand, because scikit-learn takes a second to import.
    """
    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
    from skl2onnx.operator_converters.linear_classifier import convert_sklearn_linear_classifier
    from sklearn.linear_model import LogisticRegression

    class SpannedLogisticRegression(LogisticRegression):  # type: ignore[misc]
        def fit(self, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None) -> Any:
            n_items, n_features = X.shape
            if n_features <= n_items:
                return super().fit(X, y, sample_weight)
            items = np.asarray(X, dtype=np.float64)
            eigenvalues, vectors = np.linalg.eigh(items @ items.T)
            kept = eigenvalues > eigenvalues[-1] * 1e-10
            lengths, vectors = np.sqrt(eigenvalues[kept]), vectors[:, kept]
            super().fit(vectors * lengths, y, sample_weight)
            self.coef_ = self.coef_ @ ((vectors / lengths).T @ items)
            self.n_features_in_ = n_features
            return self

    update_registered_converter(
        SpannedLogisticRegression,
        "AutoTLSpannedLogisticRegression",
        calculate_linear_classifier_output_shapes,
        convert_sklearn_linear_classifier,
        options={"zipmap": [True, False, "columns"], "nocl": [True, False], "raw_scores": [True, False]},
        overwrite=True,
    )
    return SpannedLogisticRegression


def build(hp: keras_tuner.HyperParameters, n_features: int, n_classes: int) -> Any:
    """A scikit-learn pipeline of scaling and L2-penalised logistic regression."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    # Joined features are thousands wide and the items a few hundred: the penalty has to be strong.
    C = hp.Float("C", 1e-4, 1e1, sampling="log", default=0.01)
    class_weight = hp.Choice("class_weight", ["none", "balanced"], default="none")
    return make_pipeline(
        StandardScaler(),
        spanned_logistic_regression()(
            C=C, class_weight=None if class_weight == "none" else class_weight, max_iter=2000
        ),
    )


@hookimpl
def register_heads() -> Iterable[Head]:
    yield Head("logistic", build)
