"""Folds for items with several labels: whole groups, every label in its overall share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TOLERANCE = 0.02
"""A label's share in a fold may differ from its overall share by so much."""
_AIM, _SIZE_AIM = 0.015, 0.1
_CANDIDATES, _MOST_FAILURES = 40, 30


@dataclass(frozen=True)
class Shortfall:
    """A label that some fold lacks, or whose share there differs from its overall share by more than 2 points.

    label: its number. fold: where it differs most. share, overall: in this fold and of all items, from 0 to 1.
    reason: why, in words.
    """

    label: int
    fold: int
    share: float
    overall: float
    reason: str


def stratify(
    labels: np.ndarray, groups: np.ndarray, n_folds: int, seed: int, *, known: np.ndarray | None = None
) -> np.ndarray:
    """Fold number of each item, int (n,), no fold empty: iterative stratification of whole groups.

    labels: bool (n, n_labels); groups: int (n,), items of one group stay together; known: bool (n, n_labels), false
    where it is unknown whether a label applies, None if all is known. Raises ValueError if there are fewer groups
    than folds.

    The rarest label is dealt out first, its largest groups first, each to the fold that lacks most of it (Sechidis,
    Tsoumakas & Vlahavas 2011, On the stratification of multi-label data, extended to groups). Then groups change places
    as long as that brings shares that are off by more than 2 points nearer.
    """
    numbers = np.unique(groups, return_inverse=True)[1]
    n_groups = int(numbers.max(initial=-1)) + 1
    if not 2 <= n_folds <= n_groups:
        raise ValueError(f"{n_groups} groups for {n_folds} folds; expected at least two folds and a group for each")
    counts = _summed(_columns(labels, known), numbers, n_groups)
    rng = np.random.default_rng(seed)
    fold = _dealt(counts, n_folds, rng)
    _exchange(fold, counts, n_folds, rng)
    return np.asarray(fold[numbers])


def shortfalls(
    labels: np.ndarray, groups: np.ndarray, folds: np.ndarray, *, known: np.ndarray | None = None
) -> list[Shortfall]:
    """The labels that some fold lacks, or that are not within 2 points of their overall share in every fold, and why.

    folds: int (n,), negative for items that are in none. Otherwise as for `stratify`.
    """
    inside = folds >= 0
    labels, groups, folds = labels[inside], groups[inside], folds[inside]
    known = np.ones_like(labels, dtype=bool) if known is None else known[inside]
    n_folds = int(folds.max(initial=-1)) + 1
    positives, sizes = _summed(labels & known, folds, n_folds), _summed(known, folds, n_folds)
    found = []
    for label in range(labels.shape[1]):
        if not sizes[:, label].sum():
            continue
        overall = positives[:, label].sum() / sizes[:, label].sum()
        shares = positives[:, label] / np.maximum(sizes[:, label], 1)
        missing = (shares == 0) & (overall > 0)
        off = np.abs(shares - overall) + missing
        if off.max() > TOLERANCE + 1e-9:
            fold = int(off.argmax())
            own = groups[labels[:, label] & known[:, label]]
            reason = _reason(own, int(sizes[fold, label]), float(overall), n_folds)
            found.append(Shortfall(label, fold, float(shares[fold]), float(overall), reason))
    return found


def _reason(own: np.ndarray, size: int, overall: float, n_folds: int) -> str:
    """Why a label is not held. own: the groups of the items that have it; size: items of the fold that is off most."""
    in_groups = np.unique(own, return_counts=True)[1]
    if len(in_groups) < n_folds:
        return f"its {len(own)} items are in {len(in_groups)} groups, fewer than the {n_folds} parts"
    if in_groups.max() > (overall + TOLERANCE) * size:
        return f"one group has {in_groups.max()} of its {len(own)} items, more than a fold's share"
    nearest = abs(round(overall * size) - overall * size) / max(size, 1)
    if nearest > TOLERANCE:
        return f"a fold has {size} items for which it is known, so that one item is {100 / max(size, 1):.0f} points"
    return "its items come in groups, or with other labels, that do not divide evenly"


def _columns(labels: np.ndarray, known: np.ndarray | None) -> np.ndarray:
    """What is to be dealt out evenly, int (n, n_columns): all items, each label, and where it is known not to apply.

    The last only for labels that are not known of every item.
    """
    everything = np.ones((len(labels), 1), dtype=bool)
    if known is None or known.all():
        return np.hstack([everything, labels]).astype(int)
    partly = ~known.all(axis=0)
    return np.hstack([everything, labels & known, (known & ~labels)[:, partly]]).astype(int)


def _summed(values: np.ndarray, numbers: np.ndarray, n: int) -> np.ndarray:
    """Sums of rows by their number, int (n, n_columns)."""
    sums = np.zeros((n, values.shape[1]), dtype=int)
    np.add.at(sums, numbers, values)
    return sums


def _dealt(counts: np.ndarray, n_folds: int, rng: np.random.Generator) -> np.ndarray:
    """Fold of each group, int (n_groups,). counts: (n_groups, n_columns), the first column the groups' sizes."""
    n_groups = len(counts)
    fold = np.full(n_groups, -1)
    chance = rng.random(n_groups)
    lacking = np.tile(counts.sum(axis=0) / n_folds, (n_folds, 1))
    empty, n_left = set(range(n_folds)), n_groups
    left = counts.copy()
    while n_left:
        remaining = left[:, 1:].sum(axis=0)
        has_any = remaining > 0
        column = 1 + int(np.where(has_any, remaining, remaining.max(initial=0) + 1).argmin()) if has_any.any() else 0
        own = np.flatnonzero(left[:, column] > 0)
        for group in own[np.lexsort((chance[own], -counts[own, 0], -left[own, column]))].tolist():
            allowed = empty if n_left <= len(empty) else range(n_folds)
            best = max(allowed, key=lambda k: (lacking[k, column], lacking[k, 0], -k))
            fold[group] = best
            lacking[best] -= counts[group]
            empty.discard(best)
            n_left -= 1
        left[own] = 0
    return fold


def _exchange(fold: np.ndarray, counts: np.ndarray, n_folds: int, rng: np.random.Generator) -> None:
    """Move groups, or exchange two, as long as some column's share is off and that brings the shares nearer.

    fold: int (n_groups,), changed in place.
    """
    sums = _summed(counts, fold, n_folds).astype(float)
    overall = sums.sum(axis=0) / sums[:, 0].sum()
    fair = sums[:, 0].sum() / n_folds
    failures = 0
    while failures < _MOST_FAILURES:
        off = np.abs(sums / sums[:, :1] - overall)
        if off.max() <= TOLERANCE:
            return
        worst = np.flatnonzero(off.max(axis=1) > TOLERANCE)
        one = int(rng.choice(worst))
        other = int(rng.choice(np.delete(np.arange(n_folds), one)))
        mine, theirs = (rng.permutation(np.flatnonzero(fold == k))[:_CANDIDATES] for k in (one, other))
        # -1, which is not a group, lets a group move without another in exchange.
        pairs = np.array(np.meshgrid(np.append(mine, -1), np.append(theirs, -1))).reshape(2, -1)
        change = np.where(pairs[1] >= 0, counts[pairs[1]].T, 0) - np.where(pairs[0] >= 0, counts[pairs[0]].T, 0)
        costs = _cost(sums[one] + change.T, overall, fair) + _cost(sums[other] - change.T, overall, fair)
        best = int(costs.argmin())
        before = _cost(sums[[one, other]], overall, fair).sum()
        if costs[best] >= before - 1e-12:
            failures += 1
            continue
        failures = 0
        first, second = pairs[:, best]
        sums[one] += change[:, best]
        sums[other] -= change[:, best]
        if first >= 0:
            fold[first] = other
        if second >= 0:
            fold[second] = one


def _cost(sums: np.ndarray, overall: np.ndarray, fair: float) -> np.ndarray:
    """How far some folds are off, float (n,): squares of what shares and sizes differ by beyond what is aimed at.

    sums: float (n, n_columns); overall: float (n_columns,), the shares, of which the first is 1; fair: the mean size.
    """
    sizes = sums[:, 0]
    shares = np.abs(sums / np.maximum(sizes, 1)[:, None] - overall)
    cost = (np.maximum(shares - _AIM, 0) ** 2).sum(axis=1)
    cost += np.maximum(np.abs(sizes / fair - 1) - _SIZE_AIM, 0) ** 2
    return np.asarray(np.where(sizes < 1, np.inf, cost))
