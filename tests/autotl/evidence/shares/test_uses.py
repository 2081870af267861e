"""Gaps between groups from the labels that the shares come from."""

from __future__ import annotations

import numpy as np
import pytest
from made_populations import calibrated

from autotl.evidence.shares.post_stratified import LabelledSample
from autotl.evidence.shares.uses import decided_with, difference, group_gaps, verdict
from autotl.interfaces import ScoreInterval


def grouped(seed: int, *, wrong_in_b: float, n: int = 3000, n_labels: int = 600):
    labels, probabilities = calibrated(n, seed, n_classes=2, sharpness=4)
    random = np.random.default_rng(seed)
    names = random.permutation(np.array(["a", "b", "c"])[np.arange(n) % 3])
    swapped = (names == "b") & (random.random(n) < wrong_in_b)
    labels = np.where(swapped, 1 - labels, labels)
    rows = random.choice(n, n_labels, replace=False)
    return LabelledSample(probabilities, rows, labels[rows]), {name: names == name for name in "abc"}


def test_a_large_gap_fails_and_is_named():
    sample, groups = grouped(0, wrong_in_b=0.4)
    found = {gap.group: gap for gap in group_gaps(sample, groups)}
    assert found["b"].verdict == "fail"
    assert found["b"].difference.high < -0.1
    assert found["b"].n_more == 0


def test_no_gap_passes_with_labels_enough():
    sample, groups = grouped(1, wrong_in_b=0.0, n_labels=1500)
    assert [gap.verdict for gap in group_gaps(sample, groups)] == ["pass"] * 3


def test_a_gap_at_the_tolerance_is_seldom_called_either():
    wrong = 0
    for seed in range(60):
        sample, groups = grouped(seed, wrong_in_b=0.13, n=2000, n_labels=300)
        names = np.flatnonzero(groups["b"])
        assert len(names)
        wrong += any(gap.verdict == "fail" and gap.group != "b" for gap in group_gaps(sample, groups))
    assert wrong <= 6


def test_few_labels_leave_it_undecided_and_say_how_many_more():
    sample, groups = grouped(2, wrong_in_b=0.4, n_labels=60)
    open_gap = next(gap for gap in group_gaps(sample, groups) if gap.group == "b")
    assert open_gap.verdict == "undecided"
    assert open_gap.n_more is None or open_gap.n_more > 0
    assert open_gap.n_more is None or decided_with(open_gap, 60 + open_gap.n_more, 60)


def test_two_groups_are_compared_once():
    sample, groups = grouped(3, wrong_in_b=0.2)
    groups = {"a": groups["a"], "rest": ~groups["a"]}
    assert [gap.group for gap in group_gaps(sample, groups)] == ["a"]


def test_a_group_without_labels_is_left_out():
    sample, groups = grouped(4, wrong_in_b=0.0)
    unseen = np.zeros(sample.n_items, dtype=bool)
    unseen[np.setdiff1d(np.arange(sample.n_items), sample.rows)[:5]] = True
    assert "d" not in [gap.group for gap in group_gaps(sample, {**groups, "d": unseen})]


def test_the_difference_of_proportions_is_newcombes():
    # Newcombe (1998), table II, example (a), method 10: 56/70 - 48/80, 0.0524 to 0.3339.
    from autotl.evidence.intervals import wilson

    one = difference(wilson(56, 70), wilson(48, 80))
    assert (one.value, one.low, one.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(-0.05, 0.09, "pass"), (0.11, 0.3, "fail"), (-0.4, -0.2, "fail"), (0.05, 0.2, "undecided")],
)
def test_the_verdict_has_three_values(low, high, expected):
    assert verdict(ScoreInterval((low + high) / 2, low, high)) == expected
