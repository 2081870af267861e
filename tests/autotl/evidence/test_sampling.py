"""Every item has the inclusion probability that is stored with it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from autotl.errors import ConfigError
from autotl.evidence.sampling import allocate, draw, equal_weights, neyman_weights, score_strata
from autotl.runs.validation import DrawnSample

ITEMS = [f"{n:03d}.png" for n in range(100)]
STRATA = ["common" if n < 80 else "rare" for n in range(100)]


def test_two_random_draws_are_one_larger_random_draw() -> None:
    first = draw(ITEMS, 20)
    both = draw(ITEMS, 30, before=first)
    assert len(set(both.items)) == 50
    assert both.items[:20] == first.items
    assert list(both.probabilities.values()) == pytest.approx([0.5] * 50)


def test_the_stored_probability_is_how_often_an_item_is_drawn() -> None:
    n_drawn: Counter[str] = Counter()
    for seed in range(600):
        first = draw(ITEMS, 20, strata=STRATA, weights=equal_weights(STRATA), seed=seed)
        both = draw(ITEMS, 30, before=first, seed=seed)
        n_drawn.update(both.items)
    often = np.array([n_drawn[item] / 600 for item in ITEMS])
    promised = np.array([both.inclusion[item] for item in ITEMS])
    for stratum in (slice(0, 80), slice(80, 100)):
        assert often[stratum].mean() == pytest.approx(promised[stratum].mean(), abs=0.01)


def test_weights_of_the_inverse_probability_count_the_population() -> None:
    sample = draw(ITEMS, 20, strata=STRATA, weights=equal_weights(STRATA))
    assert sum(1 / p for p in sample.probabilities.values()) == pytest.approx(100)
    assert Counter(sample.strata.values()) == {"common": 10, "rare": 10}


def test_the_same_seed_draws_the_same_whatever_the_order_of_the_items() -> None:
    assert draw(ITEMS, 9, seed=3).items == draw(ITEMS[::-1], 9, seed=3).items
    assert draw(ITEMS, 9, seed=3).items != draw(ITEMS, 9, seed=4).items


def test_more_than_there_are_gives_all_with_certainty_and_then_nothing_is_left() -> None:
    everything = draw(ITEMS, 500)
    assert set(everything.probabilities.values()) == {1.0}
    with pytest.raises(ConfigError, match="nothing is left"):
        draw(ITEMS, 1, before=everything)
    with pytest.raises(ConfigError, match="at least 1"):
        draw(ITEMS, 0, before=DrawnSample())


@pytest.mark.parametrize("n", [1, 3, 5, 10, 33, 60, 61])
def test_an_allocation_sums_to_what_was_asked_for_and_takes_no_more_than_there_is(n: int) -> None:
    sizes = {"a": 3, "b": 50, "c": 7, "none": 0}
    taken = allocate(sizes, n, {"a": 100.0, "b": 1.0, "c": 0.0})
    assert sum(taken.values()) == min(n, 60)
    assert all(0 <= taken[name] <= size for name, size in sizes.items())
    if n >= 6:
        assert taken["c"] >= 2


def test_unsure_answers_are_drawn_more_often() -> None:
    confidence = np.linspace(0.5, 1.0, 100)
    strata = score_strata(confidence)
    assert len(set(strata)) == 5
    weights = neyman_weights(strata, confidence)
    assert list(weights.values()) == sorted(weights.values(), reverse=True)
    assert len(set(score_strata(np.ones(10)))) == 1
