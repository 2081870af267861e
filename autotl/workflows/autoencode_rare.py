"""Which of a run's images are rare in the latents of an autoencoder, and whether the champion fails on these."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from autotl.evidence.audit.subgroups import FEWEST_ITEMS
from autotl.evidence.intervals import accuracy_with_interval, clustered_wilson, wilson
from autotl.evidence.shares.uses import difference
from autotl.interfaces import ScoreInterval
from autotl.predictions import Predictions
from autotl.runs.autoencoders import RareGroup
from autotl.runs.run import Run, cluster_of
from autotl.workflows.item_groups import item_groups

RARE_SHARE = 0.1
_LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class Rarity:
    """The images of a run by how rare they are.

    items: item numbers. distance: float (n,), of each to the nearest others in the latents. error: float (n,), mean
    squared error of each reconstruction.
    """

    run: Run
    items: np.ndarray
    distance: np.ndarray
    error: np.ndarray

    @property
    def order(self) -> np.ndarray:
        """Positions of the images, the rarest first."""
        return np.argsort(-self.distance, kind="stable")

    @property
    def is_rare(self) -> np.ndarray:
        """Which images are among the rarest tenth, bool (n,)."""
        rare = np.zeros(len(self.items), dtype=bool)
        rare[self.order[: math.ceil(RARE_SHARE * len(self.items))]] = True
        return rare

    def table(self) -> pd.DataFrame:
        """All images, the rarest first: path, label, split, rank from 1, distance, error."""
        items = self.items[self.order]
        facts = self.run.dataset.items.iloc[items]
        return pd.DataFrame({
            "path": facts["path"].to_numpy(), "label": facts["label"].to_numpy(),
            "split": self.run.split.part_names()[items], "rank": np.arange(1, len(items) + 1),
            "distance": self.distance[self.order], "error": self.error[self.order],
        })  # fmt: skip


def rare_groups(found: Rarity) -> tuple[RareGroup, ...]:
    """The classes and values of attributes whose share among the rare images differs from their share of all images.

    Their intervals are of 95 %; the claim holds for all of them together (Bonferroni). The most over-represented first.
    """
    compared = list(item_groups(found.run, found.items))
    rare, cluster = found.is_rare, cluster_of(found.run, found.items)
    if rare.sum() < FEWEST_ITEMS:
        return ()
    level = 1 - (1 - _LEVEL) / max(1, len(compared))
    groups = []
    for column, value, inside in compared:
        strict, of_all = _share(inside, rare, cluster, level), float(inside.mean())
        if not strict.low <= of_all <= strict.high:
            share = _share(inside, rare, cluster, _LEVEL)
            groups.append(RareGroup(column, value, int(inside.sum()), of_all, share))
    return tuple(sorted(groups, key=lambda one: one.of_all / max(one.share.value, 1e-9)))


def rare_errors(
    found: Rarity, answers: Predictions | None
) -> tuple[ScoreInterval, ScoreInterval, ScoreInterval] | None:
    """The champion's error rate on rare images, on all others, and the difference; None where it is not known.

    answers: its predictions, each by a model that was not fitted on the image.
    """
    if answers is None or not found.run.dataset.target.is_classes:
        return None
    wrong = dict(
        zip(answers.items.tolist(), (answers.probabilities.argmax(axis=1) != answers.labels).tolist(), strict=True)
    )
    known = np.array([item in wrong for item in found.items.tolist()])
    is_wrong = np.array([wrong.get(item, False) for item in found.items.tolist()])
    cluster, rates = cluster_of(found.run, found.items), []
    for part in (found.is_rare & known, ~found.is_rare & known):
        if part.sum() < FEWEST_ITEMS:
            return None
        rates.append(accuracy_with_interval(is_wrong[part], None if cluster is None else cluster[part]))
    return rates[0], rates[1], difference(*rates)


def _share(inside: np.ndarray, rare: np.ndarray, cluster: np.ndarray | None, level: float) -> ScoreInterval:
    """The share of a group among the rare images."""
    if cluster is None:
        return wilson(int(inside[rare].sum()), int(rare.sum()), level)
    own = np.unique(cluster[rare], return_inverse=True)[1]
    return clustered_wilson(np.bincount(own, inside[rare]).astype(int), np.bincount(own), level)
