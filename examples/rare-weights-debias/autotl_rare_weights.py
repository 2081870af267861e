"""A method against bias: subgroups count by a power of their size, chosen on the validation items."""

import numpy as np

import autotl
from autotl.interfaces import DebiasMethod

POWERS = (0.25, 0.5, 0.75)


def weights(groups, power):
    _, place, counts = np.unique(groups, return_inverse=True, return_counts=True)
    found = counts[place] ** -float(power)
    return found / found.mean()


def worst_recall(task, predict):
    items = task.validation[task.groups[task.validation] >= 0]
    right = predict(items).argmax(axis=1) == task.labels[items]
    groups = task.groups[items]
    return min((right[groups == group].mean() for group in np.unique(groups)), default=0.0)


def fit(task):
    def fitted(items, power):
        items = items[task.groups[items] >= 0]
        return task.fit_head(items, weights(task.groups[items], power))

    best = max(POWERS, key=lambda power: worst_recall(task, fitted(task.train, power)))
    return fitted(np.concatenate([task.train, task.validation]), best)


@autotl.hookimpl
def register_debias_methods():
    yield DebiasMethod(
        "rare-weights", fit, needs=frozenset({"groups"}), source="weights by a power of the group's size"
    )
