"""95 % intervals, recomputed with NumPy alone.

Proportions have Wilson's interval (1927); where images are alike, at the effective sample size
(Kish 1965; Korn & Graubard 1998). Other scores have an interval of the same kind: it holds every value whose
distance from the one found is at most z standard errors, the error being that of the most likely population with this
value, found by tilting the sample (Owen 2001, Empirical likelihood; Miettinen & Nurminen 1985; Tango 1998).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from verify_targets import is_classes

Z = NormalDist().inv_cdf(0.975)
NODES, WEIGHTS = np.polynomial.legendre.leggauss(200)
Interval = tuple[float, float, float]
"""(value, low, high)"""
Measure = Callable[..., float]


def wilson(successes: float, trials: float) -> Interval:
    """(value, low, high) of a proportion; (NaN, 0, 1) without trials."""
    if not trials:
        return math.nan, 0.0, 1.0
    p, scale = successes / trials, 1 + Z**2 / trials
    half = Z * math.sqrt(p * (1 - p) / trials + Z**2 / (4 * trials**2))
    centre = p + Z**2 / (2 * trials)
    return p, 0.0 if p == 0 else (centre - half) / scale, 1.0 if p == 1 else (centre + half) / scale


def proportion(right: np.ndarray, clusters: np.ndarray | None = None) -> Interval:
    """Wilson's interval of a share. right: bool (n,); clusters: (n,), the same number for images that are alike."""
    if clusters is None or not len(right):
        return wilson(int(right.sum()), len(right))
    own = np.unique(clusters, return_inverse=True)[1]
    successes, trials = np.bincount(own, right), np.bincount(own)
    n, p = len(right), right.mean()
    sums = (successes - p * trials) / n
    n_alike = effective_sizes([trials], [sums], np.array([n]), np.array([p * (1 - p) / n]))[0]
    _, low, high = wilson(min(p * n_alike, n_alike), n_alike)
    return float(p), low, high


def effective_sizes(
    parts: list[np.ndarray], sums: list[np.ndarray], sizes: np.ndarray, variances: np.ndarray
) -> np.ndarray:
    """The effective sample size of each stratum.

    parts: per stratum the sizes of its groups; sums: per stratum what each group adds to the score, less its share of
    the mean; sizes, variances: per stratum its items, and the variance if they were independent.
    """
    m = np.array([(part**2).sum() / part.sum() for part in parts])
    several = np.array([len(own) > 1 for own in sums])
    pooled, freedom = 1.0, 0.0
    expected = (variances * (m - 1))[several].sum()
    if expected > 0:
        seen = uncertainty = most = 0.0
        for own in (own for own in sums if len(own) > 1):
            n, squares = len(own), own**2
            seen += n / (n - 1) * squares.sum()
            uncertainty += max((squares**2).sum() - squares.sum() ** 2 / n, 0.0)
            most += n - 1
        freedom = min(2 * seen**2 / uncertainty, most) if uncertainty > 0 else most
        pooled = min(max((seen - variances[several].sum()) / expected, 0), 1)
    # One fully correlated group is added: a few wrong answers estimate a correlation poorly.
    correlation = np.where(several, (freedom * pooled + 1) / (freedom + 1), 1.0)
    return np.asarray(sizes / (1 + (m - 1) * correlation))


@dataclass
class Sample:
    """measure(labels, *answers): a score, or the difference of two. by_class: each class is a stratum of its own.

    Of several labels an item, and of numbers, all items are one stratum.
    """

    measure: Measure
    labels: np.ndarray
    answers: tuple[np.ndarray, ...]
    groups: np.ndarray | None
    by_class: bool

    def __post_init__(self) -> None:
        self.value, self.of_classes = self.measure(self.labels, *self.answers), is_classes(self.labels)
        self.by_class = self.by_class and self.of_classes
        if self.groups is not None:
            self.groups = np.unique(self.groups, return_inverse=True)[1]
            if self.groups.max() + 1 == len(self.labels):
                self.groups = None
        self.strata = [np.arange(len(self.labels))]
        if self.by_class:
            self.strata = [np.flatnonzero(self.labels == label) for label in np.unique(self.labels)]

    def influence(self, rows: np.ndarray, n_stratum: int) -> float:
        """The change of the score if a whole stratum of this size were like these rows of it."""
        kept = np.ones(len(self.labels), bool)
        kept[rows] = False
        if n_stratum == len(rows) or not kept.any():
            return 0.0
        change = self.value - self.measure(self.labels[kept], *(p[kept] for p in self.answers))
        return (n_stratum - len(rows)) / len(rows) * change if math.isfinite(change) else 0.0


def score_interval(
    measure: Measure, labels: np.ndarray, answers: tuple[np.ndarray, ...], groups: np.ndarray | None, *,
    seed: int, bounds: tuple[float, float] | None, by_class: bool, max_calls: int,
) -> Interval:  # fmt: skip
    """(value, low, high) of a score of one model's answers, or of the difference of two models'.

    max_calls: how many blocks of items are left out in turn.
    """
    sample = Sample(measure, labels, answers, groups, by_class)
    n_units = len(labels) if sample.groups is None else sample.groups.max() + 1
    unknown = bounds if bounds and len(answers) == 1 and math.isfinite(sample.value) else (math.nan, math.nan)
    if n_units < 2 or not math.isfinite(sample.value):
        return sample.value, *unknown
    values, counts, place = _influences(sample, max_calls, np.random.default_rng(seed))
    starts = np.flatnonzero(np.r_[True, np.diff(place) > 0])
    lost = 0 if _counts_answers_only(sample) else 1  # how probable an answer is counts: a mean is fitted
    sizes = np.add.reduceat(counts, starts)
    if sample.groups is not None:
        variances = _moment(values, counts, starts, 2) / np.maximum(sizes - lost, 1)
        effective = _effective(sample, sizes, variances, max_calls, np.random.default_rng(seed))
        counts, sizes = counts * (effective / sizes)[place], effective
    z = _student(max(1.0, _freedom(values, counts, starts))) if lost else Z
    scale = np.abs(values).max()
    ends = [_furthest(values, counts, starts, sign / scale, z, lost) if scale else 0.0 for sign in (-1, 1)]
    if min(ends[0], 0) >= max(ends[1], 0):
        return sample.value, *unknown
    low, high = sample.value + min(ends[0], 0), sample.value + max(ends[1], 0)
    return sample.value, max(low, bounds[0]) if bounds else low, min(high, bounds[1]) if bounds else high


def _counts_answers_only(sample: Sample) -> bool:
    """Whether only the most probable classes count, not how probable they are."""
    if not sample.of_classes:
        return False
    certain = [0.5 * np.eye(p.shape[1])[p.argmax(axis=1)] + 0.5 / p.shape[1] for p in sample.answers]
    return sample.measure(sample.labels, *certain) == sample.value


def _influences(sample: Sample, max_calls: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Influence, number of items and stratum of each block of like answers, and of answers that were not seen."""
    outcomes = np.zeros(len(sample.labels), int)
    for k, p in enumerate(sample.answers if sample.of_classes else ()):
        outcomes += (p.argmax(axis=1) == sample.labels).astype(int) << k
    cells = np.concatenate([np.bincount(outcomes[rows], minlength=4) for rows in sample.strata])
    caps = (cap for cap in range(max_calls, 1, -1) if np.minimum(cells, cap).sum() <= max_calls)
    cap = next(caps, 2)
    values, counts, place = [], [], []
    for number, stratum in enumerate(sample.strata):
        influences, n_items = [], []
        for outcome in np.unique(outcomes[stratum]):
            rows = stratum[outcomes[stratum] == outcome]
            rows = rng.permutation(rows) if len(rows) > cap else rows
            blocks = np.array_split(rows, min(len(rows), cap))
            n = np.array([len(block) for block in blocks], float)
            found = np.array([sample.influence(block, len(stratum)) for block in blocks])
            mean = (found * n).sum() / n.sum()
            influences.append(mean + np.sqrt(n) * (found - mean))  # the mean of a block varies less, by the root of n
            n_items.append(n)
        own, sizes = np.concatenate(influences), np.concatenate(n_items)
        own -= (own * sizes).sum() / sizes.sum()
        if sample.of_classes:
            own = np.r_[own, list(_unseen(sample, stratum, outcomes))]
        elif sample.labels.ndim == 2 and len(sample.answers) == 1 and not own.any():
            own = np.r_[own, list(_opposite(sample))]
        values.append(own)
        counts.append(np.r_[sizes, np.zeros(len(own) - len(sizes))])
        place.append(np.full(len(own), number))
    return np.concatenate(values), np.concatenate(counts), np.concatenate(place)


def _unseen(sample: Sample, stratum: np.ndarray, outcomes: np.ndarray) -> Iterator[float]:
    """Influences of the kinds of answers that a class has none of, from a typical item answered the other way."""
    for label in np.unique(sample.labels[stratum]):
        own = stratum[sample.labels[stratum] == label]
        present = set(outcomes[own].tolist())
        for kind in sorted(({0, 1} if len(sample.answers) == 1 else {1, 2}) - present):
            near = [k for k in present if (k ^ kind) in (1, 2)] or sorted(present)
            seen = np.bincount(outcomes[own], minlength=4)
            source = max(near, key=seen.__getitem__)
            models = [m for m in (0, 1) if (source ^ kind) >> m & 1]
            rows = own[outcomes[own] == source]
            margins = _swapped(sample.labels[rows], sample.answers[models[0]][rows])[1]
            row = rows[[np.argsort(np.abs(margins), kind="stable")[len(rows) // 2]]]
            answers = list(sample.answers)
            for m in models:
                answers[m] = answers[m].copy()
                answers[m][row] = _swapped(sample.labels[row], answers[m][row])[0]
            change = sample.measure(sample.labels, *answers) - sample.value
            if math.isfinite(change):
                yield sample.influence(row, len(stratum)) + len(stratum) * change


def _opposite(sample: Sample) -> Iterator[float]:
    """The influence of the item with the median number of labels if all of its labels were answered the other way."""
    n, answers = len(sample.labels), sample.answers[0].copy()
    row = np.argsort((sample.labels > 0).sum(axis=1), kind="stable")[[n // 2]]
    answers[row] = 1 - answers[row]
    change = sample.measure(sample.labels, answers) - sample.value
    if math.isfinite(change):
        yield sample.influence(row, n) + n * change


def _swapped(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities with those of the true class and of the best other one exchanged, and their differences."""
    rows, others = np.arange(len(labels)), probabilities.astype(float)
    others[rows, labels] = -np.inf
    rival, swapped = others.argmax(axis=1), probabilities.copy()
    swapped[rows, labels], swapped[rows, rival] = probabilities[rows, rival], probabilities[rows, labels]
    return swapped, probabilities[rows, labels].astype(float) - others.max(axis=1)


def _effective(
    sample: Sample, sizes: np.ndarray, variances: np.ndarray, max_calls: int, rng: np.random.Generator
) -> np.ndarray:
    """Effective number of items of each stratum, from leaving out whole groups, or blocks of groups."""
    assert sample.groups is not None
    groups, labels = sample.groups, sample.labels
    parts = [np.bincount(groups[rows]) for rows in sample.strata]
    units = [np.arange(groups.max() + 1)]
    if sample.by_class:
        table = np.zeros((groups.max() + 1, labels.max() + 1), int)
        np.add.at(table, (groups, labels), 1)
        majority = table.argmax(axis=1)
        units = [np.flatnonzero(majority == label) for label in np.unique(labels)]
    cap, sums = max(2, max_calls // len(units)), []
    for own in units:
        if len(own) < 2:
            sums.append(np.zeros(len(own)))
            continue
        own = rng.permutation(own) if len(own) > cap else own
        blocks = [np.flatnonzero(np.isin(groups, b)) for b in np.array_split(own, min(len(own), cap))]
        n = np.array([len(block) for block in blocks])
        found, shares = np.array([sample.influence(block, n.sum()) for block in blocks]), n / n.sum()
        sums.append(shares * (found - (shares * found).sum()))
    return effective_sizes(parts, sums, sizes, variances)


def _moment(values: np.ndarray, counts: np.ndarray, starts: np.ndarray, power: int) -> np.ndarray:
    """The central moment of each stratum."""
    sizes = np.add.reduceat(counts, starts)
    place = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(values)]))
    means = np.add.reduceat(counts * values, starts) / sizes
    return np.asarray(np.add.reduceat(counts * (values - means[place]) ** power, starts) / sizes)


def _freedom(values: np.ndarray, counts: np.ndarray, starts: np.ndarray) -> float:
    """Degrees of freedom of the variance (Satterthwaite 1946; by the fourth moments, Box 1953, where all was seen)."""
    sizes, second = np.add.reduceat(counts, starts), _moment(values, counts, starts, 2)
    parts = second / sizes
    total = float(parts.sum())
    if not total > 0:
        return float(sizes.sum())
    found = total**2 / float((parts**2 / sizes).sum())
    uncertainty = float(((_moment(values, counts, starts, 4) / sizes**2 - parts**2) / sizes).sum())
    return min(found, 2 * total**2 / uncertainty) if uncertainty > 0 and (counts > 0).all() else found


def _student(freedom: float) -> float:
    """The 97.5 % point of Student's t, by integrating its density, t = sqrt(freedom) * tan(angle)."""
    scale = 2 / math.sqrt(math.pi) * math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2))

    def within(t: float) -> float:
        top = math.atan(t / math.sqrt(freedom))
        return scale * top / 2 * float((WEIGHTS * np.cos(top / 2 * (NODES + 1)) ** (freedom - 1)).sum())

    return _root(lambda t: within(t) - 0.95, 0.0, 13.0)


def _furthest(
    values: np.ndarray, counts: np.ndarray, starts: np.ndarray, direction: float, z: float, lost: int
) -> float:
    """The end of the interval: the tilt is increased until the score changes by z standard errors."""
    sizes = np.maximum(np.add.reduceat(counts, starts) - lost, 1)

    def change(log_tilt: float) -> tuple[float, float]:
        shares = _shares(values, counts, starts, direction * math.exp(log_tilt))
        means = np.add.reduceat(shares * values, starts)
        variances = np.maximum(np.add.reduceat(shares * values**2, starts) - means**2, 0)
        return float(means.sum()), float((variances / sizes).sum())

    def excess(log_tilt: float) -> float:
        by, variance = change(log_tilt)
        return 2 * math.log(max(abs(by), 1e-300)) - math.log(max(z * z * variance, 1e-300))

    high = 0.5 * math.log(np.add.reduceat(counts, starts).max() + 1)
    low = high - 4
    for _ in range(80):
        if excess(low) < 0:
            break
        low, high = low - 2, low
    else:
        return 0.0
    for _ in range(80):
        if excess(high) > 0:
            return change(_root(excess, low, high))[0]
        low, high = high, high + 1.5
    return change(high)[0]


def _shares(values: np.ndarray, counts: np.ndarray, starts: np.ndarray, tilt: float) -> np.ndarray:
    """The likeliest shares of each kind of answer that raise the score: counts / (multiplier - tilt * values)."""
    place = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(values)]))
    heights, seen = tilt * values, counts > 0
    tops = np.maximum.reduceat(np.where(seen, heights, -np.inf), starts)
    at_top = np.add.reduceat(np.where(seen & (heights >= tops[place]), counts, 0.0), starts)
    multiplier = np.maximum(tops + at_top * (1 - 1e-12), np.maximum.reduceat(heights, starts))
    for _ in range(60):  # Newton's method from the left: the sum falls, and is convex
        gaps = np.where(seen, multiplier[place] - heights, 1.0)
        shares = counts / gaps
        over = np.add.reduceat(shares, starts) - 1
        if not (over > 1e-10).any():
            break
        slope = np.add.reduceat(shares / gaps, starts)
        multiplier = np.where(over > 0, multiplier + over / np.where(slope > 0, slope, 1), multiplier)
    missing = 1 - np.add.reduceat(shares, starts)
    for number in np.flatnonzero(missing > 1e-9):  # reached only by a kind that was never seen
        own = np.flatnonzero(place == number)
        shares[own[heights[own].argmax()]] += missing[number]
    return np.asarray(shares)


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a rising function crosses 0, by bisection."""
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if function(middle) > 0 else (middle, high)
    return (low + high) / 2
