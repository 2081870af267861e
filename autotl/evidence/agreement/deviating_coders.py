"""Deviating coders: those who disagree with the others far more than the others disagree with each other."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np

from autotl.evidence.agreement.coding_table import MISSING, CodingTable
from autotl.evidence.agreement.dawid_skene import others_majority
from autotl.evidence.agreement.holm import holm_claims
from autotl.evidence.agreement.mean_interval import mean_interval, signed_errors
from autotl.evidence.agreement.model_as_coder import others_agreement
from autotl.interfaces import ScoreInterval

FAR_MORE = 0.05
"""Any coder may agree this much less than the others do. A coder is only named if the difference clearly exceeds it."""
LEAST_CODERS = 3
_BOUNDS = (-1.0, 1.0)


@dataclass(frozen=True)
class DeviatingCoder:
    """A coder who stands out.

    n_items: items coded by this coder and at least two others. own: mean agreement of this coder with each of the
    others. others: mean agreement of the others with each other, on the same items. difference: others minus own,
    with a 95 % interval. against: row numbers of the items to which most of the others gave another label. said,
    meant: the most frequent confusion on these items, as this coder's label and that of the others; n_confused: how
    often it occurs. Without such items, said and meant are empty and n_confused is 0.
    """

    coder: str
    n_items: int
    own: float
    others: float
    difference: ScoreInterval
    against: tuple[int, ...]
    said: str
    meant: str
    n_confused: int

    @property
    def n_against(self) -> int:
        """Number of items to which most of the others gave another label."""
        return len(self.against)


def deviating_coders(table: CodingTable, *, clusters: np.ndarray | None = None) -> tuple[DeviatingCoder, ...]:
    """The coders whose agreement with the others is clearly more than 5 points below that of the others.

    The largest difference comes first. The tests are one-sided, with Holm's correction for all coders at 5 %. Empty
    with fewer than 3 coders. clusters: (n_items,), equal for items that are alike.
    """
    if len(table.coders) < LEAST_CODERS:
        return ()
    cases = [_case(table, number, clusters) for number in range(len(table.coders))]
    cases = [case for case in cases if len(case.own)]
    claimed = holm_claims([case.errors_above(FAR_MORE) for case in cases])
    found = [_described(table, case) for case, is_claimed in zip(cases, claimed, strict=True) if is_claimed]
    return tuple(sorted(found, key=lambda one: -one.difference.value))


@dataclass(frozen=True, eq=False)
class _Case:
    """A coder's items. own, others: float (n,), agreement of this coder with the others, and of the others."""

    number: int
    own: np.ndarray
    others: np.ndarray
    clusters: np.ndarray | None

    @property
    def difference(self) -> ScoreInterval:
        return mean_interval(self.others - self.own, _BOUNDS, clusters=self.clusters)

    def errors_above(self, limit: float) -> float:
        return signed_errors(self.others - self.own, limit, _BOUNDS, clusters=self.clusters)


def _case(table: CodingTable, coder: int, clusters: np.ndarray | None) -> _Case:
    own = others_agreement(table, coder, table.codes[:, coder])
    votes = table.votes - table.indicators[:, coder]
    n = votes.sum(axis=1)
    among = np.full(len(n), math.nan)
    np.divide((votes * (votes - 1)).sum(axis=1), n * (n - 1), out=among, where=n >= 2)
    both = np.isfinite(own) & np.isfinite(among)
    return _Case(coder, own[both], among[both], None if clusters is None else clusters[both])


def _described(table: CodingTable, case: _Case) -> DeviatingCoder:
    given, meant = table.codes[:, case.number], others_majority(table, case.number)
    against = (given != MISSING) & (meant != MISSING) & (given != meant)
    confused = Counter(zip(given[against].tolist(), meant[against].tolist(), strict=True))
    (said, instead), n = max(confused.items(), key=lambda pair: (pair[1], pair[0])) if confused else ((-1, -1), 0)
    return DeviatingCoder(
        coder=table.coders[case.number], n_items=len(case.own), own=float(case.own.mean()),
        others=float(case.others.mean()), difference=case.difference,
        against=tuple(np.flatnonzero(against).tolist()), said=table.classes[said] if n else "",
        meant=table.classes[instead] if n else "", n_confused=n,
    )  # fmt: skip
