"""Heads with their parameters: built in a name scope, recorded, and fitted in a Keras session where they need one."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from autotl.interfaces import Head
from autotl.runtime import keras_backend
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.targets import NUMBER
from autotl.trial import Params

if TYPE_CHECKING:
    import keras_tuner


def build_head(head: Head, hp: keras_tuner.HyperParameters, n_features: int, n_classes: int) -> Any:
    """Build a head with its parameters in a scope of its own, so that equal names in two heads do not clash."""
    with hp.name_scope(head.name):
        return head.build(hp, n_features, n_classes)


def build_plain(head: Head) -> Any:
    """Build a head with its defaults on a few features, to see what it is."""
    return build_head(head, fixed_hyperparameters({}), 8, 1 if NUMBER in head.targets else 2)


def declare(head: Head, hp: keras_tuner.HyperParameters) -> None:
    """Let a head ask for its parameters, by building it on features of any length."""
    build_head(head, hp, 16, 2)


def head_params(hp: keras_tuner.HyperParameters, head: str) -> Params:
    """The parameters that a head asked for, by full name; `fixed_hyperparameters` builds the same head of them."""
    return {name: value for name, value in hp.values.items() if name.startswith(f"{head}/")}


def head_session(*, network: bool, seed: int) -> AbstractContextManager[None]:
    """Where a head is built and fitted: a Keras session for a network.

    Others bring their own seeds, and clearing Keras takes longer than fitting them.
    """
    return keras_backend.session(seed) if network else nullcontext()
