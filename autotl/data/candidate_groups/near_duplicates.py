"""The candidate that decides nothing, since every split keeps it apart anyway: clusters of near-duplicates."""

from __future__ import annotations

import pandas as pd

from autotl.data.candidate_groups.candidate import GroupCandidate, make_candidate
from autotl.data.clusters import find_clusters
from autotl.data.dataset import Dataset
from autotl.data.item_kinds import KINDS

NEAR_DUPLICATES = "near-duplicates"


def by_near_duplicates(dataset: Dataset) -> GroupCandidate:
    """Clusters of near-duplicates, likely ones included."""
    cluster = pd.Series(find_clusters(dataset), index=dataset.items.index)
    of = cluster.map(dataset.items["path"].str.rsplit("/", n=1).str[-1].groupby(cluster).first())
    name = of + cluster.map(lambda number: f" ({number})")
    how = f"{KINDS[dataset.modality].plural} that look alike"
    return make_candidate(dataset.items, NEAR_DUPLICATES, name, how=how, of="near-duplicate", decides=False)
