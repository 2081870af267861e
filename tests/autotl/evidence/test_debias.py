"""Methods against bias are compared with the champion on the same items, subgroup by subgroup, over several seeds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from autotl.evidence.debias import (
    ACCURACY,
    GAP,
    MEASURES,
    PRECISION,
    WORST,
    GroupedItems,
    compare,
    of_champion,
    over_seeds,
    value_of,
)
from autotl.interfaces import ScoreInterval

EACH = 40
NAMES = ("cat, site=north", "cat, site=south", "dog, site=north", "dog, site=south")


def groups(each: int = EACH, **more: np.ndarray) -> GroupedItems:
    return GroupedItems(np.repeat([0, 0, 1, 1], each), np.repeat([0, 1, 0, 1], each), 2, NAMES, **more)


def answers(*n_right: int, each: int = EACH, sure: float = 0.9) -> np.ndarray:
    """Of each subgroup the first so many are right."""
    labels = np.repeat([0, 0, 1, 1], each)
    right = np.concatenate([np.arange(each) < n for n in n_right])
    answered = np.where(right, labels, 1 - labels)
    return np.where(np.eye(2)[answered] > 0, sure, 1 - sure)


def test_the_measures_are_those_of_the_subgroups_and_of_the_classes() -> None:
    found = {measure: value_of(measure, groups(), answers(40, 10, 36, 40)) for measure in MEASURES}
    assert found[WORST] == 0.25
    assert found[GAP] == 0.75
    assert found[ACCURACY] == 126 / 160
    assert found[PRECISION] == pytest.approx((50 / 54 + 76 / 106) / 2)


def test_a_gap_is_between_subgroups_of_one_class() -> None:
    assert value_of(GAP, groups(), answers(40, 36, 10, 14)) == pytest.approx(0.1)


def test_a_subgroup_that_is_answered_better_gives_intervals_above_zero() -> None:
    found = compare(
        groups(), answers(40, 10, 38, 38), answers(39, 30, 38, 37), level=0.95, group_level=0.99, seed=0
    )  # fmt: skip
    worst = found.differences[WORST]
    assert worst.value == 0.5
    assert 0.2 < worst.low < worst.value < worst.high < 0.7
    assert found.differences[GAP].high < 0
    assert list(found.groups) == list(NAMES)
    assert found.groups[NAMES[1]].low > 0 > found.groups[NAMES[0]].low
    assert found.differences[ACCURACY].value == pytest.approx(18 / 160)


def test_the_worst_subgroup_may_be_another_one_afterwards() -> None:
    found = compare(groups(), answers(40, 10, 38, 38), answers(20, 40, 38, 38), level=0.95, group_level=0.95, seed=0)
    assert found.differences[WORST].value == 0.25
    assert found.groups[NAMES[0]].high < 0


def test_a_model_does_not_differ_from_itself_and_one_that_answers_alike_may() -> None:
    champion = answers(40, 10, 38, 38)
    same = compare(groups(), champion, champion, level=0.95, group_level=0.95, seed=0)
    assert {(score.low, score.high) for score in same.differences.values()} == {(0.0, 0.0)}
    alike = compare(groups(), champion, answers(40, 10, 38, 38, sure=0.6), level=0.95, group_level=0.95, seed=0)
    for score in (*alike.differences.values(), *alike.groups.values()):
        assert score.low < 0 < score.high


def test_small_subgroups_and_unknown_ones_are_not_judged() -> None:
    tested = groups(9)
    assert not len(tested.judged)
    found = compare(
        tested, answers(9, 9, 9, 9, each=9), answers(9, 0, 9, 9, each=9), level=0.95, group_level=0.95, seed=0
    )  # fmt: skip
    assert math.isnan(found.values[WORST])
    assert not found.differences[WORST].is_defined
    assert found.differences[ACCURACY].high < 0
    unknown = GroupedItems(groups().labels, np.where(np.arange(160) < 60, -1, groups().values), 2, NAMES)
    assert unknown.sizes.tolist() == [0, 20, 40, 40]


def test_items_that_are_alike_tell_less() -> None:
    champion, method = answers(40, 10, 38, 38), answers(40, 20, 38, 38)
    alone = compare(groups(), champion, method, level=0.95, group_level=0.95, seed=0)
    together = compare(
        groups(clusters=np.arange(4 * EACH) // 10), champion, method, level=0.95, group_level=0.95, seed=0
    )  # fmt: skip
    assert together.differences[WORST].low < alone.differences[WORST].low


def test_the_champion_has_intervals_of_its_own() -> None:
    measures, recalls = of_champion(groups(), answers(40, 10, 38, 38), seed=0)
    assert measures[WORST].low < 0.25 < measures[WORST].high
    assert recalls[NAMES[0]].low > 0.9
    assert list(recalls) == list(NAMES)


def test_the_interval_over_seeds_covers_the_seeds_too() -> None:
    alike = over_seeds([ScoreInterval(0.2, 0.1, 0.3)] * 5, level=0.95)
    assert (alike.value, alike.low, alike.high) == pytest.approx((0.2, 0.1, 0.3))
    spread = over_seeds([ScoreInterval(v, v - 0.1, v + 0.1) for v in (0.0, 0.1, 0.2, 0.3, 0.4)], level=0.95)
    assert spread.value == pytest.approx(0.2)
    assert spread.low == pytest.approx(0.2 - math.hypot(0.1, 2.776 * 0.1581 / math.sqrt(5)), abs=1e-3)


def test_one_seed_has_no_interval() -> None:
    assert not over_seeds([ScoreInterval(0.2, 0.1, 0.3)], level=0.95).has_interval


def test_intervals_hold_where_nothing_differs() -> None:
    """Two models of the same rates: an interval of 95 % excludes the true difference, 0, in about 5 of 100 samples."""
    rng, tested, missed = np.random.default_rng(0), groups(), 0
    rates = np.repeat([0.9, 0.6, 0.85, 0.8], EACH)
    for _ in range(15):
        right = [rng.random(4 * EACH) < rates for _ in range(2)]
        champion, method = (np.eye(2)[np.where(r, tested.labels, 1 - tested.labels)] * 0.9 + 0.05 for r in right)
        found = compare(tested, champion, method, level=0.95, group_level=0.95, seed=0).differences[WORST]
        missed += not found.low <= 0 <= found.high
    assert missed <= 3
