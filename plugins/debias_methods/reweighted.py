"""Class-balanced and group-balanced: the champion's head, fitted again with weights that make up for small numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from autotl.hookspecs import hookimpl
from autotl.interfaces import DebiasMethod, DebiasTask, Predict

if TYPE_CHECKING:
    import numpy as np


def fit_class_balanced(task: DebiasTask) -> Predict:
    """Every class has the same total weight."""
    return _fit(task, task.labels)


def fit_group_balanced(task: DebiasTask) -> Predict:
    """Every subgroup has the same total weight; items of unknown subgroups have none."""
    return _fit(task, task.groups)


def _fit(task: DebiasTask, of: np.ndarray) -> Predict:
    """Fit the head on all items. of: int (n_items,), what is balanced, -1 for items that do not count."""
    import numpy as np

    from autotl_plugins.debias_methods._balancing import balancing_weights

    items = np.concatenate([task.train, task.validation])
    items = items[of[items] >= 0]
    return task.fit_head(items, balancing_weights(of[items]))


@hookimpl
def register_debias_methods() -> Iterable[DebiasMethod]:
    yield DebiasMethod("class-balanced", fit_class_balanced, source="weights inverse to the size of the class")
    yield DebiasMethod(
        "group-balanced", fit_group_balanced, needs=frozenset({"groups"}),
        source="Idrissi et al. 2022, CLeaR, reweighting of groups (RWG)",
    )  # fmt: skip
