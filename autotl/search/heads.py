"""A head with its parameters: built in a scope of its own, and recorded so that it can be built again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autotl.interfaces import Head

if TYPE_CHECKING:
    import keras_tuner


def build_head(head: Head, hp: keras_tuner.HyperParameters, n_features: int, n_classes: int) -> Any:
    """Build a head with its parameters in a scope of its own, so that equal names in two heads do not clash."""
    with hp.name_scope(head.name):
        return head.build(hp, n_features, n_classes)


def head_params(hp: keras_tuner.HyperParameters, head: str) -> dict[str, Any]:
    """The parameters that a head asked for, by full name; `fixed_hyperparameters` builds the same head of them."""
    return {name: value for name, value in hp.values.items() if name.startswith(f"{head}/")}
