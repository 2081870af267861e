"""None of these: how far an image is from every class in the features of a frozen network, as a conformal p-value.

Lee et al. 2018 (A simple unified framework for detecting out-of-distribution samples) take the smallest Mahalanobis
distance to a class mean under one shared covariance; here after L2 normalisation, on the leading principal components,
with Ledoit-Wolf shrinkage of the covariance (Ledoit & Wolf 2004). The p-value is that of Bates et al. 2023 (Testing for
outliers with conformal p-values), calibrated on out-of-fold distances.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from autotl.evidence.abstention.representatives import representatives
from autotl.runtime.blas_threads import limit_threads

MAX_COMPONENTS = 256
ITEMS_PER_COMPONENT = 4
"""With many components and few items, the distances of new items are too large (stamps, 280 items: 8 % of new items of
the same classes had a p-value of at most 5 % with 256 components, and 5.7 % with 70)."""
MAX_ITEMS = 3000
"""The most items from which the axes, the means and the covariance are estimated."""
FEWEST_ITEMS = 40
"""The fewest independent items for a useful calibration."""
MAX_DISTANCES = 2000
"""The most distances that are kept for p-values."""
Read = Callable[[np.ndarray], np.ndarray]
"""read(items): the features of these items from a frozen network, float32 (n, n_features)."""


@dataclass(frozen=True, eq=False)
class ClassDistances:
    """The distance of features to the nearest class mean, after L2 normalisation.

    axes: float32 (n_features, n_components), projects to coordinates with the identity as within-class covariance;
    offset: float32 (n_components,); centres: float32 (n_classes, n_components).
    """

    axes: np.ndarray
    offset: np.ndarray
    centres: np.ndarray

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Squared distances, float32 (n,), of features, float (n, n_features)."""
        turned = _normalised(features) @ self.axes + self.offset
        squares = (turned**2).sum(axis=1, keepdims=True) - 2 * turned @ self.centres.T + (self.centres**2).sum(axis=1)
        return np.asarray(squares.min(axis=1))


@dataclass(frozen=True, eq=False)
class NoveltyRule:
    """A detector and its calibration distances. distances: float32 (m,), ascending; n: number of independent items."""

    detector: ClassDistances
    distances: np.ndarray
    n: int

    def p_values(self, features: np.ndarray) -> np.ndarray:
        """For each item, the share of known images that are at least as far from their nearest class, float (n,)."""
        return p_values(self.distances, self.detector(features))


def p_values(calibration: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """(1 + number of calibration distances that are at least as large) / (1 + their number), float (n,)."""
    ascending = np.sort(calibration)
    at_least = len(ascending) - np.searchsorted(ascending, distances, side="left")
    return np.asarray((1 + at_least) / (1 + len(ascending)))


def fit_distances(features: np.ndarray, labels: np.ndarray, *, n_components: int, seed: int) -> ClassDistances:
    """Fit the axes, the class means and the shared covariance. features: float (n, n_features); labels: int (n,)."""
    from scipy.linalg import solve_triangular
    from sklearn.covariance import ledoit_wolf
    from sklearn.decomposition import PCA

    unit = _normalised(features)
    found = PCA(n_components, svd_solver="randomized", random_state=seed).fit(unit)
    turned = found.transform(unit).astype(np.float64)
    kinds, own = np.unique(labels, return_inverse=True)
    centres = np.stack([turned[own == k].mean(axis=0) for k in range(len(kinds))])
    covariance, _ = ledoit_wolf(turned - centres[own], assume_centered=True)
    # If all images are identical, the variance is 0.
    covariance += np.eye(n_components) * max(1e-12, 1e-6 * float(np.trace(covariance)) / n_components)
    whitening = solve_triangular(np.linalg.cholesky(covariance), np.eye(n_components), lower=True).T
    axes = found.components_.T.astype(np.float64) @ whitening
    offset = -(found.mean_.astype(np.float64) @ axes)
    return ClassDistances(axes.astype(np.float32), offset.astype(np.float32), (centres @ whitening).astype(np.float32))


def calibrate_novelty(
    read: Read, items: np.ndarray, labels: np.ndarray, folds: np.ndarray, *, clusters: np.ndarray | None = None,
    seed: int = 0,
) -> NoveltyRule | None:  # fmt: skip
    """Fit and calibrate a detector of images that belong to none of the classes; None if there are too few items.

    items, labels, folds, clusters: int (n,). The distance of each item comes from a detector that was fitted on the
    other folds. One item per cluster and class is used for calibration.
    """
    if len(items) > MAX_ITEMS:
        kept = np.sort(np.random.default_rng(seed).permutation(len(items))[:MAX_ITEMS])
        items, labels, folds = items[kept], labels[kept], folds[kept]
        clusters = None if clusters is None else clusters[kept]
    rows, parts = representatives(labels, clusters, seed=seed), np.unique(folds)
    if len(rows) < FEWEST_ITEMS or len(parts) < 2:
        return None
    features = read(items)
    smallest = min(int((folds != part).sum()) for part in parts)
    n_components = max(1, min(MAX_COMPONENTS, smallest // ITEMS_PER_COMPONENT, features.shape[1]))
    distances = np.empty(len(labels), np.float32)
    with limit_threads(1):  # two threads that contend for a core take ten times as long as one
        for part in parts:
            here = folds == part
            detector = fit_distances(features[~here], labels[~here], n_components=n_components, seed=seed)
            distances[here] = detector(features[here])
        detector = fit_distances(features, labels, n_components=n_components, seed=seed)
    return NoveltyRule(detector, _thinned(np.sort(distances[rows])), len(rows))


def _thinned(ascending: np.ndarray) -> np.ndarray:
    """At most MAX_DISTANCES of the distances, evenly spaced in rank; ranks are rounded up, never down."""
    n = len(ascending)
    if n <= MAX_DISTANCES:
        return ascending
    ranks = np.ceil(np.arange(1, MAX_DISTANCES + 1) * (n + 1) / (MAX_DISTANCES + 1)).astype(int)
    return np.asarray(ascending[np.minimum(ranks, n) - 1])


def _normalised(features: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.maximum(norms, 1e-12), np.float32)
