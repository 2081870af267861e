"""Just train twice: items that a first model gets wrong count for more in a second one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import numpy as np

from autotl.hookspecs import hookimpl
from autotl.interfaces import DebiasMethod, DebiasTask, FineTune, Predict
from autotl_plugins.debias_methods._choice_of_strength import best_on_validation
from autotl_plugins.debias_methods._held_out import best_on_held_out

UPWEIGHTS, UPWEIGHTS_OF_NETWORK = (2.0, 5.0, 10.0, 20.0, 50.0), (5.0, 20.0)
"""How often an item of the error set is shown for each time that another one is; a network is trained for each."""
N_FOLDS, N_FOLDS_OF_NETWORK = 5, 2
SHARE_OF_EPOCHS = 1 / 3
"""Of the first networks, which are ended early."""


def fit(task: DebiasTask) -> Predict:
    """Train the champion's network twice where there is one, else fit the champion's own kind of head twice.

    The first models answer items that they were not trained on, unlike the paper's: a head on pretrained features gets
    nearly all of its own items right, which would leave no error set.
    """
    return _fit_head(task) if task.fine_tune is None else _fit_network(task, task.fine_tune)


def _fit_head(task: DebiasTask) -> Predict:
    """Choose the weight of the error set on held-out items, then fit on training and validation items together."""
    both = np.concatenate([task.train, task.validation])
    fold = _folds(task.labels[both], N_FOLDS, task.seed) if task.folds is None else task.folds[both]
    wrong = np.zeros(len(task.labels), dtype=bool)
    wrong[both] = _errors(task, both, fold, lambda items: task.fit_head(items, None))

    def second(items: np.ndarray, upweight: float) -> Predict:
        weights = np.where(wrong[items], upweight, 1.0)
        return task.fit_head(items, weights / weights.mean())

    return second(both, best_on_held_out(task, UPWEIGHTS, second))


def _fit_network(task: DebiasTask, fine_tune: FineTune) -> Predict:
    """Draw the error set more often, so that an epoch is as long as the champion's."""
    fold = _folds(task.labels[task.train], N_FOLDS_OF_NETWORK, task.seed)
    wrong = _errors(task, task.train, fold, partial(fine_tune, share=SHARE_OF_EPOCHS))

    def second(upweight: float) -> Predict:
        shares = np.where(wrong, upweight, 1.0)
        draw = partial(_draw, task.train, shares / shares.sum())
        return fine_tune(task.train, draw=draw)

    return best_on_validation(task, {times: partial(second, times) for times in UPWEIGHTS_OF_NETWORK})[1]


def _draw(items: np.ndarray, shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.choice(items, len(items), p=shares)


def _errors(
    task: DebiasTask, items: np.ndarray, fold: np.ndarray, first: Callable[[np.ndarray], Predict]
) -> np.ndarray:  # fmt: skip
    """The error set, bool (n_items,): items that a model is wrong about which was not trained on their fold."""
    wrong = np.zeros(len(items), dtype=bool)
    for number in np.unique(fold):
        here = fold == number
        answers = first(items[~here])(items[here]).argmax(axis=1)
        wrong[here] = answers != task.labels[items[here]]
    return wrong


def _folds(labels: np.ndarray, n_folds: int, seed: int) -> np.ndarray:
    """The fold of each item, int (n_items,), with as many of each class in every fold as can be."""
    rng, fold = np.random.default_rng(seed), np.zeros(len(labels), dtype=int)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        fold[members] = np.arange(len(members)) % n_folds
    return fold


@hookimpl
def register_debias_methods() -> Iterable[DebiasMethod]:
    """Offer just train twice."""
    source = "Liu et al. 2021, Just train twice: improving group robustness without training group information; "
    yield DebiasMethod("jtt", fit, source=f"{source}arXiv:2107.09044", exports="probe")
