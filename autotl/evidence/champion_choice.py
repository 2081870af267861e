"""How the champion is chosen among many trials, and what its search score is worth after that choice.

The largest of many measured values is too large (the winner's curse). So a trial is ranked by what it is better than
the untuned default by, less its own uncertainty; a fine-tuned network, which costs more, has to be better than the best
of the others beyond doubt. And the search score is corrected by doing the same on resamples: the rule chooses on the
items drawn, and its choice is scored on the items left out (bootstrap bias-corrected cross-validation: Tsamardinos,
Greasidou & Borboudakis 2018, Machine Learning 107:1895).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import cast

import numpy as np

from autotl.evidence.intervals import SLOW_SECONDS, ScoreFunction, seconds_of
from autotl.evidence.item_scores import Answers, ItemMean, align, call, differences, recognise
from autotl.interfaces import Evaluator, ScoreInterval
from autotl.predictions import Predictions

CAUTION = 1.0
"""Standard errors of its difference to the default that are taken off a trial (tests/benchmarks/RESULTS.md)."""
LEVEL = 0.95
"""At which a fine-tuned network has to be better than the best of the others, shared among all that were tried."""
MOST_CANDIDATES, MOST_NUMBERS = 100, 50_000_000
"""Candidates that are compared, the best measured ones, and the probabilities that are held for that."""
N_RESAMPLES, N_SCORED, FEWEST_SCORED = 400, 200, 20
"""Resamples to choose on, those of them to score on, and how many of these have to be defined."""
FEW_CANDIDATES, FEW_RESAMPLES = 8, 50
"""Where a score is called once for each candidate and resample."""
VERY_SLOW_SECONDS = 0.1
"""A score that takes longer for one call is not resampled."""


@dataclass(frozen=True, eq=False)
class Rival:
    """A trial that may become champion.

    value: the objective as measured. costly: it has to be better than those that are not, beyond doubt. eligible: it
    may be chosen; else it is compared only.
    """

    number: int
    value: float
    predictions: Predictions
    costly: bool = False
    eligible: bool = True


@dataclass(frozen=True, eq=False)
class Choice:
    """Which trials were chosen, and what that choice costs.

    order: all trial numbers, the champion first. clear: the costly ones that are better than the others beyond doubt.
    numbers: of the trials that were compared. answers: theirs, in this order. picks: int (n_resamples,), the row that
    the rule chooses on each resample. weights: (n_resamples, n_items), how often the resample holds each item. groups:
    int (n_items,), the same number for items that are alike.
    """

    order: tuple[int, ...]
    clear: frozenset[int]
    numbers: tuple[int, ...]
    answers: Answers
    picks: np.ndarray
    weights: np.ndarray
    groups: np.ndarray

    def corrected(
        self, evaluator: Evaluator, champion: int, measured: ScoreInterval, n_tested: int, *, seed: int
    ) -> ScoreInterval:  # fmt: skip
        """A score of the champion in the search, corrected for the choice; as measured where there are too few items.

        measured: on all items of the champion. n_tested: how many groups the test split holds. The interval is where
        the score of so many new items is expected; it is never narrower than that of `measured`.
        """
        found = self._left_out(cast(ScoreFunction, evaluator.score), champion, n_tested, seed)
        if found is None or not measured.has_interval:
            return measured
        shift, drawn = found
        least, most = evaluator.bounds or (-math.inf, math.inf)
        value = min(max(measured.value + shift, least), most)
        low, high = np.quantile(drawn, [0.025, 0.975])
        low = min(low, value - (measured.value - measured.low))
        high = max(high, value + (measured.high - measured.value))
        return ScoreInterval(value, max(float(low), least), min(float(high), most))

    def _left_out(
        self, score: ScoreFunction, champion: int, n_tested: int, seed: int
    ) -> tuple[float, np.ndarray] | None:  # fmt: skip
        """What the choices score less than the champion on what they were not made on, and scores of as many items."""
        if champion not in self.numbers:
            return None
        row, rng = self.numbers.index(champion), np.random.default_rng(seed)
        labels, known, shifts, drawn = self.answers.labels, self.answers.known, [], []
        for pick, counts in zip(self.picks[:N_SCORED], self.weights[:N_SCORED], strict=True):
            items = np.flatnonzero((counts == 0) & known[pick] & known[row])
            if not len(items):
                continue
            chosen, own = (self.answers.probabilities[i, items].astype(np.float64) for i in (pick, row))
            shift = 0.0 if pick == row else call(score, labels[items], chosen) - call(score, labels[items], own)
            rows = _draw(self.groups[items], n_tested, rng)
            shifts.append(shift)
            drawn.append(call(score, labels[items][rows], chosen[rows]))
        sound = np.isfinite(shifts) & np.isfinite(drawn)
        if sound.sum() < FEWEST_SCORED:
            return None
        return float(np.mean(np.array(shifts)[sound])), np.array(drawn)[sound]


def choose(rivals: Sequence[Rival], evaluator: Evaluator, *, clusters: np.ndarray | None, seed: int) -> Choice:
    """Put trials in order, the champion first.

    rivals: the untuned default first, which answers all items; others that answer some of them are compared with it on
    these. clusters: by item number, the same value for items that are alike. The order is by the difference to the
    default less CAUTION standard errors of it, where the default has 0; of equals the earlier trial is first. Costly
    ones come before the others only where they are better than the best of these at the level LEVEL, which is shared
    among them (Bonferroni); those that are not eligible come last.
    """
    score, sign = cast(ScoreFunction, evaluator.score), 1 if evaluator.larger_is_better else -1
    items = np.sort(rivals[0].predictions.items)
    form = recognise(score, align([rivals[0].predictions], items))
    compared = _best_measured(rivals, sign, _most(rivals[0].predictions, form))
    answers = align([rival.predictions for rival in compared], items)
    groups = np.arange(len(items)) if clusters is None else np.unique(clusters[items], return_inverse=True)[1]
    weights = _resample(groups, _n_resamples(score, form, answers), seed)
    whole = sign * differences(score, form, answers, np.ones((1, len(items))))[0]
    drawn = sign * differences(score, form, answers, weights)
    rule = _Rule(
        np.array([rival.costly for rival in compared]), np.array([rival.eligible for rival in compared]), drawn - whole
    )
    rest = [rival for rival in rivals if rival not in compared]
    rest.sort(key=lambda rival: (not rival.eligible, rival.costly, -sign * rival.value, rival.number))
    order = [compared[i] for i in rule.order(whole)]
    eligible = sum(rival.eligible for rival in order)
    return Choice(
        order=tuple(rival.number for rival in (*order[:eligible], *rest, *order[eligible:])),
        clear=frozenset(compared[i].number for i in rule.clear(whole)),
        numbers=tuple(rival.number for rival in compared),
        answers=answers,
        picks=np.array([rule.order(row)[0] for row in drawn], dtype=int),
        weights=weights,
        groups=groups,
    )


class _Rule:
    """The rule, for any set of items; found: each candidate's difference to the first, positive where it is better."""

    def __init__(self, costly: np.ndarray, eligible: np.ndarray, noise: np.ndarray) -> None:
        """noise: (n_resamples, n_candidates), how the differences deviate in the resamples."""
        self._costly, self._eligible, self._noise = costly, eligible, noise
        # Without resamples nothing is known of errors, and the order is as measured.
        self._errors = np.array([_error(column) if len(noise) else 0.0 for column in noise.T])
        self._errors[0] = 0.0
        tried = max(1, int((costly & eligible).sum()))
        self._errors_asked = NormalDist().inv_cdf(1 - (1 - LEVEL) / 2 / tried)

    def order(self, found: np.ndarray) -> list[int]:
        """Rows in order, the champion first."""
        worth = self._worth(found)
        clear = self.clear(found)
        rows = [int(i) for i in np.argsort(-worth, kind="stable")]
        return sorted(rows, key=lambda i: (not self._eligible[i], i not in clear, bool(self._costly[i])))

    def clear(self, found: np.ndarray) -> list[int]:
        """Costly rows that are better than the best of the others beyond doubt."""
        worth = self._worth(found)
        cheap = np.flatnonzero(~self._costly & self._eligible)
        if not len(cheap):
            return []
        best = cheap[int(worth[cheap].argmax())]
        rows = [int(i) for i in np.flatnonzero(self._costly & self._eligible)]
        asked = {i: self._errors_asked * _error(self._noise[:, i] - self._noise[:, best]) for i in rows}
        return [i for i in rows if found[i] - found[best] > asked[i]]

    def _worth(self, found: np.ndarray) -> np.ndarray:
        return np.where(np.isfinite(found), found - CAUTION * self._errors, -math.inf)


def _error(noise: np.ndarray) -> float:
    """The standard error that deviations in resamples show; infinite where it is undefined in most of them."""
    sound = noise[np.isfinite(noise)]
    return float(np.sqrt(np.mean(sound**2))) if 2 * len(sound) > len(noise) else math.inf


def _best_measured(rivals: Sequence[Rival], sign: int, most: int) -> list[Rival]:
    """The default, and the best measured of the eligible ones in the order in which they were begun."""
    others = sorted(rivals[1:], key=lambda rival: (not rival.eligible, -sign * rival.value, rival.number))
    return [rivals[0], *sorted(others[: most - 1], key=lambda rival: rival.number)]


def _most(default: Predictions, form: ItemMean | None) -> int:
    """How many candidates can be held, and scored in a second or two."""
    if form is None:
        return FEW_CANDIDATES
    return min(MOST_CANDIDATES, max(FEW_CANDIDATES, MOST_NUMBERS // max(1, default.probabilities.size)))


def _n_resamples(score: ScoreFunction, form: ItemMean | None, answers: Answers) -> int:
    if form:
        return N_RESAMPLES
    seconds = seconds_of(score, answers.labels, answers.probabilities[0].astype(np.float64))
    return 0 if seconds > VERY_SLOW_SECONDS else FEW_RESAMPLES // (1 if seconds <= SLOW_SECONDS else 2)


def _resample(groups: np.ndarray, n_resamples: int, seed: int) -> np.ndarray:
    """How often each resample of whole groups holds each item, (n_resamples, n); none of a single group."""
    n_groups = int(groups.max(initial=-1)) + 1
    if n_groups < 2:
        return np.zeros((0, len(groups)))
    counts = np.random.default_rng(seed).multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=n_resamples)
    return np.asarray(counts[:, groups], dtype=np.float32)


def _draw(groups: np.ndarray, n_groups: int, rng: np.random.Generator) -> np.ndarray:
    """Row numbers of so many groups, drawn with replacement."""
    own = np.unique(groups, return_inverse=True)[1]
    members = np.split(np.argsort(own, kind="stable"), np.cumsum(np.bincount(own))[:-1])
    return np.concatenate([members[i] for i in rng.integers(0, len(members), max(1, n_groups))])
