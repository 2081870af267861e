"""Shares corrected by labels: they cover, they never have no width, and weights and clusters count."""

from __future__ import annotations

import numpy as np
import pytest
from made_populations import calibrated, labelled, population

from autotl.evidence.intervals import wilson
from autotl.evidence.shares.post_stratified import LabelledSample, accuracy, class_shares


@pytest.mark.parametrize(("prevalence", "n"), [(0.02, 100), (0.05, 300), (0.3, 100)])
def test_intervals_cover_and_the_models_own_count_does_not(prevalence, n):
    # The full table is that of tests/benchmarks/bench_shares.py.
    times, covered, naive_covered, width, plain_width = 150, 0, 0, 0.0, 0.0
    for seed in range(times):
        labels, probabilities = population(prevalence, seed, 4000)
        sample = labelled(labels, probabilities, n, seed)
        one, share = class_shares(sample)[1], labels.mean()
        covered += one.low <= share <= one.high
        answered = wilson(int(probabilities.argmax(axis=1).sum()), len(labels))
        naive_covered += answered.low <= share <= answered.high
        plain = wilson(int(labels[sample.rows].sum()), n)
        width, plain_width = width + one.high - one.low, plain_width + plain.high - plain.low
    assert covered >= 0.91 * times
    assert naive_covered == 0
    assert width < plain_width


def test_the_shares_of_all_classes_sum_to_one():
    labels, probabilities = calibrated(900, 3)
    shares = class_shares(labelled(labels, probabilities, 80, 0))
    assert sum(one.value for one in shares) == pytest.approx(1)
    assert all(one.low <= one.value <= one.high for one in shares)


def test_what_was_labelled_is_known_and_only_the_rest_is_uncertain():
    labels, probabilities = calibrated(200, 4)
    widths = []
    for n in (50, 100, 190):
        one = class_shares(labelled(labels, probabilities, n, 1))[0]
        widths.append(one.high - one.low)
    assert widths[0] > widths[1] > widths[2] > 0
    assert widths[2] < 0.05


def test_an_interval_leaves_room_for_what_was_counted():
    labels, probabilities = calibrated(60, 5)
    sample = labelled(labels, probabilities, 40, 1)
    for number, one in enumerate(class_shares(sample)):
        counted = int((sample.labels == number).sum())
        assert one.low >= counted / 60 or one.low == one.value
        assert one.high <= 1 - (40 - counted) / 60 or one.high == one.value


def test_even_a_census_has_an_interval():
    labels, probabilities = calibrated(50, 6)
    for one in class_shares(LabelledSample(probabilities, np.arange(50), labels)):
        assert one.low < one.high
        assert one.low <= one.value <= one.high


def test_a_class_that_was_never_coded_is_bounded_not_excluded():
    labels, probabilities = calibrated(1000, 7)
    sample = labelled(np.where(labels == 2, 0, labels), probabilities, 60, 0)
    absent = class_shares(sample)[2]
    assert (absent.value, absent.low) == (0, 0)
    assert 0.01 < absent.high < 0.2


def test_codings_that_are_all_one_class_do_not_make_the_others_impossible():
    _, probabilities = calibrated(1000, 8)
    rows = np.arange(0, 1000, 20)
    first, second, _ = class_shares(LabelledSample(probabilities, rows, np.zeros(50, dtype=int)))
    assert first.value == first.high == 1
    assert first.low < 0.97
    assert second.high > 0.03


def test_without_labels_nothing_is_known():
    _, probabilities = calibrated(100, 9)
    none = np.zeros(0, dtype=int)
    one = class_shares(LabelledSample(probabilities, none, none))[0]
    assert not one.is_defined
    assert (one.low, one.high) == (0, 1)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_few_labels_give_wide_intervals_and_no_error(n):
    labels, probabilities = calibrated(500, 10)
    one = class_shares(labelled(labels, probabilities, n, 0))[0]
    assert one.high - one.low > 0.3


def test_labels_that_were_drawn_more_often_count_less():
    labels, _ = population(0.3, 0, 5000)
    flat = np.tile([0.501, 0.499], (5000, 1))
    rare = np.flatnonzero(labels == 1)
    common = np.flatnonzero(labels == 0)
    random = np.random.default_rng(0)
    rows = np.concatenate([random.choice(rare, 150, replace=False), random.choice(common, 50, replace=False)])
    weights = np.concatenate([np.full(150, len(rare) / 150), np.full(50, len(common) / 50)])
    weighted = class_shares(LabelledSample(flat, rows, labels[rows], weights))[1]
    plain = class_shares(LabelledSample(flat, rows, labels[rows]))[1]
    assert weighted.value == pytest.approx(labels.mean(), abs=0.03)
    assert plain.low > 0.6
    assert weighted.low <= labels.mean() <= weighted.high


@pytest.mark.parametrize("heavy", [False, True])
def test_labels_that_disagree_cost_as_much_precision_as_their_weight(heavy):
    # Half of the labels have four times the weight of the others; only one half contains both classes.
    flat = np.tile([0.501, 0.499], (100_000, 1))
    labels = np.repeat([0, 0, 1], [200, 100, 100])
    weights = np.repeat([1.0, 4.0] if heavy else [4.0, 1.0], 200)
    one = class_shares(LabelledSample(flat, np.arange(400), labels, weights))[1]
    mean = (weights * labels).sum() / weights.sum()
    deviation = np.sqrt((weights**2 * (labels - mean) ** 2).sum()) / weights.sum()
    assert one.value == pytest.approx(mean)
    assert one.high - one.low == pytest.approx(2 * 1.96 * deviation, rel=0.03)


def test_a_stratum_sampled_at_a_lower_rate_is_expected_to_vary_less():
    # Neyman's allocation: 20 labels of 10,000 items that all agree, and 180 of 2,000 that do not.
    second = np.repeat([0.01, 0.55], [10_000, 2_000])
    rows = np.concatenate([np.arange(20) * 500, 10_000 + np.arange(180) * 11])
    labels = np.concatenate([np.zeros(20, dtype=int), np.arange(180) % 2])
    weights = np.repeat([500.0, 2_000 / 180], [20, 180])
    by_design = class_shares(LabelledSample(np.column_stack([1 - second, second]), rows, labels, weights))[1]
    by_chance = class_shares(LabelledSample(np.column_stack([1 - second, second]), rows, labels))[1]
    assert by_design.value == pytest.approx(by_chance.value)
    assert by_design.high - by_design.low < 0.8 * (by_chance.high - by_chance.low)


def test_images_of_one_person_count_as_less_than_as_many_of_others():
    labels, probabilities = calibrated(2000, 11)
    people = np.arange(2000) // 20
    alike = labels[(people * 20) % 2000]  # everybody's images have one label
    rows = np.flatnonzero(people % 10 == 0)
    apart = class_shares(LabelledSample(probabilities, rows, alike[rows]))[0]
    together = class_shares(LabelledSample(probabilities, rows, alike[rows], clusters=people))[0]
    assert together.value == apart.value
    assert together.high - together.low > 1.8 * (apart.high - apart.low)


def test_accuracy_comes_from_the_same_labels():
    covered = 0
    for seed in range(100):
        labels, probabilities = calibrated(3000, seed)
        one = accuracy(labelled(labels, probabilities, 100, seed))
        covered += one.low <= (probabilities.argmax(axis=1) == labels).mean() <= one.high
    assert covered >= 90


def test_a_part_of_the_population_keeps_its_own_labels():
    labels, probabilities = calibrated(400, 12)
    sample = labelled(labels, probabilities, 100, 0)
    items = np.arange(400) % 2 == 0
    part = sample.restrict(items)
    assert part.n_items == 200
    assert np.array_equal(np.flatnonzero(items)[part.rows], sample.rows[items[sample.rows]])
    assert np.array_equal(part.probabilities[part.rows], probabilities[sample.rows[items[sample.rows]]])


def test_an_item_labelled_twice_or_a_weight_of_nothing_is_refused():
    _, probabilities = calibrated(10, 0)
    with pytest.raises(ValueError, match="one label per item"):
        LabelledSample(probabilities, np.array([1, 1]), np.array([0, 0]))
    with pytest.raises(ValueError, match="not above 0"):
        LabelledSample(probabilities, np.array([1, 2]), np.array([0, 0]), np.array([1.0, 0.0]))
