"""Regressors that write their own graphs, from `features` to `value`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from autotl_plugins.heads._rbf_kernel import centred, kernel_nodes, rbf_kernel, scaled_gamma, weighting_nodes

if TYPE_CHECKING:
    import onnx


class RidgeRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """scikit-learn's Ridge. strength: its alpha, relative to the variance of all columns together."""

    def __init__(self, strength: float = 0.1) -> None:
        self.strength = strength

    def fit(self, X: Any, y: np.ndarray) -> Any:
        total = float(StandardScaler(with_mean=False).fit(X).var_.sum())
        self._ridge = Ridge(alpha=self.strength * max(total, 1e-12)).fit(X, y)
        return self

    def predict(self, X: Any) -> np.ndarray:
        return np.asarray(self._ridge.predict(X))

    def to_onnx(self) -> onnx.ModelProto:
        from autotl.graphs.blocks import affine

        weights, offset = self._ridge.coef_[:, None], np.atleast_1d(self._ridge.intercept_)
        return affine(weights, offset, "features", "value")


class KernelRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Kernel ridge regression with an RBF kernel and an intercept: scikit-learn's KernelRidge on centred numbers.

    gamma_factor: relative to 1 / the variance of all columns together. alpha: what is added to the diagonal of the
    kernel matrix, whose own is 1.
    """

    def __init__(self, alpha: float = 1.0, gamma_factor: float = 1.0) -> None:
        self.alpha = alpha
        self.gamma_factor = gamma_factor

    def fit(self, X: np.ndarray, y: np.ndarray) -> Any:
        self.support_, self.centre_ = centred(np.ascontiguousarray(X, dtype=np.float32))
        self.n_features_in_ = self.support_.shape[1]
        self.gamma_ = scaled_gamma(self.support_, self.gamma_factor)
        self.intercept_ = float(np.mean(y))
        kernel = rbf_kernel(self.support_, self.support_, self.gamma_).astype(np.float64)
        kernel.flat[:: len(kernel) + 1] += self.alpha
        self.weights_ = cho_solve(cho_factor(kernel, overwrite_a=True), np.asarray(y, np.float64) - self.intercept_)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        kernel = rbf_kernel(np.asarray(X, dtype=np.float32) - self.centre_, self.support_, self.gamma_)
        return np.asarray(kernel @ self.weights_ + self.intercept_)

    def to_onnx(self) -> onnx.ModelProto:
        from autotl.graphs.blocks import matrices

        nodes, constants = kernel_nodes(self.centre_, self.support_, self.gamma_)
        weighting, weights = weighting_nodes(self.weights_[:, None], np.array([self.intercept_]), "value")
        nodes, constants = [*nodes, *weighting], {**constants, **weights}
        return matrices(nodes, [("features", self.n_features_in_)], [("value", 1)], constants)
