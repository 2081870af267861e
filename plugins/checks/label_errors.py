"""Labels that are probably wrong: confident learning (Northcutt et al., 2021, arXiv:1911.00068), done by cleanlab."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from autotl.hookspecs import hookimpl
from autotl.interfaces import Check, Finding
from autotl.runtime.wording import counted
from autotl_plugins.checks._proposals import MOST

if TYPE_CHECKING:
    from autotl.data.dataset import Dataset
    from autotl.interfaces import DefaultProbe

FIRMLY = 10.0
"""How many times as probable as the given label another one must be. Without this limit 97 unchanged labels of 1,000
drawings of clothes look wrong, with it 15; of the 54 found on digits with 5 % flipped labels 53 were flipped."""
NOTABLE, MOST_TO_REVIEW = 0.01, 0.10
"""Shares of the items: fewer are reported as information; if there are more, it is the model that is unreliable."""
LONGER = 3
"""The list is this many times longer than what is found, because the model does not always disagree strongly with a
flipped label: it then contains nine tenths of 5 % flipped labels."""


def review_order(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Order items for review, the most doubtful label first.

    labels: int (n,); probabilities: float (n, n_classes), out-of-fold. Returns positions, int (n,). By the probability
    of the given label ("self-confidence"): of 5 % flipped labels the first tenth holds 99 % on digits and 88 % on
    drawings of clothes (3 seeds, raw pixels); by normalised margin it is 99 % and 83 %.
    """
    from cleanlab.rank import get_label_quality_scores

    return np.argsort(get_label_quality_scores(labels, probabilities, method="self_confidence"), kind="stable")


def label_errors(dataset: Dataset, probe: DefaultProbe) -> Iterator[Finding]:
    """Count the labels that the untuned model strongly disagrees with, and list the most doubtful ones for review."""
    n, found = len(probe.labels), _n_contradicted(probe.labels, probe.probabilities)
    if not found:
        return
    order = review_order(probe.labels, probe.probabilities)[: min(LONGER * found, math.ceil(MOST_TO_REVIEW * n))]
    paths = dataset.items["path"].to_numpy(dtype=str)[probe.items[order]]
    label, other = int(probe.labels[order[0]]), int(probe.probabilities[order[0]].argmax())
    too_many = found > MOST_TO_REVIEW * n
    yield Finding(
        "label-errors",
        "info" if too_many or found < NOTABLE * n else "warning",
        f"the untuned model strongly disagrees with {found:,} of {counted(n, 'label')}"
        f"{', too many to be all wrong' if too_many else ''}, such as {paths[0]}, labelled {dataset.classes[label]}, "
        f"which looks like {dataset.classes[other]}",
        items=tuple(paths),
        advice="Look at the first few: if their labels are right, the model cannot distinguish these classes."
        if too_many
        else "Review the list from the top, where wrong labels are most likely, and stop when the labels are right.",
        fixes=(("relabel", str(paths[0]), dataset.classes[other]),),
        proposals=_corrections(dataset, probe, order),
    )


def _corrections(dataset: Dataset, probe: DefaultProbe, order: np.ndarray) -> tuple[tuple[str, str, str], ...]:
    """Relabel each as the class it looks like most."""
    looks = probe.probabilities[order].argmax(axis=1)
    wrong = np.flatnonzero(looks != probe.labels[order])[:MOST]
    paths = dataset.items["path"].to_numpy(dtype=str)[probe.items[order]]
    return tuple(("relabel", str(paths[i]), dataset.classes[looks[i]]) for i in wrong)


def _n_contradicted(labels: np.ndarray, probabilities: np.ndarray) -> int:
    from cleanlab.filter import find_label_issues

    # A class without items would make cleanlab warn, and no label can be wrong if there is only one class.
    present, labels = np.unique(labels, return_inverse=True)
    if len(present) < 2:
        return 0
    shares = probabilities[:, present] + np.finfo(float).tiny
    shares = shares / shares.sum(axis=1, keepdims=True)
    # Both of its rules at once, which finds the fewest false ones, and without processes of its own.
    wrong = find_label_issues(labels, shares, filter_by="both", min_examples_per_class=0, n_jobs=1)
    firmly = shares.max(axis=1) > FIRMLY * shares[np.arange(len(labels)), labels]
    return int((wrong & firmly).sum())


@hookimpl
def register_checks() -> Iterable[Check]:
    yield Check("label-errors", label_errors, uses_probe=True)
