"""The intervals: equal to scipy's, covering what they promise, paired and clustered where they should be."""

import math
import time

import numpy as np
import pytest
from scipy.stats import binomtest

from autotl.evidence.intervals import clustered_wilson, paired_difference, score_interval, wilson
from autotl.interfaces import Proportion, ScoreInterval


def right(labels: np.ndarray, probabilities: np.ndarray) -> float:
    return float((probabilities.argmax(axis=1) == labels).mean())


def log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    return float(-np.log(probabilities[np.arange(len(labels)), labels]).mean())


def ends(interval: ScoreInterval) -> tuple[float, float]:
    return interval.low, interval.high


def answers(correct: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities (n, 2) that are right where `correct` says so."""
    labels = np.arange(len(correct)) % 2
    return labels, np.eye(2)[np.where(correct, labels, 1 - labels)]


@pytest.mark.parametrize("level", [0.8, 0.95])
@pytest.mark.parametrize(("successes", "trials"), [(0, 1), (1, 1), (3, 7), (0, 40), (40, 40), (612, 1000)])
def test_wilson_is_scipys(successes, trials, level):
    expected = binomtest(successes, trials).proportion_ci(level, method="wilson")
    found = wilson(successes, trials, level)
    assert found.value == successes / trials
    assert ends(found) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_without_trials_is_everything():
    assert wilson(0, 0) == ScoreInterval(math.nan, 0.0, 1.0)


def test_wilson_refuses_more_successes_than_trials():
    with pytest.raises(ValueError, match="8 successes out of 7 trials"):
        wilson(8, 7)


def test_clustered_wilson_of_groups_of_one_is_wilson():
    successes = np.arange(90) % 4 > 0
    found = clustered_wilson(successes.astype(int), np.ones(90, dtype=int))
    assert ends(found) == pytest.approx(ends(wilson(successes.sum(), 90)), abs=0.001)


def test_clustered_wilson_of_all_successes_counts_the_groups():
    assert clustered_wilson(np.array([50, 50, 50]), np.array([50, 50, 50])) == wilson(3, 3)


@pytest.mark.parametrize("counts", [([], []), ([0, 0], [0, 0])])
def test_clustered_wilson_without_trials_is_everything(counts):
    assert clustered_wilson(*(np.array(c, dtype=int) for c in counts)) == ScoreInterval(math.nan, 0.0, 1.0)


def coverage(truth: float, draw_interval, *, repetitions: int = 200) -> float:
    intervals = [draw_interval(np.random.default_rng(seed)) for seed in range(repetitions)]
    return float(np.mean([interval.low <= truth <= interval.high for interval in intervals]))


def test_wilson_covers_the_truth_in_about_95_of_100_cases():
    assert 0.9 <= coverage(0.85, lambda rng: wilson(rng.binomial(60, 0.85), 60)) <= 0.99


def test_the_interval_of_a_loss_covers_the_truth_in_about_95_of_100_cases():
    def draw(rng):
        # The true class's log-probability is -Gamma(2, 0.3): the expected log loss is 0.6.
        true = np.exp(-rng.gamma(2, 0.3, 80))
        return score_interval(log_loss, np.zeros(80, dtype=int), np.stack([true, 1 - true], axis=1))

    assert 0.9 <= coverage(0.6, draw) <= 0.99


def clustered_answers(rng):
    """40 groups of 10 items; in each group the chance of being right is another, 0.7 on average."""
    chances = np.repeat(rng.beta(1.4, 0.6, 40), 10)
    labels, probabilities = answers(rng.random(400) < chances)
    return labels, probabilities, np.repeat(np.arange(40), 10)


def test_only_intervals_that_know_the_groups_cover_the_truth_where_items_come_in_groups():
    def with_groups(rng):
        labels, probabilities, groups = clustered_answers(rng)
        return score_interval(right, labels, probabilities, groups=groups)

    def wilson_with_groups(rng):
        labels, probabilities, groups = clustered_answers(rng)
        correct = probabilities.argmax(axis=1) == labels
        return clustered_wilson(np.bincount(groups, correct), np.bincount(groups))

    def without_groups(rng):
        labels, probabilities, _ = clustered_answers(rng)
        return score_interval(right, labels, probabilities)

    assert 0.9 <= coverage(0.7, with_groups) <= 0.99
    assert 0.9 <= coverage(0.7, wilson_with_groups) <= 0.99
    assert coverage(0.7, without_groups) < 0.8


def test_groups_of_one_give_the_interval_of_items():
    rng = np.random.default_rng(1)
    labels, probabilities = answers(rng.random(50) < 0.7)
    by_item = score_interval(right, labels, probabilities)
    assert score_interval(right, labels, probabilities, groups=np.arange(50)) == by_item


def test_groups_of_unequal_size_are_left_out_whole():
    groups = np.array(["b", "a", "b", "c", "a", "b"])
    seen = []

    def score(labels, probabilities):
        seen.append(set(labels.tolist()))
        return float(len(labels))

    score_interval(score, np.arange(6), np.eye(6), groups=groups)
    left_out = [set(range(6)) - rows for rows in seen]
    members = [{0, 2, 5}, {1, 4}, {3}]
    assert all(group in left_out for group in members)
    assert all(len(rows) < 2 or rows in members for rows in left_out)


def test_a_paired_interval_is_narrower_than_the_unpaired_ones():
    rng = np.random.default_rng(2)
    hard = rng.random(300) < 0.3
    labels, first = answers(~hard)
    _, second = answers(~hard | (rng.random(300) < 0.1))
    difference = paired_difference(right, labels, first, second)
    widths = [np.diff(ends(score_interval(right, labels, p)))[0] for p in (first, second)]
    assert difference.low < difference.value < difference.high
    assert difference.value == pytest.approx(right(labels, second) - right(labels, first))
    assert difference.high - difference.low < 0.6 * math.hypot(*widths)


def test_a_paired_difference_covers_zero_where_two_models_are_equally_good():
    def draw(rng):
        true = rng.random((2, 120)) < 0.8
        labels, first = answers(true[0])
        return paired_difference(right, labels, first, answers(true[1])[1])

    assert 0.9 <= coverage(0.0, draw) <= 0.99


def test_a_model_does_not_differ_from_itself():
    labels, probabilities = answers(np.arange(20) % 3 > 0)
    difference = paired_difference(right, labels, probabilities, probabilities)
    assert difference == ScoreInterval(0, 0, 0)


def test_proportions_can_be_compared_too():
    labels, first = answers(np.arange(40) % 4 > 0)
    _, second = answers(np.arange(40) % 8 > 0)

    def accuracy(labels, probabilities):
        return Proportion(int((probabilities.argmax(axis=1) == labels).sum()), len(labels))

    assert paired_difference(accuracy, labels, first, second) == paired_difference(right, labels, first, second)


def test_a_class_of_one_image_may_be_anything():
    def recall_of_rare_class(labels, probabilities):
        rare = labels == 1
        return float((probabilities[rare].argmax(axis=1) == 1).mean()) if rare.any() else math.nan

    labels = np.array([0] * 18 + [1])
    interval = score_interval(recall_of_rare_class, labels, np.eye(2)[labels], bounds=(0, 1))
    assert ends(interval) == pytest.approx(ends(wilson(1, 1)), abs=1e-3)


def test_a_score_with_bounds_has_them_as_its_interval_where_nothing_can_be_left_out():
    labels, probabilities = answers(np.ones(1, dtype=bool))
    assert score_interval(right, labels, probabilities, bounds=(0, 1)) == ScoreInterval(1.0, 0.0, 1.0)


@pytest.mark.parametrize("rows", [0, 1])
def test_fewer_than_two_items_or_groups_allow_no_interval(rows):
    labels, probabilities = answers(np.ones(rows, dtype=bool))
    assert not score_interval(log_loss, labels, probabilities).has_interval
    labels, probabilities = answers(np.ones(5, dtype=bool))
    assert score_interval(right, labels, probabilities, groups=np.zeros(5)) == ScoreInterval(1.0)


def test_a_score_that_is_mostly_undefined_has_no_interval():
    interval = score_interval(lambda labels, probabilities: math.nan, np.zeros(5, dtype=int), np.ones((5, 1)))
    assert interval == ScoreInterval()


def test_the_interval_of_a_mean_of_hits_is_wilsons():
    labels, probabilities = answers(np.arange(37) % 5 > 0)
    found = score_interval(right, labels, probabilities)
    expected = wilson(int((np.arange(37) % 5 > 0).sum()), 37)
    assert ends(found) == pytest.approx(ends(expected), abs=1e-4)


def test_blocks_of_many_images_give_nearly_the_interval_of_single_ones():
    rng = np.random.default_rng(0)
    true = np.exp(-rng.gamma(2, 0.3, 3000))
    labels, probabilities = np.zeros(3000, dtype=int), np.stack([true, 1 - true], axis=1)
    found = score_interval(log_loss, labels, probabilities)
    half = 1.96 * np.log(true).std() / math.sqrt(3000)
    assert ends(found) == pytest.approx((found.value - half, found.value + half), rel=0.01)
    other = score_interval(log_loss, labels, probabilities, seed=1)
    assert found == score_interval(log_loss, labels, probabilities) != other


def test_groups_of_another_length_are_refused():
    with pytest.raises(ValueError, match="3 groups for 4 items"):
        score_interval(right, *answers(np.ones(4, dtype=bool)), groups=np.arange(3))


def test_a_slow_score_is_asked_a_hundred_times_only():
    calls = []

    def slow(labels: np.ndarray, probabilities: np.ndarray) -> float:
        calls.append(1)
        time.sleep(0.01)
        return right(labels, probabilities)

    labels, probabilities = answers(np.arange(400) % 4 > 0)
    found = score_interval(slow, labels, probabilities)
    assert found.low < found.value < found.high
    assert len(calls) < 120
