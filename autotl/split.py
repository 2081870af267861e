"""The split: which items train, which validate, and which are kept for the one final test."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from autotl.dataset import Dataset
from autotl.errors import DatasetError

TEST_FRACTION = 0.2
TEST_FOLD = -1
VALIDATION_FOLD = 0
MIN_TRAIN_ITEMS = 2
"""Of each class, whatever fold is held out."""
MANY_ITEMS = 5000
"""With more items than this three folds are as telling as five, at half the cost."""


@dataclass(frozen=True)
class Split:
    """Folds of the items; clusters of near-duplicates and of one group are never divided.

    fold: int (n_items,): -1 is the test split; 0 is the validation split; 0 to n_folds-1 are the folds of
        cross-validation. A fine-tune trial trains on the folds from 1 and validates on fold 0, which is exactly what
        the first fold of a cross-validated probe does: the two are compared on the same items.
    cluster: int (n_items,): the same number for items that must stay together.
    """

    fold: np.ndarray
    cluster: np.ndarray

    @property
    def n_folds(self) -> int:
        """Number of folds of cross-validation."""
        return int(self.fold.max()) + 1

    @property
    def test(self) -> np.ndarray:
        """Item numbers of the test split."""
        return np.flatnonzero(self.fold == TEST_FOLD)

    @property
    def validation(self) -> np.ndarray:
        """Item numbers of the validation split."""
        return np.flatnonzero(self.fold == VALIDATION_FOLD)

    @property
    def train(self) -> np.ndarray:
        """Item numbers of the train split."""
        return np.flatnonzero(self.fold > VALIDATION_FOLD)

    @property
    def development(self) -> np.ndarray:
        """Item numbers of train and validation together: all that the search may see."""
        return np.flatnonzero(self.fold != TEST_FOLD)

    def part_names(self) -> np.ndarray:
        """The name of each item's split: train, validation or test."""
        return np.select([self.fold == TEST_FOLD, self.fold == VALIDATION_FOLD], ["test", "validation"], "train")


def split(dataset: Dataset, *, seed: int) -> Split:
    """Divide the items, stratified by class, with clusters kept whole.

    Raises DatasetError where a class comes in so few clusters that some fold would be trained without it.
    """
    labels = dataset.labels
    cluster = find_clusters(dataset)
    outer = _folds(labels, cluster, round(1 / TEST_FRACTION), seed)
    # Of the equally large candidates the one that leaves fewest classes without a test item.
    candidates = sorted(range(outer.max() + 1), key=lambda k: -len(np.unique(labels[outer == k])))
    lacking = -1
    for test in candidates:
        development = np.flatnonzero(outer != test)
        n_folds = 5 if len(development) <= MANY_ITEMS else 3
        fold = np.full(len(labels), TEST_FOLD)
        fold[development] = _folds(labels[development], cluster[development], n_folds, seed + 1)
        lacking = _lacking_class(labels, fold, len(dataset.classes))
        if lacking < 0:
            return Split(fold=fold, cluster=cluster)
    n_images = int((labels == lacking).sum())
    n_clusters = len(np.unique(cluster[labels == lacking]))
    raise DatasetError(
        f"the class {dataset.classes[lacking]!r} cannot be divided into training, validation and test images: all its "
        f"{n_images} images are in {n_clusters} cluster{'s' if n_clusters > 1 else ''} (images of one group, and "
        "near-duplicates, stay together); at least 3 are needed, none much larger than the others. Add images of other "
        "groups, or take the class's folder away."
    )


def find_clusters(dataset: Dataset) -> np.ndarray:
    """Number the sets of items that share their bytes, their perceptual hash, or their group; int (n_items,)."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    items = dataset.items
    n = len(items)
    rows, columns = [], []
    for name in ("sha256", "phash", "group"):
        first: dict[str, int] = {}
        for i, key in enumerate(items[name]):
            if key:
                rows.append(i)
                columns.append(first.setdefault(key, i))
    graph = coo_matrix((np.ones(len(rows), dtype=bool), (rows, columns)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1])


def _folds(labels: np.ndarray, cluster: np.ndarray, n_folds: int, seed: int) -> np.ndarray:
    """Fold number of each item, int (n,), stratified, clusters whole; fewer folds where there are too few items."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    n_clusters = len(np.unique(cluster))
    folds = np.zeros(len(labels), dtype=int)
    if n_clusters < 2:
        return folds
    n_folds = min(n_folds, n_clusters, max(2, np.bincount(labels).max()))
    alone = n_clusters == len(cluster)
    # StratifiedGroupKFold visits group by group in Python; without real groups the plain one does the same.
    splitter = (StratifiedKFold if alone else StratifiedGroupKFold)(n_folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # A class with fewer members than folds is expected here: it is then missing from some folds.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        for k, (_, held_out) in enumerate(splitter.split(labels, labels, None if alone else cluster)):
            folds[held_out] = k
    # Large clusters may leave a fold without items.
    return np.asarray(np.unique(folds, return_inverse=True)[1])


def _lacking_class(labels: np.ndarray, fold: np.ndarray, n_classes: int) -> int:
    """The first class with fewer than two items to train on for some fold; -1 where every class has them."""
    for k in range(max(1, int(fold.max()) + 1)):
        counts = np.bincount(labels[(fold != TEST_FOLD) & (fold != k)], minlength=n_classes)
        if counts.min() < MIN_TRAIN_ITEMS:
            return int(counts.argmin())
    return -1
