"""People's labels of a model's images: their reliability, their consensus, and how the model compares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from autotl.evidence.agreement.coding_table import MISSING, CodingTable
from autotl.evidence.agreement.dawid_skene import Consensus, consensus
from autotl.evidence.agreement.deviating_coders import DeviatingCoder, deviating_coders
from autotl.evidence.agreement.mean_interval import mean_interval
from autotl.evidence.agreement.model_as_coder import MARGIN, ModelAsCoder, model_as_coder
from autotl.evidence.agreement.reliability import Reliability, reliability
from autotl.interfaces import UNDEFINED, ScoreInterval

LEAST_IN_GROUP = 10
"""Groups with fewer images than this are not analysed."""


@dataclass(frozen=True, eq=False)
class Context:
    """What is known about the items of a table, in the order of its rows.

    answers, given: int (n_items,), the model's classes and those of the dataset, MISSING if there is none. weights:
    float (n_items,), inverse inclusion probabilities; None if the items were not sampled. clusters: (n_items,), equal
    for items that are alike, including near-duplicates, which the model answers alike; used for intervals about the
    model; None if no items are alike. units: (n_items,), equal for items that were declared to belong together; used
    for intervals about the coders; None if all items are independent. groups: the values of each attribute, one text
    per item, empty if unknown.
    """

    answers: np.ndarray
    given: np.ndarray
    weights: np.ndarray | None
    clusters: np.ndarray | None
    units: np.ndarray | None
    groups: Mapping[str, np.ndarray]

    def restrict(self, rows: np.ndarray) -> Context:
        """The context of a subset of the items, without groups."""
        weights, clusters, units = (
            None if one is None else one[rows] for one in (self.weights, self.clusters, self.units)
        )
        return Context(self.answers[rows], self.given[rows], weights, clusters, units, {})


@dataclass(frozen=True, eq=False)
class People:
    """Results for a set of items.

    without: alpha without the deviating coders; undefined if there are none. accuracy: share of the items with a
    consensus label for which the model gives this label; n_compared: number of these items. contradicted: row numbers
    of the items to which all coders, at least two, give the same label, but the dataset another.
    """

    table: CodingTable
    reliability: Reliability
    without: ScoreInterval
    consensus: Consensus
    deviating: tuple[DeviatingCoder, ...]
    compared: ModelAsCoder
    accuracy: ScoreInterval
    n_compared: int
    contradicted: np.ndarray


@dataclass(frozen=True, eq=False)
class GroupOfPeople:
    """Results for the items of one group. people: None if there are too few items."""

    attribute: str
    value: str
    n_items: int
    people: People | None


def ask_people(table: CodingTable, context: Context, *, margin: float = MARGIN, seed: int = 0) -> People:
    """Compute all results for the items of a table."""
    own, together = reliability(table, clusters=context.units, seed=seed), consensus(table)
    deviating = deviating_coders(table, clusters=context.units)
    known = together.resolved & (context.answers != MISSING)
    right = (together.labels == context.answers)[known].astype(float)
    kept = context.restrict(known)
    return People(
        table=table,
        reliability=own,
        without=_without(table, deviating, context, seed),
        consensus=together,
        deviating=deviating,
        compared=model_as_coder(
            table, context.answers, weights=context.weights, clusters=context.clusters, margin=margin
        ),
        accuracy=mean_interval(right, (0.0, 1.0), weights=kept.weights, clusters=kept.clusters),
        n_compared=int(known.sum()),
        contradicted=_contradicted(table, context.given),
    )


def ask_groups(
    table: CodingTable, context: Context, *, margin: float = MARGIN, seed: int = 0
) -> tuple[GroupOfPeople, ...]:
    """Compute all results for each group separately, in the order of the attributes and their values."""
    found = []
    for attribute, values in context.groups.items():
        for value in sorted(set(values.tolist()) - {""}):
            rows = np.flatnonzero(values == value)
            people = None
            if len(rows) >= LEAST_IN_GROUP:
                people = ask_people(table.restrict(rows), context.restrict(rows), margin=margin, seed=seed)
            found.append(GroupOfPeople(attribute, value, len(rows), people))
    return tuple(found)


def _without(
    table: CodingTable, deviating: tuple[DeviatingCoder, ...], context: Context, seed: int
) -> ScoreInterval:  # fmt: skip
    names = {one.coder for one in deviating}
    kept = [number for number, coder in enumerate(table.coders) if coder not in names]
    if not names or len(kept) < 2:
        return UNDEFINED
    rest = CodingTable(table.items, tuple(table.coders[n] for n in kept), table.classes, table.codes[:, kept])
    return reliability(rest, clusters=context.units, seed=seed).alpha


def _contradicted(table: CodingTable, given: np.ndarray) -> np.ndarray:
    n, most, best = table.votes.sum(axis=1), table.votes.max(axis=1), table.votes.argmax(axis=1)
    return np.flatnonzero((n >= 2) & (most == n) & (given != MISSING) & (best != given))
