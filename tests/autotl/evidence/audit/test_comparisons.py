"""Simultaneous intervals: rarely wrong where groups are equal, and wide enough where images are alike."""

from __future__ import annotations

import numpy as np

from autotl.evidence.audit.comparisons import compare
from autotl.evidence.audit.sums import gather_answers


def answers(seed, n_groups, size, *, right=0.9, cluster=1):
    """Answers in groups of one size; clusters of items are right or wrong together."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(n_groups), size)
    labels = np.repeat(rng.integers(2, size=len(group) // cluster), cluster)
    hit = np.repeat(rng.random(len(group) // cluster), cluster) < np.broadcast_to(right, n_groups)[group]
    predicted = np.where(hit, labels, 1 - labels)
    probabilities = np.where(np.arange(2) == predicted[:, None], 0.9, 0.1)
    clusters = None if cluster == 1 else np.arange(len(group)) // cluster
    return gather_answers(labels, probabilities, [group == number for number in range(n_groups)], clusters)


def compared(*given, resamples=200, **options):
    found = answers(*given, **options)
    return compare(found, [range(found.n_groups)], seed=given[0], resamples=resamples)


def claims(family):
    return bool((family.low > 0).any() or (family.high < 0).any())


def test_equal_groups_are_told_apart_in_about_one_audit_of_twenty():
    found = [compared(seed, 4, 50) for seed in range(120)]
    # 6 expected of 120: at 5 % more than 14 come about in 1 of 1,000 such tests, and 0 in 1 of 500.
    assert 1 <= sum(claims(one.deviations) for one in found) <= 14
    assert sum(claims(one.gaps) for one in found) <= 14


def test_a_group_that_is_answered_worse_is_told_apart():
    found = compared(0, 4, 200, right=np.array([0.7, 0.9, 0.9, 0.9]))
    worse = found.cells[found.deviations.high < 0, 0]
    assert claims(found.deviations)
    assert set(worse) >= {0}
    assert found.deviations.p_values.min() < 0.02


def test_clusters_make_intervals_wider():
    alone, together = (compared(3, 2, 120, cluster=cluster) for cluster in (1, 6))
    half = [np.median(one.gaps.factor * one.gaps.errors) for one in (alone, together)]
    assert half[1] > 1.5 * half[0]


def test_no_interval_is_of_zero_width_where_resamples_cannot_differ():
    one_person = np.zeros(200, dtype=int)
    found = answers(0, 2, 100)
    alike = gather_answers(
        found.labels, np.eye(2)[found.predicted], [np.arange(200) < 100, np.arange(200) >= 100], one_person
    )
    for result in (compare(alike, [[0, 1]], seed=0, resamples=20), compared(0, 2, 100, right=1.0, resamples=20)):
        for family in (result.deviations, result.gaps):
            assert (family.high - family.low).min() > 0.01
            assert not claims(family)
            assert family.p_values.min() > 0.05


def test_equal_groups_of_clusters_are_rarely_told_apart():
    found = [compared(seed, 2, 120, cluster=4) for seed in range(60)]
    assert sum(claims(one.gaps) for one in found) <= 9


def test_rates_of_few_items_take_no_part():
    found = answers(0, 2, 60)
    few = gather_answers(found.labels, np.eye(2)[found.predicted], [np.arange(120) < 12, np.arange(120) >= 12], None)
    result = compare(few, [[0, 1]], seed=0, resamples=50)
    by_group = [int((result.cells[:, 0] == group).sum()) for group in (0, 1)]
    assert by_group[0] == by_group[1] < 8  # 12 items have fewer than 10 of some class, on this or the other side
    assert len(result.pairs) < 3


def test_the_same_seed_gives_the_same_intervals():
    first, second = compared(5, 3, 40), compared(5, 3, 40)
    assert np.array_equal(first.deviations.low, second.deviations.low)


def test_without_groups_nothing_is_compared():
    found = compare(gather_answers(np.array([0, 1]), np.eye(2), [], None), [], seed=0, resamples=10)
    assert len(found.deviations.values) == len(found.gaps.values) == 0
