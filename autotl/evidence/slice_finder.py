"""Slices: unlabelled kinds of items on which errors concentrate, found on one half of the items, tested on the other.

The candidates are kinds of looks, clusters of frozen features as in Domino (Eyuboglu et al. 2022), and for each class
the items whose features are like those of its wrong answers (a linear direction, as in Jain et al. 2022, "Distilling
model failures as directions in latent space"). The worst of many candidates looks worse than it is, so its error is
estimated on the held-out half only. Few slices are tested there, since each test reduces the power of the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from autotl.evidence.design_effects import effective_share
from autotl.evidence.holm import holm
from autotl.evidence.intervals import accuracy_with_interval
from autotl.evidence.looks import Look
from autotl.interfaces import ScoreInterval

MAX_COMPONENTS = 64
ROWS_TOGETHER = 16_384
"""Items whose features are copied at a time; principal axes are fitted on so many at most."""
FEWEST_ITEMS, FEWEST_WRONG = 4, 2
"""The fewest items of a slice in each half, and the fewest wrong answers in the half on which it is found."""
ITEMS_PER_CLUSTER = (100, 40, 15, 8)
"""Mean cluster sizes. Kinds of items may be common or rare, so several sizes are tried."""
MAX_CLUSTERS, MOST_FOUND = 64, 8
FOUND_AT, CONFIRMED_AT = 0.05, 0.05
"""Significance levels, each for all candidates of its half together."""


@dataclass(frozen=True, eq=False)
class Slice:
    """A kind of items on which errors concentrate.

    members: bool (n_items,), in both halves. The other values are from the half on which it was not found. error: the
    share of wrong answers among its items; rest: among all other items. p_value: of the hypothesis that its error rate
    is not higher, with Holm's correction for all slices found.
    """

    name: str
    members: np.ndarray
    error: ScoreInterval
    rest: ScoreInterval
    p_value: float

    @property
    def is_confirmed(self) -> bool:
        """Whether it is significant on the half on which it was not found."""
        return self.p_value < CONFIRMED_AT


def halves(labels: np.ndarray, wrong: np.ndarray, clusters: np.ndarray | None, *, seed: int) -> np.ndarray:
    """A mask of the half for finding slices, bool (n_items,): about half of the right and wrong answers of each class.

    labels: int (n_items,); wrong: bool (n_items,). Items of a cluster stay together, and are stratified by the first of
    them.
    """
    first, unit = np.unique(np.arange(len(labels)) if clusters is None else clusters, return_index=True,
                            return_inverse=True)[1:]  # fmt: skip
    chance = np.random.default_rng(seed).random(len(first))
    order = np.lexsort((chance, wrong[first], labels[first]))
    finding = np.zeros(len(first), dtype=bool)
    finding[order[::2]] = True
    return np.asarray(finding[unit])


def feature_kinds(
    features: np.ndarray, labels: np.ndarray, wrong: np.ndarray, classes: Sequence[str], finding: np.ndarray, *,
    seed: int, rows: np.ndarray | None = None,
) -> list[Look]:  # fmt: skip
    """Kinds of items by features: clusters of all items and of each class, and items like a class's wrong answers.

    features: float (n_items, n_features), or of more items, of which these are the `rows`, int (n_items,); labels: int
    (n_items,), indices of `classes`; wrong: bool (n_items,), used only where finding, bool (n_items,), is true. Items
    of the other half are assigned to the nearest centre, or to a side of the linear direction.
    """
    points = _on_axes(features, np.arange(len(features)) if rows is None else rows, finding, seed=seed)
    everyone = np.ones(len(points), dtype=bool)
    found = _clustered(points, everyone, finding, "alike", seed=seed)
    for number, name in enumerate(classes):
        found += _clustered(points, labels == number, finding, f"{name}, alike", seed=seed)
        found += _like_errors(points, labels == number, wrong, finding, f"images of {name} like those it errs on")
    return found


def _on_axes(features: np.ndarray, rows: np.ndarray, finding: np.ndarray, *, seed: int) -> np.ndarray:
    """The rows on the leading principal axes of those that are used for finding, or of a random sample of many."""
    from sklearn.decomposition import PCA

    known = rows[finding]
    if len(known) > ROWS_TOGETHER:
        known = np.random.default_rng(seed).choice(known, ROWS_TOGETHER, replace=False)
    n_components = min(MAX_COMPONENTS, features.shape[1], len(known))
    solver = "full" if features.shape[1] <= 2 * MAX_COMPONENTS else "randomized"
    axes = PCA(n_components, svd_solver=solver, random_state=seed).fit(features[known])
    # In parts, since a copy of the features of 100,000 items takes hundreds of megabytes.
    parts = range(0, len(rows), ROWS_TOGETHER)
    return np.concatenate([axes.transform(features[rows[start : start + ROWS_TOGETHER]]) for start in parts])


def _like_errors(
    points: np.ndarray, members: np.ndarray, wrong: np.ndarray, finding: np.ndarray, name: str
) -> list[Look]:  # fmt: skip
    """The members on the wrong answers' side of a linear discriminant with a shrunk covariance (Ledoit & Wolf 2004)."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    known = members & finding
    if not FEWEST_WRONG < wrong[known].sum() < known.sum() - FEWEST_WRONG:
        return []
    side = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=[0.5, 0.5])
    side.fit(points[known], wrong[known])
    mask = np.zeros(len(points), dtype=bool)
    mask[members] = side.decision_function(points[members]) > 0
    return [Look(name, mask)]


def _clustered(
    points: np.ndarray, members: np.ndarray, finding: np.ndarray, name: str, *, seed: int
) -> list[Look]:  # fmt: skip
    from sklearn.cluster import KMeans

    rows, n = np.flatnonzero(members), int((members & finding).sum())
    counts = sorted({min(MAX_CLUSTERS, n // size) for size in ITEMS_PER_CLUSTER} - {0, 1})
    found = []
    for count in counts:
        fitted = KMeans(count, n_init=1, random_state=seed).fit(points[members & finding])
        own = fitted.predict(points[rows])
        for number in range(count):
            mask = np.zeros(len(points), dtype=bool)
            mask[rows[own == number]] = True
            found.append(Look(f"{name} ({number + 1} of {count} clusters)", mask))
    return found


def find_slices(
    wrong: np.ndarray, candidates: Iterable[Look], finding: np.ndarray, *, clusters: np.ndarray | None = None
) -> tuple[Slice, ...]:
    """Slices with more errors than the other items, the lowest p-value first, including those not confirmed.

    wrong, finding: bool (n_items,). clusters: (n_items,), equal for items that are alike. Of overlapping slices, only
    the one with the lowest p-value is kept.
    """
    own = None if clusters is None else clusters[finding]
    scored = []
    for one in candidates:
        inside = one.members[finding]
        if min(inside.sum(), (one.members & ~finding).sum()) < FEWEST_ITEMS or inside.all():
            continue
        if wrong[finding][inside].sum() >= FEWEST_WRONG:
            scored.append((more_errors(wrong[finding], inside, own), one))
    scored.sort(key=lambda pair: pair[0])
    kept: list[Look] = []
    for p_value, one in scored:
        if (
            p_value < FOUND_AT / len(scored)
            and len(kept) < MOST_FOUND
            and not any(_alike(one, other) for other in kept)
        ):
            kept.append(one)
    other = None if clusters is None else clusters[~finding]
    p_values = [more_errors(wrong[~finding], one.members[~finding], other) for one in kept]
    slices = [
        _slice(one, wrong, finding, clusters, p) for one, p in zip(kept, holm(p_values).tolist(), strict=True)
    ]  # fmt: skip
    return tuple(sorted(slices, key=lambda found: found.p_value))


def more_errors(wrong: np.ndarray, inside: np.ndarray, clusters: np.ndarray | None) -> float:
    """The one-sided p-value that items inside have more errors than the others (Fisher's exact test).

    With clusters, the counts are effective sample sizes.
    """
    from scipy.stats import hypergeom

    counts = []
    for members in (inside, ~inside):
        n, k = int(members.sum()), int(wrong[members].sum())
        if clusters is not None and n:
            n, k = _independent(wrong[members], clusters[members])
        counts.append((n, k))
    (n_in, k_in), (n_out, k_out) = counts
    if not n_in or not n_out:
        return 1.0
    return float(hypergeom.sf(k_in - 1, n_in + n_out, k_in + k_out, n_in))


def _slice(
    one: Look, wrong: np.ndarray, finding: np.ndarray, clusters: np.ndarray | None, p_value: float
) -> Slice:  # fmt: skip
    inside, outside = one.members & ~finding, ~one.members & ~finding
    error, rest = (
        accuracy_with_interval(wrong[members], None if clusters is None else clusters[members])
        for members in (inside, outside)
    )
    return Slice(one.name, one.members, error, rest, p_value)


def _independent(wrong: np.ndarray, clusters: np.ndarray) -> tuple[int, int]:
    """The effective sample size, rounded, and the number of wrong answers among as many items."""
    share = float(wrong.mean())
    if not 0 < share < 1:
        size = len(np.unique(clusters))
    else:
        size = max(1, int(len(wrong) * effective_share(wrong - share, clusters)))
    return size, round(share * size)


def _alike(one: Look, other: Look) -> bool:
    """Whether two kinds share more than half of the items of the smaller one."""
    shared = (one.members & other.members).sum()
    return bool(shared > 0.5 * min(one.members.sum(), other.members.sum()))
