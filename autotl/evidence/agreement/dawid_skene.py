"""Consensus labels of several coders, with their probabilities and each coder's confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from autotl.evidence.agreement.coding_table import MISSING, CodingTable

Method: TypeAlias = Literal["dawid-skene", "one-coin", "majority"]
UNRESOLVED = -1
LEAST_CODERS, LEAST_ITEMS = 3, 20
"""With fewer than 3 coders, errors cannot be attributed to a coder. With fewer than 20 items per class and coder, a
confusion matrix is mostly noise."""
_TIE = 1e-6
_STEPS, _TOLERANCE = 2000, 1e-10
_ROUNDING = 1e-300


@dataclass(frozen=True, eq=False)
class Consensus:
    """The consensus of the coders.

    labels: int (n_items,), UNRESOLVED if classes tie. posterior: float (n_items, n_classes), the probability of each
    class; with "majority" its share of the votes. confusions: float (n_coders, n_classes, n_classes), the probability
    that a coder gives a label (column) to an item of a class (row); None with "majority". prevalence: float
    (n_classes,).
    why: the reason for the method, in plain language.
    """

    method: Method
    labels: np.ndarray
    posterior: np.ndarray
    confusions: np.ndarray | None
    prevalence: np.ndarray
    why: str

    @property
    def resolved(self) -> np.ndarray:
        """Which items have a label, bool (n_items,)."""
        return np.asarray(self.labels != UNRESOLVED)


def consensus(table: CodingTable) -> Consensus:
    """The label of each item, by the method that the number of codings allows; ties stay unresolved.

    With at least 3 coders and at least 20 items of each class per coder: the model of Dawid & Skene. With at least 20
    items per coder: the same model with one error rate per coder ("one-coin"). With fewer: the majority.
    """
    method, why = _choose(table)
    if method == "majority":
        n = table.votes.sum(axis=1, keepdims=True)
        shares = np.divide(table.votes, n, out=np.zeros_like(table.votes), where=n > 0)
        return Consensus(method, _decided(shares), shares, None, shares.mean(axis=0), why)
    fitted = fit_dawid_skene(table.indicators, one_coin=method == "one-coin")
    return Consensus(method, _decided(fitted.posterior), fitted.posterior, fitted.confusions, fitted.prevalence, why)


def _choose(table: CodingTable) -> tuple[Method, str]:
    n_coders = len(table.coders)
    if n_coders < LEAST_CODERS:
        return "majority", f"with {n_coders} {'coder' if n_coders == 1 else 'coders'} one cannot tell who errs"
    votes = table.votes / np.maximum(table.votes.sum(axis=1, keepdims=True), 1)
    by_coder = table.given.astype(float).T @ votes  # items of each class per coder, by the votes
    fewest_items, fewest = int(table.given.sum(axis=0).min()), float(by_coder.min())
    if fewest_items < LEAST_ITEMS:
        return (
            "majority",
            f"one of the coders coded only {fewest_items} images; estimating a coder's errors takes {LEAST_ITEMS}",
        )
    if fewest < LEAST_ITEMS:
        return "one-coin", (
            f"one of the coders saw only about {fewest:.0f} images of a class; with at least {LEAST_ITEMS} of each, "
            "each coder's confusions would be estimated as well as the error rate"
        )
    return "dawid-skene", f"every coder saw at least {LEAST_ITEMS} images of each class"


def _decided(posterior: np.ndarray) -> np.ndarray:
    """The most probable class of each row; UNRESOLVED if two are equally probable or no label was given."""
    best = posterior.max(axis=1)
    ties = (posterior > best[:, None] - _TIE).sum(axis=1)
    return np.where((ties == 1) & (best > 0), posterior.argmax(axis=1), UNRESOLVED)


@dataclass(frozen=True, eq=False)
class DawidSkene:
    """A fitted model. posterior: (n_items, n_classes); confusions: (n_coders, n_classes, n_classes)."""

    posterior: np.ndarray
    confusions: np.ndarray
    prevalence: np.ndarray


def fit_dawid_skene(counts: np.ndarray, *, one_coin: bool = False) -> DawidSkene:
    """Fit by EM, starting from the shares of votes (Dawid & Skene 1979, Applied Statistics 28, 20, eq. 2.3-2.5).

    counts: float (n_items, n_coders, n_classes), how often a coder gave an item a label. one_coin: each
    coder has a single error rate, and all wrong labels are equally likely.
    """
    n_classes = counts.shape[2]
    votes = counts.sum(axis=1)
    posterior = votes / np.maximum(votes.sum(axis=1, keepdims=True), _ROUNDING)
    for _ in range(_STEPS):
        prevalence = posterior.mean(axis=0)
        joint = np.einsum("ik,ijl->jkl", posterior, counts)
        if one_coin:
            confusions = _one_coin(joint, n_classes)
        else:
            totals = joint.sum(axis=2, keepdims=True)
            confusions = np.divide(joint, totals, out=np.full_like(joint, 1 / n_classes), where=totals > 0)
        log = np.log(np.maximum(prevalence, _ROUNDING)) + np.einsum(
            "ijl,jkl->ik", counts, np.log(np.maximum(confusions, _ROUNDING))
        )
        new = np.exp(log - log.max(axis=1, keepdims=True))
        new /= new.sum(axis=1, keepdims=True)
        moved, posterior = float(np.abs(new - posterior).max(initial=0)), new
        if moved < _TOLERANCE:
            break
    return DawidSkene(posterior, confusions, prevalence)


def _one_coin(joint: np.ndarray, n_classes: int) -> np.ndarray:
    right = np.trace(joint, axis1=1, axis2=2) / np.maximum(joint.sum(axis=(1, 2)), _ROUNDING)
    wrong = (1 - right) / max(n_classes - 1, 1)
    same = np.eye(n_classes)
    return np.asarray(same * right[:, None, None] + (1 - same) * wrong[:, None, None])


def others_majority(table: CodingTable, coder: int) -> np.ndarray:
    """The majority label of the other coders for each item, int (n_items,); MISSING if they tie or gave no label."""
    votes = table.votes - table.indicators[:, coder]
    decided = _decided(votes / np.maximum(votes.sum(axis=1, keepdims=True), 1))
    return np.where(decided == UNRESOLVED, MISSING, decided)
