"""How the champion is chosen among many trials, and what its search score is worth after that choice.

The largest of many measured values is too large (the winner's curse). So of the trials that are within one standard
error of the best, the one with the lowest log loss is chosen, and only if its gains over the untuned default, in the
objective and in log loss, are together more than noise; else the default stays. A fine-tuned network, which costs more,
has to be better than the best of the others beyond doubt. And the search score is corrected by doing the same on
resamples: the rule chooses on the items drawn, and its choice is scored on the items left out (bootstrap bias-corrected
cross-validation: Tsamardinos, Greasidou & Borboudakis 2018, Machine Learning 107:1895).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import NormalDist
from typing import cast

import numpy as np

from autotl.evidence.intervals import SLOW_SECONDS, ScoreFunction, seconds_of
from autotl.evidence.item_scores import LOG_LOSS, Answers, ItemMean, align, call, differences, recognise
from autotl.interfaces import Evaluator, ScoreInterval
from autotl.predictions import Predictions

NEAR_ERRORS, CLEAR_GAINS = 1.0, 2.0
"""Standard errors within which a trial is as good as the best, and by which both gains over the default, added up, have
to differ from 0. Chosen by tests/benchmarks/bench_champion_choice.py over five sets and three objectives."""
LEVEL = 0.95
"""At which a fine-tuned network has to be better than the best of the others, shared among all that were tried."""
MOST_CANDIDATES, MOST_NUMBERS = 100, 50_000_000
"""Candidates that are compared, the best measured ones, and the probabilities that are held for that."""
N_RESAMPLES, N_SCORED, FEWEST_SCORED = 400, 200, 20
"""Resamples to choose on, those of them to score on, and how many of these have to be defined."""
FEWEST_RESAMPLES, MOST_DRAWN = 100, 5_000_000
"""Resamples of many items, and items in all resamples together."""
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
        n_scored = _n_scored(score, self.answers)
        labels, known, shifts, drawn = self.answers.labels, self.answers.known, [], []
        for pick, counts in zip(self.picks[:n_scored], self.weights[:n_scored], strict=True):
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
    these. clusters: by item number, the same value for items that are alike. Costly ones come before the others only
    where they are better than the best of these at the level LEVEL, which is shared among them (Bonferroni), and in log
    loss too; those that are not eligible come last. Of equals the earlier trial is first.
    """
    score, sign = cast(ScoreFunction, evaluator.score), 1 if evaluator.larger_is_better else -1
    items = np.sort(rivals[0].predictions.items)
    form = recognise(score, align([rivals[0].predictions], items))
    compared = _best_measured(rivals, sign, _most(rivals[0].predictions, form))
    answers = align([rival.predictions for rival in compared], items)
    groups = np.arange(len(items)) if clusters is None else np.unique(clusters[items], return_inverse=True)[1]
    weights = _resample(groups, _n_resamples(score, form, answers), seed)
    costly = np.array([rival.costly for rival in compared])
    whole, drawn = (_gains(score, sign, form, answers, costly, part) for part in (np.ones((1, len(items))), weights))
    rule = _Rule(costly, np.array([rival.eligible for rival in compared]), drawn.less(whole.of(0)))
    rest = [rival for rival in rivals if rival not in compared]
    rest.sort(key=lambda rival: (not rival.eligible, rival.costly, -sign * rival.value, rival.number))
    order = [compared[i] for i in rule.order(whole.of(0))]
    eligible = sum(rival.eligible for rival in order)
    return Choice(
        order=tuple(rival.number for rival in (*order[:eligible], *rest, *order[eligible:])),
        clear=frozenset(compared[i].number for i in rule.clear(whole.of(0))),
        numbers=tuple(rival.number for rival in compared),
        answers=answers,
        picks=np.array([rule.champion(drawn.of(k)) for k in range(len(weights))], dtype=int),
        weights=weights,
        groups=groups,
    )


@dataclass(frozen=True, eq=False)
class _Gains:
    """By candidate, its difference to the default in the objective and in log loss, positive where it is better.

    scores, losses: (n_candidates,), or (n_resamples, n_candidates). alike: by the row of a costly candidate that
    answers some items only, the same of all candidates on these items: one fold may be easier for all of them.
    """

    scores: np.ndarray
    losses: np.ndarray
    alike: Mapping[int, _Gains] = field(default_factory=dict)

    def beside(self, row: int) -> _Gains:
        """The gains on the items that a candidate answers."""
        return self.alike.get(row, self)

    def of(self, number: int) -> _Gains:
        """Those in one resample."""
        alike = {row: own.of(number) for row, own in self.alike.items()}
        return _Gains(self.scores[number], self.losses[number], alike)

    def less(self, other: _Gains) -> _Gains:
        """How they deviate from others."""
        alike = {row: own.less(other.alike[row]) for row, own in self.alike.items()}
        return _Gains(self.scores - other.scores, self.losses - other.losses, alike)


def _gains(
    score: ScoreFunction, sign: int, form: ItemMean | None, answers: Answers, costly: np.ndarray, weights: np.ndarray
) -> _Gains:  # fmt: skip
    """The gains in each resample, (n_resamples, n_candidates)."""

    def on(items: np.ndarray) -> _Gains:
        these, drawn = Answers(answers.labels[items], answers.probabilities[:, items]), weights[:, items]
        return _Gains(sign * differences(score, form, these, drawn), -LOG_LOSS.differences(these, drawn))

    found: dict[bytes, _Gains] = {}
    alike = {}
    for row in np.flatnonzero(costly & ~answers.known.all(axis=1)).tolist():
        key = answers.known[row].tobytes()
        if key not in found:
            found[key] = on(np.flatnonzero(answers.known[row]))
        alike[row] = found[key]
    return replace(on(np.arange(len(answers.labels))), alike=alike)


class _Rule:
    """The rule, for any set of items; gains: each candidate's difference to the first, positive where it is better."""

    def __init__(self, costly: np.ndarray, eligible: np.ndarray, noise: _Gains) -> None:
        """noise: (n_resamples, n_candidates), how the gains deviate in the resamples."""
        self._costly, self._eligible = costly, eligible
        self._scores, self._losses = _Errors(noise.scores), _Errors(noise.losses)
        self._beside = {row: _Errors(own.scores) for row, own in noise.alike.items()}
        n_tried = max(1, int((costly & eligible).sum()))
        self._clear_errors = NormalDist().inv_cdf(1 - (1 - LEVEL) / 2 / n_tried)

    def order(self, gains: _Gains) -> list[int]:
        """Rows in order, the champion first."""
        clear, found = self.clear(gains), []
        for part in (clear, self._rows(costly=False), [i for i in self._rows(costly=True) if i not in clear]):
            left = list(part)
            while left:
                found.append(self._best(gains, left))
                left.remove(found[-1])
        return found + [i for i in range(len(self._costly)) if not self._eligible[i]]

    def champion(self, gains: _Gains) -> int:
        """The first row of the order."""
        for rows in (self.clear(gains), self._rows(costly=False), self._rows(costly=True)):
            if rows:
                return self._best(gains, rows)
        return 0

    def clear(self, gains: _Gains) -> list[int]:
        """Costly rows that are better than the best of the others beyond doubt."""
        rows, cheap = self._rows(costly=True), self._rows(costly=False)
        if not rows or not cheap:
            return []
        best = self._best(gains, cheap)
        return [row for row in rows if self._is_clear(gains.beside(row), row, best)]

    def _is_clear(self, gains: _Gains, row: int, best: int) -> bool:
        """gains: on the items that the row answers."""
        error = self._beside.get(row, self._scores).to(best)[row]
        ahead = gains.scores[row] - gains.scores[best]
        return bool(ahead > self._clear_errors * error and gains.losses[row] > gains.losses[best])

    def _best(self, gains: _Gains, rows: list[int]) -> int:
        known = [i for i in rows if math.isfinite(gains.scores[i]) and math.isfinite(gains.losses[i])] or rows[:1]
        top = max(known, key=lambda i: gains.scores[i])
        errors = self._scores.to(top)
        near = [i for i in known if not gains.scores[top] - gains.scores[i] > NEAR_ERRORS * errors[i]]
        if 0 in rows:  # the default, which stays unless both gains together are more than noise
            near = [i for i in near if i and self._evidence(gains, i) > CLEAR_GAINS] or [0]
        return max(near, key=lambda i: gains.losses[i])

    def _evidence(self, gains: _Gains, row: int) -> float:
        """Both gains over the default, each in its standard errors, added up."""
        both = ((gains.scores[row], self._scores.to(0)[row]), (gains.losses[row], self._losses.to(0)[row]))
        return sum(gain / error if error else math.copysign(math.inf, gain) if gain else 0.0 for gain, error in both)

    def _rows(self, *, costly: bool) -> list[int]:
        return [int(i) for i in np.flatnonzero(self._eligible & (self._costly == costly))]


class _Errors:
    """Standard errors of the differences between candidates, from their deviations in resamples."""

    def __init__(self, noise: np.ndarray) -> None:
        self._noise, self._known = noise, dict[int, np.ndarray]()

    def to(self, row: int) -> np.ndarray:
        """Of each candidate's difference to one of them; without resamples nothing is known of errors: 0."""
        if row not in self._known:
            between = self._noise - self._noise[:, [row]]
            self._known[row] = np.array([_error(column) if len(between) else 0.0 for column in between.T])
        return self._known[row]


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
        return min(N_RESAMPLES, max(FEWEST_RESAMPLES, MOST_DRAWN // max(1, len(answers.labels))))
    seconds = _seconds(score, answers)
    return 0 if seconds > VERY_SLOW_SECONDS else FEW_RESAMPLES // (1 if seconds <= SLOW_SECONDS else 2)


def _n_scored(score: ScoreFunction, answers: Answers) -> int:
    seconds = _seconds(score, answers)
    return 0 if seconds > VERY_SLOW_SECONDS else N_SCORED if seconds <= SLOW_SECONDS else FEWEST_SCORED + 5


def _seconds(score: ScoreFunction, answers: Answers) -> float:
    """What a call takes; infinite where it fails."""
    try:
        return seconds_of(score, answers.labels, answers.probabilities[0].astype(np.float64))
    except Exception:  # reported when the champion is evaluated
        return math.inf


def _resample(groups: np.ndarray, n_resamples: int, seed: int) -> np.ndarray:
    """How often each resample of whole groups holds each item, (n_resamples, n); none of a single group."""
    n_groups = int(groups.max(initial=-1)) + 1
    if n_groups < 2:
        return np.zeros((0, len(groups)))
    rng, share = np.random.default_rng(seed), np.full(n_groups, 1 / n_groups)
    counts = np.empty((n_resamples, len(groups)), dtype=np.float32)
    for row in counts:  # all at once they would be of 64 bits, twice
        row[:] = rng.multinomial(n_groups, share)[groups]
    return counts


def _draw(groups: np.ndarray, n_groups: int, rng: np.random.Generator) -> np.ndarray:
    """Row numbers of so many groups, drawn with replacement."""
    own = np.unique(groups, return_inverse=True)[1]
    if own.max(initial=0) + 1 == len(own):
        return rng.integers(0, len(own), max(1, n_groups))
    members = np.split(np.argsort(own, kind="stable"), np.cumsum(np.bincount(own))[:-1])
    return np.concatenate([members[i] for i in rng.integers(0, len(members), max(1, n_groups))])
