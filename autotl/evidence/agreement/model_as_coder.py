"""Is the model as good as a coder? Each coder is left out in turn, and the model takes that place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal, TypeAlias

import numpy as np

from autotl.evidence.agreement.coding_table import MISSING, CodingTable
from autotl.evidence.agreement.holm import holm_claims
from autotl.evidence.agreement.mean_interval import mean_interval, signed_errors
from autotl.evidence.design_effects import effective_share
from autotl.interfaces import ScoreInterval

Answer: TypeAlias = Literal["yes", "no", "cannot say yet"]
MARGIN = 0.05
"""The non-inferiority margin: the model is "as good" as a coder if its agreement with the other coders is at most this
much lower."""
ERROR, POWER = 0.05, 0.8
_BOUNDS = (-1.0, 1.0)
MOST_ITEMS = 10_000
"""If more items than this were needed, the model is too close to the margin, and no number is given."""


@dataclass(frozen=True)
class AgainstCoder:
    """The model in the place of one coder.

    n_items: items coded by this coder and at least one other, and answered by the model. model, person: share of the
    other coders' labels that the model, or this coder, agrees with. difference: model minus person, paired, with its
    own 95 % interval. more_items: about how many more images, coded by everyone, would decide it with a power of 80 %;
    0 if the answer is known, None if that takes more than 10,000 images.
    """

    coder: str
    n_items: int
    model: ScoreInterval
    person: ScoreInterval
    difference: ScoreInterval
    answer: Answer
    more_items: int | None


@dataclass(frozen=True)
class ModelAsCoder:
    """Whether the model is as good as a coder.

    answer: "yes" if it is as good as each coder, "no" if it is worse than one of them. Both are corrected for the
    number of coders, each with a family-wise error rate of 5 %. more_items: about how many more images would decide it;
    None if too many. why_not: why the question cannot be answered; empty otherwise.
    """

    answer: Answer
    by_coder: tuple[AgainstCoder, ...]
    more_items: int | None
    margin: float = MARGIN
    why_not: str = ""


@dataclass(frozen=True, eq=False)
class Paired:
    """One coder's items. model, person: float (n,), agreement with the others; weights, clusters: (n,) or None."""

    coder: str
    model: np.ndarray
    person: np.ndarray
    weights: np.ndarray | None
    clusters: np.ndarray | None

    @property
    def difference(self) -> ScoreInterval:
        return mean_interval(self.model - self.person, _BOUNDS, weights=self.weights, clusters=self.clusters)

    def errors_above(self, limit: float) -> float:
        return signed_errors(self.model - self.person, limit, _BOUNDS, weights=self.weights, clusters=self.clusters)


def model_as_coder(
    table: CodingTable,
    answers: np.ndarray,
    *,
    weights: np.ndarray | None = None,
    clusters: np.ndarray | None = None,
    margin: float = MARGIN,
) -> ModelAsCoder:
    """Leave out each coder in turn, and compare the model's agreement with the others to that of this coder.

    answers: int (n_items,), the model's classes, MISSING if there is no answer. weights: float (n_items,), inverse
    inclusion probabilities; None for equal weights. clusters: (n_items,), equal for items that are alike.
    Non-inferiority and inferiority are tested one-sided at 5 %, each with Holm's correction for the number of coders.
    """
    if len(table.coders) < 2:
        return ModelAsCoder("cannot say yet", (), None, margin, "the comparison takes labels from at least two people")
    pairs = in_each_place(table, answers, weights=weights, clusters=clusters)
    if not pairs:
        return ModelAsCoder("cannot say yet", (), None, margin, "no image was coded by two people and by the model")
    decided = decide(pairs, margin)
    found = tuple(_against(pair, answer, len(pairs), margin) for pair, answer in zip(pairs, decided, strict=True))
    answer = overall(decided)
    open_cases = [one.more_items for one in found if one.answer == "cannot say yet"]
    numbers = [number for number in open_cases if number is not None]
    more = 0 if answer != "cannot say yet" else max(numbers) if len(numbers) == len(open_cases) else None
    return ModelAsCoder(answer, found, more, margin)


def in_each_place(
    table: CodingTable, answers: np.ndarray, *, weights: np.ndarray | None = None, clusters: np.ndarray | None = None
) -> list[Paired]:
    """The paired agreements for each coder who shares items with another coder and with the model."""
    pairs = [_paired(table, answers, number, weights, clusters) for number in range(len(table.coders))]
    return [pair for pair in pairs if len(pair.model)]


def decide(pairs: Sequence[Paired], margin: float = MARGIN) -> tuple[Answer, ...]:
    """Whether the model is as good as each coder, corrected for the number of coders."""
    above = [pair.errors_above(-margin) for pair in pairs]
    as_good, worse = holm_claims(above, error=ERROR), holm_claims([-one for one in above], error=ERROR)
    return tuple("yes" if good else "no" if bad else "cannot say yet" for good, bad in zip(as_good, worse, strict=True))


def overall(answers: Sequence[Answer]) -> Answer:
    """The answer for all coders: "no" if the model is worse than one of them, "yes" if it is as good as each."""
    return "no" if "no" in answers else "yes" if set(answers) == {"yes"} else "cannot say yet"


def others_agreement(table: CodingTable, coder: int, labels: np.ndarray) -> np.ndarray:
    """Share of the other coders who gave the same label, float (n_items,); NaN if either is missing."""
    votes = table.votes - table.indicators[:, coder]
    n = votes.sum(axis=1)
    same = votes[np.arange(len(labels)), np.maximum(labels, 0)]
    shares = np.full(len(labels), math.nan)
    np.divide(same, n, out=shares, where=(n > 0) & (labels != MISSING))
    return shares


def _paired(
    table: CodingTable, answers: np.ndarray, coder: int, weights: np.ndarray | None, clusters: np.ndarray | None
) -> Paired:
    model, person = (others_agreement(table, coder, labels) for labels in (answers, table.codes[:, coder]))
    both = np.isfinite(model) & np.isfinite(person)
    kept = (None if values is None else values[both] for values in (weights, clusters))
    return Paired(table.coders[coder], model[both], person[both], *kept)


def _against(pair: Paired, answer: Answer, n_coders: int, margin: float) -> AgainstCoder:
    model, person = (
        mean_interval(values, (0.0, 1.0), weights=pair.weights, clusters=pair.clusters)
        for values in (pair.model, pair.person)
    )
    more = 0 if answer != "cannot say yet" else more_items(pair, n_coders, margin)
    return AgainstCoder(pair.coder, len(pair.model), model, person, pair.difference, answer, more)


def more_items(pair: Paired, n_coders: int, margin: float) -> int | None:
    """How many more items would decide between yes and no, if the difference and its variance stay the same."""
    values = pair.model - pair.person
    n, weight = len(values), np.ones(len(values)) if pair.weights is None else pair.weights / pair.weights.mean()
    mean = float((weight * values).mean() / weight.mean())
    distance = mean + margin
    deviations = weight * (values - mean)
    # One item with a difference of 1 is added: even if none was observed, some may exist.
    variance = (float((deviations**2).sum()) + 1) / (n + 1) / effective_share(deviations, pair.clusters)
    z = NormalDist().inv_cdf(1 - ERROR / n_coders) + NormalDist().inv_cdf(POWER)
    if abs(distance) * math.sqrt(MOST_ITEMS) <= z * math.sqrt(variance):
        return None
    return max(math.ceil(z**2 * variance / distance**2) - n, 1)
