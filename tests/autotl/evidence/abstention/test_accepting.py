"""The accept threshold keeps its promise, and none is made where it could not be kept."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.stats import binom

from autotl.evidence.abstention.accepting import (
    aurc,
    binomial_p_value,
    find_accept_rule,
    needed_answers,
    risk_coverage,
)


def answers(n, *, seed=0, slope=1.0, level=2.0):
    """Confidence and whether the answer is right, by a model whose confidence is calibrated where slope is 1."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(level, 2, n)
    return 1 / (1 + np.exp(-np.abs(logits))), rng.random(n) < 1 / (1 + np.exp(-slope * np.abs(logits)))


@pytest.mark.parametrize(("wrong", "n"), [(0, 10), (0, 59), (3, 60), (10, 350), (5, 5)])
def test_the_p_value_is_the_exact_binomial_one(wrong, n):
    assert binomial_p_value(wrong, n, 0.05) == pytest.approx(binom.cdf(wrong, n, 0.05), abs=1e-12)


def test_without_a_mistake_59_answers_are_needed_and_with_two_124():
    assert [needed_answers(k) for k in range(3)] == [59, 93, 124]


def test_the_threshold_is_the_lowest_whose_risk_is_certain_enough():
    confidence, right = answers(1500)
    rule = find_accept_rule(confidence, right)
    accepted = confidence >= rule.threshold
    assert binomial_p_value((~right[accepted]).sum(), accepted.sum(), 0.05) <= 0.05
    assert rule.share == accepted.mean()
    assert rule.n == accepted.sum()
    assert 0.2 < rule.share < 0.9
    assert (~right[accepted]).mean() < 0.05 < (~right[~accepted]).mean()


def test_a_model_that_is_nearly_always_right_may_answer_everything():
    confidence = np.random.default_rng(0).uniform(0.6, 1, 200)
    right = np.arange(200) != 7
    rule = find_accept_rule(confidence, right)
    assert rule.share == 1


def test_wrong_labels_among_the_surest_do_not_end_the_search_for_a_threshold():
    confidence = np.linspace(1, 0.6, 1200)
    right = np.ones(1200, bool)
    right[[0, 3, 9, 20, 50, *range(100, 1200, 100)]] = False
    assert binomial_p_value((~right[:124]).sum(), 124, 0.05) > 0.05
    assert find_accept_rule(confidence, right).share == 1


@pytest.mark.parametrize("n", [0, 58])
def test_with_too_few_answers_nothing_is_promised(n):
    assert find_accept_rule(np.full(n, 0.9), np.ones(n, bool)) is None


def test_a_confidence_that_tells_nothing_of_a_model_that_errs_gives_no_threshold():
    rng = np.random.default_rng(0)
    assert find_accept_rule(rng.uniform(0.5, 1, 800), rng.random(800) < 0.85) is None


def test_the_risk_is_kept_in_at_least_95_of_100_searches():
    population, truth = answers(200_000, seed=1)
    rng, kept, found = np.random.default_rng(0), 0, 0
    for _ in range(200):
        drawn = rng.choice(len(population), 500, replace=False)
        rule = find_accept_rule(population[drawn], truth[drawn])
        risk = 0.0 if rule is None else (~truth[population >= rule.threshold]).mean()
        kept, found = kept + (risk <= 0.05), found + (rule is not None)
    assert kept >= 190 - 6  # 190 less two standard errors of what is counted
    assert found > 100


def test_the_risk_is_kept_where_the_images_of_a_group_stand_and_fall_together():
    rng, kept, naive = np.random.default_rng(0), 0, 0
    for _ in range(200):
        # In each of 60 groups of 20 all answers are right, or none is; whatever the confidence, in 6 % none is.
        wrong = np.repeat(rng.random(60) < 0.06, 20)
        confidence = np.repeat(rng.uniform(0.9, 1, 60), 20)
        kept += find_accept_rule(confidence, ~wrong, clusters=np.repeat(np.arange(60), 20)) is None
        naive += find_accept_rule(confidence, ~wrong) is None
    assert kept >= 190 - 6
    assert naive < 160  # as if the images had nothing to do with each other


def test_the_area_is_the_mean_risk_over_all_numbers_of_answers():
    # By hand: risks 0, 1/2, 1/3, 1/2 after each of four answers.
    confidence, right = np.array([0.6, 0.9, 0.7, 0.8]), np.array([False, True, True, False])
    assert aurc(confidence, right) == pytest.approx((0 + 1 / 2 + 1 / 3 + 2 / 4) / 4, abs=1e-12)
    curve = risk_coverage(confidence, right)
    assert curve.coverage.tolist() == [0.25, 0.5, 0.75, 1]
    assert curve.risk == pytest.approx([0, 1 / 2, 1 / 3, 1 / 2])
    assert curve.thresholds.tolist() == [0.9, 0.8, 0.7, 0.6]


def test_it_is_the_mean_over_each_items_own_threshold_as_geifman_and_others_define_it():
    confidence, right = answers(300, seed=2)
    by_definition = np.mean([(~right[confidence >= own]).mean() for own in confidence])
    assert aurc(confidence, right) == pytest.approx(by_definition, abs=1e-6)


def test_equal_confidences_count_as_the_mean_of_all_their_orders():
    right = np.array([True, False, True, False])
    orders = [
        aurc(np.array([1.0, *(0.5 - 0.01 * np.argsort(order))]), right) for order in itertools.permutations(range(3))
    ]
    assert aurc(np.array([1.0, 0.5, 0.5, 0.5]), right) == pytest.approx(np.mean(orders), abs=1e-12)


def test_a_confidence_that_tells_nothing_has_the_share_of_wrong_answers_and_no_answers_have_no_area():
    right = np.random.default_rng(0).random(400) < 0.8
    assert aurc(np.full(400, 0.9), right) == pytest.approx((~right).mean())
    assert math.isnan(aurc(np.zeros(0), np.zeros(0, bool)))
