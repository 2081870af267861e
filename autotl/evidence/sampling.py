"""Draws items for people to label with known probabilities: simple random, or stratified by model score or by group.

Estimates from the labels weight each item by its inverse inclusion probability (Horvitz & Thompson 1952), so the same
labels can be used for accuracy, shares and later questions.
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
"""The single stratum of a simple random sample."""
LEAST_PER_STRATUM = 2
"""The variance of a stratum cannot be estimated from one item."""
N_SCORE_BINS = 5
_LEAST_DEVIATION = 0.15
"""The least standard deviation that is assumed, as if about 2 % were wrong, so that a model that is too sure of some
items does not keep their errors out of the sample."""


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
    """Draw items that were not drawn before; returns all draws so far with the inclusion probabilities.

    population: unique paths. n: number of items, at least 1; if fewer are left, all of them are drawn. strata: the name
    of each item's stratum; None for a single stratum. weights: the allocation of the n items to strata, such as
    `neyman_weights`; None for proportional allocation. before: the draws so far. Within a stratum, items are drawn at
    random without replacement. described: a description of the population. Raises ConfigError if n is below 1, or if
    no items are left.
    """
    names = list(strata) if strata is not None else [WHOLE] * len(population)
    if len(names) != len(population) or len(set(population)) != len(population):
        raise ValueError(f"{len(population)} items, {len(set(population))} different ones, {len(names)} strata")
    if n < 1:
        raise ConfigError(f"a sample of {n} items cannot be drawn; give at least 1")
    before = before or DrawnSample()
    drawn = set(before.items)
    open_rows: dict[str, list[int]] = {name: [] for name in sorted(set(names))}
    for row in sorted(range(len(population)), key=lambda row: population[row]):
        if population[row] not in drawn:
            open_rows[names[row]].append(row)
    sizes = {name: len(rows) for name, rows in open_rows.items()}
    if not sum(sizes.values()):
        raise ConfigError(f"nothing is left to draw: all {len(population)} items were drawn already")
    taken = allocate(sizes, n, weights)
    # The number of the draw is part of the seed, so that a second draw does not repeat the first.
    random = np.random.default_rng([seed, len(before.draws)])
    chosen = [int(row) for name in sizes for row in random.choice(open_rows[name], taken[name], replace=False)]
    chosen = [chosen[place] for place in random.permutation(len(chosen))]
    rates = {name: taken[name] / size if size else 1.0 for name, size in sizes.items()}
    new = Draw(
        number=len(before.draws) + 1, items=tuple(population[row] for row in chosen),
        strata=tuple(names[row] for row in chosen), probabilities=tuple(rates[names[row]] for row in chosen),
        design=design, seed=seed, sizes=sizes, taken=taken, population=described, moment=time.time(),
    )  # fmt: skip
    # An item is not included if every draw misses it: 1 - inclusion is the product of 1 - rate over the draws.
    now = {
        item: 1 - (1 - before.inclusion.get(item, 0.0)) * (1 - rates[name])
        for item, name in zip(population, names, strict=True)
    }
    return replace(before, draws=(*before.draws, new), inclusion={**before.inclusion, **now})


def allocate(sizes: Mapping[str, int], n: int, weights: Mapping[str, float] | None = None) -> dict[str, int]:
    """The number of items to draw from each stratum for a sample of n, or of all items if there are fewer.

    sizes: number of available items by stratum. weights: the allocation is proportional to them; None for the sizes.
    Each stratum gets at least `LEAST_PER_STRATUM` items if n and its size allow, and never more than it has; the others
    make up the difference. Fractions are rounded by the largest remainder method, so that the numbers sum to n.
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
    """factor * weight, with the factor at which the values, clipped to between least and most, sum to n."""
    low, high = 0.0, float(n) / max(float(weight[weight > 0].min()), 1e-300)
    for _ in range(200):
        middle = (low + high) / 2
        if np.clip(middle * weight, least, most).sum() < n:
            low = middle
        else:
            high = middle
    return np.asarray(high * weight)


def score_strata(confidence: np.ndarray, n_bins: int = N_SCORE_BINS) -> tuple[str, ...]:
    """The bin of each item by the model's confidence, as a name with its range; bins have about equal numbers of items.

    confidence: float (n,), the probability of the predicted class. Equal values share a bin; there may be fewer bins.
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
    """Weights for `allocate`: the size of each stratum times its expected standard deviation (Neyman 1934).

    expected: float (n,), for each item the probability of the event that is counted, such as a right answer.
    """
    names = np.asarray(strata, dtype=object)
    found = {}
    for name in dict.fromkeys(strata):
        p = float(expected[names == name].mean())
        found[name] = float((names == name).sum()) * max(float(np.sqrt(p * (1 - p))), _LEAST_DEVIATION)
    return found


def equal_weights(strata: Sequence[str]) -> dict[str, float]:
    """Equal weights for `allocate`, so that every group gets enough labels to be judged."""
    return dict.fromkeys(strata, 1.0)
