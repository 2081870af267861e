"""Heads for numbers: ridge regression, with and without a kernel, a random forest, and a dense network."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from autotl.hookspecs import hookimpl
from autotl.interfaces import Head

if TYPE_CHECKING:
    import keras_tuner

NUMBER = ("number",)


def build_ridge(hp: keras_tuner.HyperParameters, n_features: int, n_outputs: int) -> Any:
    """Linear regression with an L2 penalty, on principal components."""
    from autotl_plugins.heads._regressors import RidgeRegressor

    return RidgeRegressor(strength=hp.Float("strength", 1e-5, 1e2, sampling="log", default=0.1))


def build_kernel(hp: keras_tuner.HyperParameters, n_features: int, n_outputs: int) -> Any:
    """Kernel ridge regression with an RBF kernel."""
    from autotl_plugins.heads._regressors import KernelRegressor

    # Below these the weights are so large that float32 loses digits of the sum.
    return KernelRegressor(
        alpha=hp.Float("alpha", 0.03, 10.0, sampling="log", default=0.03),
        gamma_factor=hp.Float("gamma_factor", 0.1, 10.0, sampling="log", default=0.2),
    )


def build_forest(hp: keras_tuner.HyperParameters, n_features: int, n_outputs: int) -> Any:
    """A random forest; trees need no scaled features."""
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(
        n_estimators=hp.Int("n_estimators", 100, 500, sampling="log", default=200),
        max_features=hp.Choice("max_features", ["sqrt", "log2"], default="sqrt"),
        min_samples_leaf=hp.Int("min_samples_leaf", 1, 10, sampling="log", default=1),
        n_jobs=-1,
        random_state=0,
    )


def build_dense(hp: keras_tuner.HyperParameters, n_features: int, n_outputs: int) -> Any:
    """An uncompiled Keras model from (n, n_features) to float32 values (n, n_outputs), of mean 0 and deviation 1.

    It expects standardised features, and searches hidden layers, units, dropout and activation.
    """
    import keras

    n_hidden = hp.Int("hidden_layers", 1, 2, default=1)
    units = hp.Int("units", 32, 512, sampling="log", default=128)
    dropout = hp.Float("dropout", 0.0, 0.6, default=0.2)
    activation = hp.Choice("activation", ["relu", "gelu", "swish"], default="relu")
    inputs = keras.Input((n_features,), name="features")
    x = inputs
    for number in range(1, n_hidden + 1):
        x = keras.layers.Dropout(dropout)(x)
        x = keras.layers.Dense(units, activation, name=f"hidden_{number}")(x)
    # float32: under mixed precision a number in float16 has three digits.
    outputs = keras.layers.Dense(n_outputs, dtype="float32", name="value")(x)
    return keras.Model(inputs, outputs, name="dense_regressor")


@hookimpl
def register_heads() -> Iterable[Head]:
    yield Head("ridge", build_ridge, on_components=True, sparse=True, targets=NUMBER)
    # The kernel matrix grows with the square of the items, the time with their cube.
    yield Head("kernel-ridge", build_kernel, max_items=5_000, on_components=True, targets=NUMBER)
    yield Head("forest-regressor", build_forest, max_items=30_000, targets=NUMBER)
    yield Head("dense-regressor", build_dense, on_components=True, targets=NUMBER)
