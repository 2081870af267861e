"""One split for several targets: the same items are tested for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from autotl.data.dataset import Dataset
from autotl.data.several_targets import TargetDatasets, item_rows
from autotl.data.split import Split, lacking_training, split, undividable_classes
from autotl.errors import DatasetError
from autotl.runtime.wording import listed
from autotl.targets import strata

_FEWEST = 10
"""A stratum needs one item for the test split and each fold, twice."""
_REST = "the rest"


@dataclass(frozen=True)
class JointSplit:
    """One split of the items of all targets, and its part for each target, by name."""

    together: Split
    of: Mapping[str, Split]


def split_together(datasets: TargetDatasets, *, seed: int) -> JointSplit:
    """A split in which every item is on the same side for all targets, stratified jointly where possible.

    The strata are the combinations of labels; combinations too rare to be divided fall back to the label of one target,
    then to one stratum of their own. Raises DatasetError if a class of some target would lack training items.
    """
    together, problems, names = datasets.together, list[str](), list(datasets.of)
    for order in (names, names[::-1]):
        shared = split(stratified(datasets, order, seed=seed), seed=seed)
        found = {name: _part(together, shared, dataset) for name, dataset in datasets.of.items()}
        problems = [text for name, dataset in datasets.of.items() if (text := _lacking(name, dataset, found[name]))]
        if not problems:
            return JointSplit(shared, found)
    raise DatasetError(
        f"the targets cannot share one split: {'; '.join(problems)}. Add items of these classes, leave them out with "
        "--min-per-class, or search each column by itself."
    )


def stratified(datasets: TargetDatasets, order: Sequence[str], *, seed: int) -> Dataset:
    """The items of all targets, labelled with strata that can all be divided. order: of the targets to fall back to."""
    return _with_labels(datasets.together, _dividable(datasets.together, _strata(datasets, order), seed))


def _strata(datasets: TargetDatasets, order: Sequence[str]) -> np.ndarray:
    """The stratum of each item of all, text (n_items,): what it is of each target, or of the first only if rare."""
    rows = item_rows(datasets.together)
    of = pd.DataFrame({name: _of_target(datasets.of[name])[rows] for name in datasets.of})
    strata = of.agg(" | ".join, axis=1).to_numpy(dtype=object)
    for name in order:
        rare = _is_rare(strata)
        strata[rare] = f"{name}: " + of.loc[rare, name].to_numpy(dtype=object)
    strata[_is_rare(strata)] = _REST
    return strata


def _of_target(dataset: Dataset) -> np.ndarray:
    """What each row of a target's table is: its class, or its group of similar labels; a dash for none; text (n,)."""
    found = np.full(len(dataset.table), "-", dtype=object)
    named = dataset.items["label"].to_numpy() if dataset.target.is_classes else strata(dataset.labels).astype(str)
    found[item_rows(dataset)] = named.astype(object)
    return found


def _is_rare(strata: np.ndarray) -> np.ndarray:
    return np.asarray(pd.Series(strata).groupby(strata).transform("size") < _FEWEST)


def _dividable(together: Dataset, strata: np.ndarray, seed: int) -> np.ndarray:
    """The strata, with those that cannot be divided (in one group, say) joined to the largest of the others."""
    strata = strata.copy()
    while len(names := np.unique(strata.astype(str))) > 1:
        lacking = names[undividable_classes(_with_labels(together, strata), seed=seed)]
        if not len(lacking):
            break
        sizes = pd.Series(strata).value_counts()
        others = [name for name in sizes.index if name not in set(lacking)]
        strata[np.isin(strata.astype(str), lacking)] = others[0] if others else _REST
    return strata


def _with_labels(dataset: Dataset, labels: np.ndarray) -> Dataset:
    column = dataset.table["label"].to_numpy(dtype=object).copy()
    column[item_rows(dataset)] = labels
    return replace(dataset, table=dataset.table.assign(label=column))


def _part(together: Dataset, shared: Split, dataset: Dataset) -> Split:
    """The split of the items of one target; the tables have the same rows."""
    place = np.full(len(together.table), -1)
    rows = item_rows(together)
    place[rows] = np.arange(len(rows))
    items = place[item_rows(dataset)]
    return Split(fold=shared.fold[items], cluster=np.unique(shared.cluster[items], return_inverse=True)[1])


def _lacking(name: str, dataset: Dataset, split: Split) -> str:
    """Which classes of a target lack items to train on in some fold; empty if none does."""
    lacking = lacking_training(dataset, split.fold)
    return f"{name} would be trained without {listed(repr(dataset.classes[k]) for k in lacking)}" if lacking else ""
