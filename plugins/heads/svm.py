"""Support vector machines, linear and with an RBF kernel; they give margins, which the search calibrates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from autotl.hookspecs import hookimpl
from autotl.interfaces import Head

if TYPE_CHECKING:
    import keras_tuner


def build_linear(hp: keras_tuner.HyperParameters, n_features: int, n_classes: int) -> Any:
    """A linear SVM, squared hinge, one class against the rest."""
    from autotl_plugins.heads._linear_solver import LinearMachine

    # The squared hinge is steeper than the logistic loss: the same penalty is a far smaller C.
    C = hp.Float("C", 1e-6, 1e-1, sampling="log", default=3e-4)
    return LinearMachine(C=C)


def build_rbf(hp: keras_tuner.HyperParameters, n_features: int, n_classes: int) -> Any:
    """An SVM with an RBF kernel."""
    from autotl_plugins.heads._kernel_solver import KernelMachine

    # Below 0.1 every item is a support vector and the margins vanish.
    C = hp.Float("C", 1e-1, 1e3, sampling="log", default=3.0)
    return KernelMachine(C=C, gamma_factor=hp.Float("gamma_factor", 0.03, 10.0, sampling="log", default=0.3))


@hookimpl
def register_heads() -> Iterable[Head]:
    yield Head("linear-svm", build_linear, on_components=True, sparse=True)
    # The kernel matrix grows with the square of the items.
    yield Head("rbf-svm", build_rbf, max_items=10_000, on_components=True)
