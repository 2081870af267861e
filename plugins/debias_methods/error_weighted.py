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

STRENGTHS = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0)
"""Of the exponent; 0 balances the classes alone."""
N_FOLDS = 5


def fit(task: DebiasTask) -> Predict:
    """Fit with the strength that is best for the worst class, or subgroup where they are known, of held-out items."""
    import numpy as np

    from autotl_plugins.debias_methods._held_out import best_on_held_out

    items = np.sort(np.concatenate([task.train, task.validation]))
    certain = _certainty(task, items)

    def fitted(own: np.ndarray, strength: float) -> Predict:
        return task.fit_head(own, _weights(task, own, certain, strength))

    return fitted(items, best_on_held_out(task, STRENGTHS, fitted))


def _certainty(task: DebiasTask, items: np.ndarray) -> np.ndarray:
    """The probability of its own class that a head gives to an item it was not fitted on, float (n_items,)."""
    import numpy as np
    from sklearn.model_selection import StratifiedKFold

    labels, found = task.labels, np.zeros(len(task.labels))
    rarest = int(np.unique(labels[items], return_counts=True)[1].min())
    if task.folds is not None:
        fold = task.folds[items]
        parts = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in np.unique(fold)]
    elif rarest > 1:
        splitter = StratifiedKFold(min(N_FOLDS, rarest), shuffle=True, random_state=task.seed)
        parts = list(splitter.split(items, labels[items]))
    else:
        raise ValueError("a class has a single item, so that nothing is known of errors in it")
    for fitted, held_out in parts:
        own = items[held_out]
        found[own] = task.fit_head(items[fitted], None)(own)[np.arange(len(own)), labels[own]]
    return found


def _weights(task: DebiasTask, items: np.ndarray, certain: np.ndarray, strength: float) -> np.ndarray:
    """The weights of some items, with a mean of 1 and the same total for each class."""
    import numpy as np

    labels = task.labels[items]
    weights = np.exp(-strength * certain[items])
    totals = np.bincount(labels, weights, minlength=task.n_classes)
    weights /= totals[labels]
    return np.asarray(weights / weights.mean())


@hookimpl
def register_debias_methods() -> Iterable[DebiasMethod]:
    yield DebiasMethod("error-weighted", fit, source="Qiu et al. 2023, ICML, equation 3")
