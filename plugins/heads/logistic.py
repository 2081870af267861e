"""Multinomial logistic regression: the default head."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from autotl.hookspecs import hookimpl
from autotl.interfaces import Head

if TYPE_CHECKING:
    import keras_tuner


def build(hp: keras_tuner.HyperParameters, n_features: int, n_classes: int) -> Any:
    """L2-penalised logistic regression on principal components."""
    from autotl_plugins.heads._linear_solver import LogisticClassifier

    # Components of thousands of standardised features are long and the items a few hundred: the penalty is strong.
    C = hp.Float("C", 1e-4, 1e1, sampling="log", default=0.01)
    class_weight = hp.Choice("class_weight", ["none", "balanced"], default="none")
    return LogisticClassifier(C=C, class_weight=None if class_weight == "none" else class_weight)


@hookimpl
def register_heads() -> Iterable[Head]:
    yield Head("logistic", build, on_components=True, sparse=True)
