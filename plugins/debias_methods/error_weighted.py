"""Error-weighted: the champion's head, fitted again with more weight on what a first head gets wrong.

It needs no subgroups. Weights as in automatic feature reweighting (Qiu et al. 2023, ICML, equation 3): the total of
each class is the same, and within a class the weight of an item falls exponentially with the probability of its own
class.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from autotl.hookspecs import hookimpl
from autotl.interfaces import DebiasMethod, DebiasTask, Predict

if TYPE_CHECKING:
    import numpy as np

STRENGTHS = (0.0, 1.0, 2.0, 4.0, 8.0)
"""Of the exponent; 0 balances the classes alone."""
N_FOLDS = 4


def fit(task: DebiasTask) -> Predict:
    """Fit with the strength that is best for the worst class, or subgroup where they are known, on validation items."""
    from functools import partial

    import numpy as np

    from autotl_plugins.debias_methods._choice_of_strength import best_on_validation

    certain = _certainty(task)

    def fitted(items: np.ndarray, strength: float) -> Predict:
        return task.fit_head(items, _weights(task, items, certain, strength))

    best, _ = best_on_validation(task, {strength: partial(fitted, task.train, strength) for strength in STRENGTHS})
    return fitted(np.concatenate([task.train, task.validation]), best)


def _certainty(task: DebiasTask) -> np.ndarray:
    """The probability of its own class that a head gives to an item it was not fitted on, float (n_items,)."""
    import numpy as np
    from sklearn.model_selection import StratifiedKFold

    labels, found = task.labels, np.zeros(len(task.labels))
    folds = min(N_FOLDS, int(np.unique(labels[task.train], return_counts=True)[1].min()))
    if folds < 2:
        raise ValueError("a class has a single training item, so that nothing is known of errors in it")
    splitter = StratifiedKFold(folds, shuffle=True, random_state=task.seed)
    for fitted, held_out in splitter.split(task.train, labels[task.train]):
        items = task.train[held_out]
        predict = task.fit_head(task.train[fitted], None)
        found[items] = predict(items)[np.arange(len(items)), labels[items]]
    items = task.validation
    found[items] = task.fit_head(task.train, None)(items)[np.arange(len(items)), labels[items]]
    return found


def _weights(task: DebiasTask, items: np.ndarray, certain: np.ndarray, strength: float) -> np.ndarray:
    """The weights of some items, each class with the same total."""
    import numpy as np

    labels = task.labels[items]
    weights = np.exp(-strength * certain[items])
    totals = np.bincount(labels, weights, minlength=task.n_classes)
    return np.asarray(weights / totals[labels])


@hookimpl
def register_debias_methods() -> Iterable[DebiasMethod]:
    yield DebiasMethod("error-weighted", fit, source="Qiu et al. 2023, ICML, equation 3")
