"""Decisions of the patch file that a dataset does not know yet."""

from __future__ import annotations

from collections.abc import Iterable

from autotl.data.dataset import Dataset
from autotl.data.patch import EXCLUDED, Decision, apply_patch


def pending_images(dataset: Dataset, decisions: Iterable[Decision]) -> frozenset[str]:
    """Paths of the images that the decisions would relabel, exclude or bring back.

    dataset: as it was read, with the decisions of that time applied. decisions: all that are in force now; a decision
    that the dataset knows and that is missing here was undone, so its image is pending as well.
    """
    before, excluded = dataset.table, dataset.excluded
    untouched = before.assign(label=before["label_given"], quarantine=before["quarantine"].where(~excluded, ""))
    now = apply_patch(untouched, decisions).table
    changed = (now["label"] != before["label"]) | (now["quarantine"].str.startswith(EXCLUDED) != excluded)
    return frozenset(before["path"][changed])
