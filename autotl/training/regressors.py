"""Heads of a number: regressors of scikit-learn and Keras networks, whose one answer is the value itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from autotl.errors import ExportError, PluginError
from autotl.graphs.blocks import affine
from autotl.graphs.keras_to_onnx import OPSET
from autotl.graphs.surgery import join, keep_output
from autotl.interfaces import Head
from autotl.runtime.blas_threads import limit_threads
from autotl.targets import strata
from autotl.training.calibration import Calibration
from autotl.training.classifiers import MANY_NUMBERS, Classifier, NetworkClassifier, is_network, raw_answers, scaling_of

if TYPE_CHECKING:
    import onnx


def wrap_regressor(head: Head, built: Any, n_features: int, *, seed: int) -> Classifier:
    """Make a head of a number of what `head.build` returned; PluginError if it returned something else."""
    if is_network(built):
        return NetworkRegressor(built, n_features, scaling=scaling_of(head), seed=seed)
    if not (hasattr(built, "fit") and hasattr(built, "predict")) or hasattr(built, "predict_proba"):
        raise PluginError(
            f"head {head.name!r} built a {type(built).__name__}; expected a scikit-learn regressor with fit and "
            "predict, or an uncompiled keras.Model to one value"
        )
    return EstimatorRegressor(built, n_features)


class EstimatorRegressor:
    """A scikit-learn regressor; its answers are values, float (n, 1)."""

    gives_margins = False
    calibration: Calibration | None = None

    def __init__(self, estimator: Any, n_features: int) -> None:
        self._estimator, self._n_features = estimator, n_features

    def fit(self, vectors: np.ndarray, labels: np.ndarray) -> None:
        """Fit a fresh clone."""
        from sklearn.base import clone

        with limit_threads(1 if vectors.size < MANY_NUMBERS else None):
            self._fitted = clone(self._estimator).fit(vectors, labels)

    def answers(self, vectors: np.ndarray) -> np.ndarray:
        """The values predicted, float (n, 1); PluginError if they are not."""
        found = np.asarray(self._fitted.predict(vectors), dtype=np.float64).reshape(vectors.shape[0], -1)
        return sound_values(found, vectors.shape[0])

    probabilities = answers

    def network(self) -> Any:
        """Raise PluginError: regressors are not set on a network."""
        raise PluginError("a regressor cannot sit on a network that is fine-tuned")

    def to_onnx(self) -> onnx.ModelProto:
        """The regressor's own graph if it brings one, else what skl2onnx makes of it: `features` to `value` (n, 1)."""
        model = self._fitted.to_onnx() if hasattr(self._fitted, "to_onnx") else self._converted()
        return keep_output(model, model.graph.output[0].name, "value")

    def _converted(self) -> onnx.ModelProto:
        import skl2onnx
        from skl2onnx.common.data_types import FloatTensorType

        inputs = [("features", FloatTensorType([None, self._n_features]))]
        try:
            model: onnx.ModelProto = skl2onnx.convert_sklearn(self._fitted, initial_types=inputs, target_opset=OPSET)
        except Exception as error:
            raise ExportError(f"skl2onnx cannot convert {type(self._fitted).__name__}: {error}") from error
        return model


class NetworkRegressor(NetworkClassifier):
    """A Keras network to one value, trained on values of mean 0 and deviation 1 by their squared errors."""

    loss = "mean_squared_error"

    def __init__(self, model: Any, n_features: int, *, scaling: Any, seed: int) -> None:
        super().__init__(model, n_features, 1, scaling=scaling, seed=seed)
        self._middle, self._spread = 0.0, 1.0

    def fit(self, vectors: np.ndarray, labels: np.ndarray) -> None:
        """Reset, then train until the held-out error has not improved for some epochs."""
        self._middle, self._spread = float(labels.mean()), float(labels.std()) or 1.0
        super().fit(vectors, ((labels - self._middle) / self._spread).astype(np.float32))

    def answers(self, vectors: np.ndarray) -> np.ndarray:
        """The values predicted, float64 (n, 1)."""
        found = raw_answers(self.model, self._scaled(vectors)) * self._spread + self._middle
        return sound_values(found, len(vectors))

    probabilities = answers

    def to_onnx(self) -> onnx.ModelProto:
        """The network's graph, `features` to `value` (n, 1)."""
        unscaled = affine(np.array([[self._spread]]), np.array([self._middle]), "standardised", "value")
        return join(super().to_onnx(), unscaled, {"probabilities": "standardised"})

    def _held_out_loss(self, inputs: np.ndarray, labels: np.ndarray) -> float:
        return float(((raw_answers(self.model, inputs)[:, 0] - labels) ** 2).mean())

    def _hold_out(self, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._hold_out_of(strata(labels.astype(np.float64)))


def sound_values(found: np.ndarray, n_items: int) -> np.ndarray:
    """What a regressor answered, or PluginError if it cannot be: another shape, or values that are not finite."""
    if found.shape != (n_items, 1):
        raise PluginError(f"the head's values have shape {found.shape}; expected {(n_items, 1)}")
    if not np.isfinite(found).all():
        raise PluginError(f"{(~np.isfinite(found)).sum()} of the head's {n_items} values are not finite")
    return found
