"""The split: which items are used for training, which for validation, and which are held out for the final test."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from autotl.data.clusters import find_clusters, latest_side
from autotl.data.dataset import MIN_IMAGES_PER_CLASS, Dataset
from autotl.data.given_split import lacks_training
from autotl.data.label_stratification import stratify
from autotl.errors import DatasetError
from autotl.modality import CERTAIN
from autotl.runtime.wording import counted, listed
from autotl.targets import CLASSES, NUMBER, kind_of, known_labels, strata

TEST_FRACTION = 0.2
TEST_FOLD = -1
LEFT_OUT_FOLD = -2
VALIDATION_FOLD = 0
MIN_TRAIN_ITEMS = 2
"""Of each class, for every fold that is held out."""
MIN_KEPT_ITEMS = 3
"""Of each class in each part of a split that is subsampled."""
_MANY_ALONE, _SOME_ALONE = 2000, 500
"""So many clusters of one image take StratifiedGroupKFold a second or more; and a quarter of it, which is much where
folds are made many times."""
MANY_ITEMS = 5000
"""With more items than this, three folds are as reliable as five, at half the cost."""


@dataclass(frozen=True)
class Split:
    """Folds of the items; clusters (see `find_clusters`) are never divided.

    fold: int (n_items,): -1 is the test split; 0 is the validation split; 0 to n_folds-1 are the folds of
        cross-validation. A fine-tune trial first trains on the folds from 1 and validates on fold 0, which is exactly
        what the first fold of a cross-validated probe does, and then goes on with the other folds as far as that pays:
        the two are compared on the same items. -2: left out, because
        the data came with a split that has a near-duplicate or a member of the group of this item on another side.
    cluster: int (n_items,): the same number for items that must stay together.
    apart: classes in which likely near-duplicates count as different images, since too few would be left to divide.
    """

    fold: np.ndarray
    cluster: np.ndarray
    apart: tuple[str, ...] = ()

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
        return np.flatnonzero(self.fold >= VALIDATION_FOLD)

    @property
    def left_out(self) -> np.ndarray:
        """Item numbers that are used nowhere."""
        return np.flatnonzero(self.fold == LEFT_OUT_FOLD)

    def part_names(self) -> np.ndarray:
        """The name of each item's split: train, validation or test, or "left out"."""
        parts = [self.fold == TEST_FOLD, self.fold == VALIDATION_FOLD, self.fold == LEFT_OUT_FOLD]
        return np.select(parts, ["test", "validation", "left out"], "train")


def split(dataset: Dataset, *, seed: int) -> Split:
    """Split the items, stratified by class, without dividing clusters; a split that came with the data is respected.

    With a given split no item changes sides: train items that have a near-duplicate or a member of their group in
    validation or test, and validation items that have one in test, are left out. Where no test split is given, it is
    taken from the train items. Where a class has so few clusters that some fold would be trained without it, its
    images are joined by certain pairs only; DatasetError if that does not help.
    """
    found, cluster, lacking, apart = _attempt(dataset, seed)
    if lacking:
        raise DatasetError(_cannot_be_divided(dataset, found, cluster, lacking))
    return Split(fold=found, cluster=cluster, apart=tuple(dataset.classes[k] for k in apart))


def undividable_classes(dataset: Dataset, *, seed: int) -> list[int]:
    """The classes for which `split` would refuse the data; none where it would not."""
    return _attempt(dataset, seed)[2]


def _attempt(dataset: Dataset, seed: int) -> tuple[np.ndarray, np.ndarray, list[int], list[int]]:
    """Folds, clusters, the classes that lack images in some fold, and those that were set apart."""
    apart: list[int] = []
    while True:
        cluster = find_clusters(dataset, apart=apart)
        fold, lacking = _divided(dataset, cluster, seed)
        likely = _with_likely_pairs(dataset)
        more = [k for k in lacking if k in likely and k not in apart]
        if not more or (dataset.items["given_split"] != "").any():
            return fold, cluster, lacking, apart
        apart = sorted(apart + more)


def _with_likely_pairs(dataset: Dataset) -> set[int]:
    """The classes with near-duplicates that are likely and not certain."""
    likely = dataset.pairs[dataset.pairs["similarity"] < CERTAIN]
    if kind_of(dataset.labels) != CLASSES:
        return set()
    return {*map(int, dataset.labels[likely["first"]]), *map(int, dataset.labels[likely["second"]])}


def _divided(dataset: Dataset, cluster: np.ndarray, seed: int) -> tuple[np.ndarray, list[int]]:
    """Folds that respect a given split, and the classes that lack images in some fold."""
    given = dataset.items["given_split"].to_numpy(dtype=str)
    fold = np.zeros(len(given), dtype=int)
    side = np.select([given == "test", given == "validation"], [2, 1], 0)
    fold[latest_side(dataset, side) > side] = LEFT_OUT_FOLD
    free = (fold != LEFT_OUT_FOLD) & (given != "test") & (given != "validation")
    fold[(fold != LEFT_OUT_FOLD) & (given == "test")] = TEST_FOLD
    return _divide(dataset, fold, np.flatnonzero(free), cluster, seed)


def development_split(dataset: Dataset, *, seed: int) -> Split:
    """Folds of all items without a test split: for examining the data, not for evaluating a model."""
    cluster = find_clusters(dataset)
    return Split(fold=_folds(_balanced(dataset), cluster, _n_folds(len(cluster)), seed), cluster=cluster)


def fold_together(
    dataset: Dataset, cluster: np.ndarray, items: np.ndarray, *, seed: int, n_folds: int | None = None
) -> Split:
    """Folds of some items without a test split, in which these clusters stay whole; the others are left out.

    n_folds: None for as many as a search has.
    """
    fold = np.full(len(cluster), LEFT_OUT_FOLD)
    n_folds = n_folds or _n_folds(len(items))
    fold[items] = _folds(_balanced(dataset)[items], cluster[items], n_folds, seed, many_alone=_SOME_ALONE)
    return Split(fold=fold, cluster=cluster)


def subsample(split: Split, labels: np.ndarray, n_items: int, *, seed: int) -> Split:
    """The same split with about `n_items` of its items; the others are left out.

    Clusters are kept or left out as a whole, but a few items of each class are kept in every fold and the test split.
    """
    used = split.fold != LEFT_OUT_FOLD
    first, member_of = np.unique(split.cluster, return_index=True, return_inverse=True)[1:]
    chance = reading_order(len(labels), seed=seed)[first][member_of]
    table = pd.DataFrame({"fold": split.fold, "label": labels, "chance": chance})
    place = table.groupby(["fold", "label"])["chance"].rank(method="first").to_numpy()
    kept = used & ((chance < n_items / max(1, used.sum())) | (place <= MIN_KEPT_ITEMS))
    return Split(fold=np.where(kept, split.fold, LEFT_OUT_FOLD), cluster=split.cluster)


def reading_order(n_items: int, *, seed: int) -> np.ndarray:
    """A number between 0 and 1 for each item: where not all are read, those with the smallest are."""
    return np.random.default_rng(seed).random(n_items)


def random_split(split: Split, labels: np.ndarray, *, seed: int) -> Split:
    """The development items in stratified folds that ignore clusters, for comparison with the usual way to split."""
    development = split.development
    fold = np.full(len(labels), LEFT_OUT_FOLD)
    alone = np.arange(len(development))
    fold[development] = _folds(labels[development], alone, split.n_folds, seed)
    return Split(fold=fold, cluster=np.arange(len(labels)))


def _divide(
    dataset: Dataset, fold: np.ndarray, free: np.ndarray, cluster: np.ndarray, seed: int
) -> tuple[np.ndarray, list[int]]:
    """Fill in the folds of the free items, and take a test split from them where none was given.

    Returns also the classes that lack images to train on in some fold; then the folds are those that were given.

    fold: -1 or -2 where it is fixed already, 0 for the free items and for a given validation split.
    """
    labels = _balanced(dataset)
    validated = bool((np.delete(fold, free) == VALIDATION_FOLD).any())
    outer = _folds(labels[free], cluster[free], round(1 / TEST_FRACTION), seed)
    # Of the equally large candidates, the one that leaves the fewest classes without a test item.
    candidates = sorted(range(int(outer.max(initial=0)) + 1), key=lambda k: -_n_present(labels[free][outer == k]))
    fewest: list[int] = []
    for test in [None] if (fold == TEST_FOLD).any() else candidates:
        divided, rest = fold.copy(), free if test is None else free[outer != test]
        divided[free] = TEST_FOLD
        inner = _folds(labels[rest], cluster[rest], _n_folds(len(rest)) - validated, seed + 1)
        divided[rest] = inner + validated  # a given validation split is fold 0
        lacking = lacking_training(dataset, divided)
        if not lacking:
            return divided, []
        fewest = min(fewest or lacking, lacking, key=len)
    return fold, fewest


def _balanced(dataset: Dataset) -> np.ndarray:
    """What each fold is to have its share of: classes, every label by itself, or ranges of a number."""
    return strata(dataset.labels) if kind_of(dataset.labels) == NUMBER else dataset.labels


def _n_present(labels: np.ndarray) -> int:
    """How many classes, or labels, there is an item of."""
    return int((labels > 0).any(axis=0).sum()) if labels.ndim == 2 else len(np.unique(labels))


def lacking_training(dataset: Dataset, fold: np.ndarray) -> list[int]:
    """The classes with fewer than two items to train on in some fold, or the labels that apply to as few."""
    kind = kind_of(dataset.labels)
    if kind == NUMBER:
        return []
    if kind == CLASSES:
        return classes_lacking_items(dataset.labels, fold, len(dataset.classes))
    applies = [classes_lacking_items((column > 0).astype(int), fold, 2) for column in dataset.labels.T]
    return [k for k, lacking in enumerate(applies) if 1 in lacking]


def _cannot_be_divided(dataset: Dataset, fold: np.ndarray, cluster: np.ndarray, lacking: list[int]) -> str:
    if (dataset.items["given_split"] != "").any():
        return lacks_training(dataset, fold == LEFT_OUT_FOLD, lacking)
    mine = dataset.labels[:, lacking[0]] > 0 if dataset.labels.ndim == 2 else dataset.labels == lacking[0]
    name, n_images = dataset.classes[lacking[0]], int(mine.sum())
    n_clusters, items = len(np.unique(cluster[mine])), dataset.item_kind.plural
    why = (
        f"{'all its' if len(lacking) == 1 else 'all'} {n_images} {items}{f' of {name!r}' * (len(lacking) > 1)} are in "
        f"{counted(n_clusters, 'cluster')} ({items} of one group, and near-duplicates, stay together); at least 3 are "
        "needed, none much larger than the others"
    )
    groups = dataset.items["group"][mine]
    if (groups != "").all() and groups.nunique() < 3:
        why += (
            f"; how well it is recognised in groups that were never seen cannot be told, since all its {items} are of "
            f"{counted(groups.nunique(), 'group')} (--groups none mixes groups)"
        )
    named = listed(repr(dataset.classes[k]) for k in lacking)
    one, several = ("label", "labels") if dataset.labels.ndim == 2 else ("class", "classes")
    what = f"the {one} {named}" if len(lacking) == 1 else f"{len(lacking)} {several} ({named})"
    return (
        f"{what} cannot be divided into training, validation and test {items}: {why}. Add {items} of other groups, "
        f"or leave {'it' if len(lacking) == 1 else 'them'} out with --min-per-class {MIN_IMAGES_PER_CLASS}."
    )


def _n_folds(n_items: int) -> int:
    return 5 if n_items <= MANY_ITEMS else 3


def _folds(
    labels: np.ndarray, cluster: np.ndarray, n_folds: int, seed: int, *, many_alone: int = _MANY_ALONE
) -> np.ndarray:  # fmt: skip
    """Fold number of each item, int (n,), stratified, clusters whole; fewer folds where there are too few items.

    many_alone: from so many clusters of one item on, most of these are dealt out by class.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    n_clusters = len(np.unique(cluster))
    folds = np.zeros(len(labels), dtype=int)
    if n_clusters < 2:
        return folds
    if labels.ndim == 2:
        known = known_labels(labels)
        return stratify(labels > 0, cluster, min(n_folds, n_clusters), seed, known=None if known.all() else known)
    n_folds = min(n_folds, n_clusters, max(2, np.bincount(labels).max()))
    alone = n_clusters == len(cluster)
    # StratifiedGroupKFold loops over groups in Python; without real groups StratifiedKFold does the same.
    splitter = (StratifiedKFold if alone else StratifiedGroupKFold)(n_folds, shuffle=True, random_state=seed)
    later = np.zeros(len(labels), dtype=bool)
    if not alone and np.bincount(np.bincount(cluster), minlength=2)[1] >= many_alone:
        later = _dealt_later(labels, cluster, n_folds, seed)
    now = np.flatnonzero(~later)
    with warnings.catch_warnings():
        # A class with fewer members than folds is expected here: it is then missing from some folds.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        for k, (_, held_out) in enumerate(splitter.split(now, labels[now], None if alone else cluster[now])):
            folds[now[held_out]] = k
    _deal(folds, labels, np.random.default_rng(seed).permutation(np.flatnonzero(later)), n_folds)
    # Large clusters may leave a fold without items.
    return np.asarray(np.unique(folds, return_inverse=True)[1])


def _dealt_later(labels: np.ndarray, cluster: np.ndarray, n_folds: int, seed: int) -> np.ndarray:
    """Which items, bool (n,), are alone in their cluster and dealt out by class: all but a few."""
    later = np.asarray(np.bincount(cluster)[cluster] == 1)
    order = np.flatnonzero(later)[np.argsort(reading_order(int(later.sum()), seed=seed))]
    turn = pd.Series(labels[order]).groupby(labels[order]).cumcount().to_numpy()
    later[order[turn < 2 * n_folds]] = False
    return later


def _deal(folds: np.ndarray, labels: np.ndarray, items: np.ndarray, n_folds: int) -> None:
    """Give each of some items, in their order, to the fold with the fewest of its class, and of those the smallest."""
    dealt = np.ones(len(folds), dtype=bool)
    dealt[items] = False
    own = np.zeros((int(labels.max()) + 1, n_folds), dtype=int)
    np.add.at(own, (labels[dealt], folds[dealt]), 1)
    sizes = own.sum(axis=0)
    for item in items.tolist():
        mine = own[labels[item]]
        fold = int(np.lexsort((sizes, mine))[0])
        folds[item] = fold
        mine[fold] += 1
        sizes[fold] += 1


def classes_lacking_items(labels: np.ndarray, fold: np.ndarray, n_classes: int) -> list[int]:
    """The classes with fewer than two items to train on in some fold, in order."""
    lacking: set[int] = set()
    for k in range(max(1, int(fold.max()) + 1)):
        counts = np.bincount(labels[(fold >= VALIDATION_FOLD) & (fold != k)], minlength=n_classes)
        lacking.update(map(int, np.flatnonzero(counts < MIN_TRAIN_ITEMS)))
    return sorted(lacking)
