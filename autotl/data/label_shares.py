"""Whether a split holds the share of every label, in sentences."""

from __future__ import annotations

import numpy as np

from autotl.data.dataset import Dataset, always_applying
from autotl.data.label_stratification import Shortfall, shortfalls
from autotl.data.split import TEST_FOLD, Split
from autotl.runtime.wording import listed
from autotl.targets import LABELS, known_labels

_MOST_TOLD = 5


def label_share_sentences(dataset: Dataset, split: Split) -> list[str]:
    """What to say of the shares of labels in the folds and the test split; nothing for other kinds of target."""
    if dataset.kind != LABELS:
        return []
    labels, always = dataset.labels, always_applying(dataset)
    said = [
        f"the label {name!r} applies to every item of which that is known, so there is nothing to learn of it, and it "
        "does not count in the mean average precision"
        for name in always
    ]
    parts = np.where(split.fold == TEST_FOLD, split.n_folds, split.fold)
    found = shortfalls(labels > 0, split.cluster, parts, known=known_labels(labels))
    if not found:
        return [*said, "every label has its overall share, within 2 points, in each fold and in the test split"]
    told = [_sentence(one, dataset.classes[one.label], split.n_folds) for one in found[:_MOST_TOLD]]
    if rest := found[_MOST_TOLD:]:
        told.append(f"nor are the shares of {listed(repr(dataset.classes[one.label]) for one in rest)} held everywhere")
    return said + told


def _sentence(one: Shortfall, name: str, n_folds: int) -> str:
    part = "the test split" if one.fold == n_folds else f"fold {one.fold + 1}"
    return (
        f"the label {name!r} does not have its overall share of {100 * one.overall:.1f} % in {part}, but "
        f"{100 * one.share:.1f} %: {one.reason}"
    )
