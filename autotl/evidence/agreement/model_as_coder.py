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
from autotl.evidence.agreement.mean_interval import effective_share, mean_interval, signed_errors
from autotl.interfaces import ScoreInterval

Answer: TypeAlias = Literal["yes", "no", "cannot say yet"]
MARGIN = 0.05
"""What counts as "as good": at most so much less agreement with the other coders than the coder has."""
ERROR, POWER = 0.05, 0.8
_BOUNDS = (-1.0, 1.0)
MOST_ITEMS = 10_000
"""More labels than this are not promised to tell anything: the model is then at the margin."""


@dataclass(frozen=True)
class AgainstCoder:
    """The model in the place of one coder.

    n_items: coded by this coder and by another one, and answered by the model. model, person: share of the other
    coders' labels that the model's answer, and this coder's label, agree with. difference: model less person, paired,
    with a 95 % interval of its own. more_items: about how many more images, coded by all, would tell with 80 %
    probability; 0 where the answer is known, None if no number up to 10,000 would.
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

    answer: "yes" where it is as good as each coder, "no" where it is worse than one of them; both hold for all coders
    at once with an error of at most 5 % each. more_items: about how many more images would tell; None if too many.
    why_not: why nothing can be said; empty otherwise.
    """

    answer: Answer
    by_coder: tuple[AgainstCoder, ...]
    more_items: int | None
    margin: float = MARGIN
    why_not: str = ""


@dataclass(frozen=True, eq=False)
class Paired:
    """One coder's items. model, person: float (n,), agreement with the others; weights, clusters: of these items."""

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
    """Compare the model's agreement with the other coders to that of each coder who is left out.

    answers: int (n_items,), the model's classes, MISSING if it has none. weights: float (n_items,), inverse
    inclusion probabilities; None for 1. clusters: (n_items,), of items that are alike. Non-inferiority and inferiority
    are tested one-sided at 5 %, each by Holm's rule over the coders.
    """
    if len(table.coders) < 2:
        return ModelAsCoder("cannot say yet", (), None, margin, "it takes two people to compare the model with")
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
    """The model in the place of each coder who has items in common with another one and with the model."""
    pairs = [_paired(table, answers, number, weights, clusters) for number in range(len(table.coders))]
    return [pair for pair in pairs if len(pair.model)]


def decide(pairs: Sequence[Paired], margin: float = MARGIN) -> tuple[Answer, ...]:
    """Whether the model is as good as each coder, such that all answers hold at once."""
    above = [pair.errors_above(-margin) for pair in pairs]
    as_good, worse = holm_claims(above, error=ERROR), holm_claims([-one for one in above], error=ERROR)
    return tuple("yes" if good else "no" if bad else "cannot say yet" for good, bad in zip(as_good, worse, strict=True))


def overall(answers: Sequence[Answer]) -> Answer:
    """The answer for all coders: "no" where the model is worse than one, "yes" where it is as good as each."""
    return "no" if "no" in answers else "yes" if set(answers) == {"yes"} else "cannot say yet"


def others_agreement(table: CodingTable, coder: int, labels: np.ndarray) -> np.ndarray:
    """Share of the other coders who gave these labels, float (n_items,); NaN if there is none of either."""
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
    """How many more items would tell yes from no, if the difference and its variance stay as they are."""
    values = pair.model - pair.person
    n, weight = len(values), np.ones(len(values)) if pair.weights is None else pair.weights / pair.weights.mean()
    mean = float((weight * values).mean() / weight.mean())
    distance = mean + margin
    deviations = weight * (values - mean)
    # One item with a difference of 1 is added: where none was seen, some may still be there.
    variance = (float((deviations**2).sum()) + 1) / (n + 1) / effective_share(deviations, pair.clusters)
    z = NormalDist().inv_cdf(1 - ERROR / n_coders) + NormalDist().inv_cdf(POWER)
    if abs(distance) * math.sqrt(MOST_ITEMS) <= z * math.sqrt(variance):
        return None
    return max(math.ceil(z**2 * variance / distance**2) - n, 1)
