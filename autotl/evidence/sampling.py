"""Draws items for people to label, each with a known probability: simple random, by the model's score, by group.

Whatever is estimated from the labels weighs each item by the inverse of its inclusion probability (Horvitz & Thompson
1952), so one set of labels serves accuracy, shares and every later question.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np

from autotl.errors import ConfigError
from autotl.runs.validation import Draw, DrawnSample

Design: TypeAlias = Literal["random", "score", "group"]
WHOLE = "all"
"""The only stratum of a simple random draw."""
LEAST_PER_STRATUM = 2
"""A stratum's variance is not known from one item."""
N_SCORE_BINS = 5
_LEAST_DEVIATION = 0.1
"""Of an answer, where the model is sure: a bin is drawn from even where its confidence says that it cannot be wrong."""


def draw(
    population: Sequence[str],
    n: int,
    *,
    strata: Sequence[str] | None = None,
    weights: Mapping[str, float] | None = None,
    before: DrawnSample | None = None,
    design: str = "random",
    seed: int = 0,
    described: str = "",
) -> DrawnSample:
    """Draw further items, none of which was drawn before; returns all draws with the inclusion probabilities.

    population: paths, no two alike. n: how many, at least 1; all that is left if there are not so many. strata: name of
    each item's stratum; None for one. weights: by stratum, how the n items are shared out, such as `neyman_weights`;
    None for in proportion to the strata's sizes. before: the draws so far. Within a stratum the draw is simple random,
    without replacement. described: the population in words. Raises ConfigError if nothing is left to draw.
    """
    names = list(strata) if strata is not None else [WHOLE] * len(population)
    if len(names) != len(population) or len(set(population)) != len(population):
        raise ValueError(f"{len(population)} items, {len(set(population))} different ones, {len(names)} strata")
    if n < 1:
        raise ConfigError(f"a sample of {n} images cannot be drawn; give at least 1")
    before = before or DrawnSample()
    drawn = set(before.items)
    open_rows: dict[str, list[int]] = {name: [] for name in sorted(set(names))}
    for row in sorted(range(len(population)), key=lambda row: population[row]):
        if population[row] not in drawn:
            open_rows[names[row]].append(row)
    sizes = {name: len(rows) for name, rows in open_rows.items()}
    if not sum(sizes.values()):
        raise ConfigError(f"nothing is left to draw: all {len(population)} images were drawn already")
    taken = allocate(sizes, n, weights)
    # The number of the draw goes into the seed: a second draw is no repetition of the first.
    random = np.random.default_rng([seed, len(before.draws)])
    chosen = [int(row) for name in sizes for row in random.choice(open_rows[name], taken[name], replace=False)]
    chosen = [chosen[place] for place in random.permutation(len(chosen))]
    rates = {name: taken[name] / size if size else 1.0 for name, size in sizes.items()}
    new = Draw(
        number=len(before.draws) + 1, items=tuple(population[row] for row in chosen),
        strata=tuple(names[row] for row in chosen), probabilities=tuple(rates[names[row]] for row in chosen),
        design=design, seed=seed, sizes=sizes, taken=taken, population=described, moment=time.time(),
    )  # fmt: skip
    # An item is missed by one draw after another: 1 - inclusion is the product of 1 - rate over the draws.
    now = {
        item: 1 - (1 - before.inclusion.get(item, 0.0)) * (1 - rates[name])
        for item, name in zip(population, names, strict=True)
    }
    return replace(before, draws=(*before.draws, new), inclusion={**before.inclusion, **now})


def allocate(sizes: Mapping[str, int], n: int, weights: Mapping[str, float] | None = None) -> dict[str, int]:
    """How many items each stratum gives to a sample of n, or of all items where there are fewer.

    sizes: by stratum, items that can be drawn. weights: in proportion to them; None for to the sizes. Every stratum
    gives at least `LEAST_PER_STRATUM` where n and its size allow, and none more than it has: what it lacks, the others
    give. Fractions are rounded by largest remainder, so that the numbers sum to n.
    """
    n = min(n, sum(sizes.values()))
    names = [name for name in sizes if sizes[name]]
    most = np.array([sizes[name] for name in names], dtype=float)
    weight = most if weights is None else np.array([max(weights.get(name, 0.0), 0.0) for name in names])
    weight = weight if weight.sum() > 0 else most
    least = np.minimum(most, LEAST_PER_STRATUM if n >= LEAST_PER_STRATUM * len(names) else 0)
    share = np.clip(_scaled(weight, least, most, n), least, most)
    counts = np.floor(share + 1e-9).astype(int)
    for place in np.argsort(counts - share, kind="stable"):
        if counts.sum() < n and counts[place] < most[place]:
            counts[place] += 1
    for place in np.argsort(counts - most, kind="stable"):  # what rounding left over
        room = min(int(most[place]) - counts[place], n - int(counts.sum()))
        counts[place] += max(room, 0)
    return dict.fromkeys(sizes, 0) | dict(zip(names, counts.tolist(), strict=True))


def _scaled(weight: np.ndarray, least: np.ndarray, most: np.ndarray, n: int) -> np.ndarray:
    """factor * weight between least and most, with the factor at which they sum to n."""
    low, high = 0.0, float(n) / max(float(weight[weight > 0].min()), 1e-300)
    for _ in range(200):
        middle = (low + high) / 2
        if np.clip(middle * weight, least, most).sum() < n:
            low = middle
        else:
            high = middle
    return np.asarray(high * weight)


def score_strata(confidence: np.ndarray, n_bins: int = N_SCORE_BINS) -> tuple[str, ...]:
    """The bin of each item by the model's confidence, in about equal numbers, as a name that says its range.

    confidence: float (n,), the probability of the class predicted. Equal values share a bin; bins may be fewer.
    """
    edges = np.unique(np.quantile(confidence, np.linspace(0, 1, n_bins + 1)[1:-1]))
    number = np.searchsorted(edges, confidence, side="right")
    ends = [
        (confidence[number == one].min(), confidence[number == one].max()) if (number == one).any() else (0.0, 0.0)
        for one in range(len(edges) + 1)
    ]
    named = [f"{one + 1}: confidence {low:.3f} to {high:.3f}" for one, (low, high) in enumerate(ends)]
    return tuple(named[one] for one in number)


def neyman_weights(strata: Sequence[str], expected: np.ndarray) -> dict[str, float]:
    """By stratum, its size times the deviation to expect in it (Neyman 1934), for `allocate`.

    expected: float (n,), for each item the probability that what is counted holds, such as that the model is right.
    """
    names = np.asarray(strata, dtype=object)
    found = {}
    for name in dict.fromkeys(strata):
        p = float(expected[names == name].mean())
        found[name] = float((names == name).sum()) * max(float(np.sqrt(p * (1 - p))), _LEAST_DEVIATION)
    return found


def equal_weights(strata: Sequence[str]) -> dict[str, float]:
    """By stratum, the same: every group gets as many labels, so that each can be spoken of."""
    return dict.fromkeys(strata, 1.0)
