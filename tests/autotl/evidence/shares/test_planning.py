"""What labels are expected to tell before anybody gives them."""

from __future__ import annotations

import numpy as np
import pytest
from made_populations import calibrated, labelled, population

from autotl.evidence.intervals import wilson
from autotl.evidence.sampling import draw
from autotl.evidence.shares.planning import expected_widths, labels_needed, planned_strata
from autotl.evidence.shares.post_stratified import LabelledSample, accuracy, class_shares

NONE = np.zeros(0, dtype=int)


def drawn_as_planned(labels, probabilities, n, seed):
    strata, weights = planned_strata(probabilities, n)
    names = [f"{number:05d}" for number in range(len(labels))]
    sample = draw(names, n, strata=strata, weights=weights, seed=seed)
    rows = np.array([int(name) for name in sample.items])
    return LabelledSample(probabilities, rows, labels[rows], np.array([1 / sample.inclusion[i] for i in sample.items]))


@pytest.mark.parametrize(("n_classes", "n"), [(2, 60), (2, 150), (2, 300), (8, 60), (8, 150)])
def test_promised_widths_are_within_a_tenth_of_those_that_come_out(n_classes, n):
    labels, probabilities = calibrated(4000, 0, n_classes=n_classes)
    promised = expected_widths(LabelledSample(probabilities, NONE, NONE), n)
    shares, accuracies = [], []
    for seed in range(40):
        sample = drawn_as_planned(labels, probabilities, n, seed)
        shares.append([(one.high - one.low) / 2 for one in class_shares(sample)])
        one = accuracy(sample)
        accuracies.append((one.high - one.low) / 2)
    assert promised.share == pytest.approx(np.mean(shares, axis=0).max(), rel=0.1)
    assert promised.accuracy == pytest.approx(np.mean(accuracies), rel=0.1)


@pytest.fixture(scope="module")
def digits():
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict

    # Real answers of models that were not fitted on the item; the table is that of tests/benchmarks/bench_shares.py.
    pixels, labels = load_digits(return_X_y=True)
    model = LogisticRegression(C=0.05, solver="newton-cholesky")
    return labels, cross_val_predict(model, pixels / 8, labels, cv=5, method="predict_proba")


@pytest.mark.parametrize("n", [100, 300])
def test_a_planned_sample_needs_at_most_half_the_labels_of_a_random_one_with_wilson(digits, n):
    labels, probabilities = digits
    widths = []
    for seed in range(10):
        sample = drawn_as_planned(labels, probabilities, n, seed)
        widths.append([one.high - one.low for one in (*class_shares(sample), accuracy(sample))])
    right = float((probabilities.argmax(axis=1) == labels).mean())
    truths = [*(np.bincount(labels) / len(labels)), right]
    plain = [(lambda one: one.high - one.low)(wilson(truth * 2 * n, 2 * n)) for truth in truths]
    mean = np.mean(widths, axis=0)
    assert mean[:-1].mean() <= np.mean(plain[:-1])
    assert mean[-1] <= plain[-1]


def test_more_labels_are_needed_for_narrower_intervals():
    _, probabilities = calibrated(3000, 1)
    sample = LabelledSample(probabilities, NONE, NONE)
    wide, narrow = (labels_needed(sample, within=within) for within in (0.06, 0.03))
    assert 20 < wide < narrow < 3000
    assert expected_widths(sample, narrow).share <= 0.03 < expected_widths(sample, narrow - 1).share + 0.003


def test_the_labels_there_are_correct_a_model_that_is_too_sure():
    labels, probabilities = calibrated(3000, 2, n_classes=2)
    sure = probabilities**4 / (probabilities**4).sum(axis=1, keepdims=True)
    before = labels_needed(LabelledSample(sure, NONE, NONE), within=0.04)
    after = labels_needed(labelled(labels, sure, 100, 0), within=0.04)
    assert after > 1.3 * before


@pytest.mark.parametrize("n", [100, 300])
def test_promised_widths_hold_where_images_of_one_person_are_alike(n):
    random = np.random.default_rng(0)
    labels, probabilities = calibrated(3000, 1, n_classes=2, sharpness=1.0)
    people = np.arange(3000) // 30
    labels = np.where(random.random(3000) < 0.6, labels[people * 30], labels)
    promised, found = [], []
    for seed in range(20):
        for n_labels, widths in ((100, promised), (n, found)):
            plain = labelled(labels, probabilities, n_labels, seed)
            sample = LabelledSample(probabilities, plain.rows, plain.labels, clusters=people)
            one = class_shares(sample)[0]
            widths.append(
                expected_widths(sample, n, neyman=False).share if widths is promised else (one.high - one.low) / 2
            )
    assert np.mean(promised) == pytest.approx(np.mean(found), rel=0.1)


def test_a_few_labels_are_drawn_at_random_and_more_of_them_in_strata():
    _, probabilities = calibrated(2000, 3)
    assert planned_strata(probabilities, 60) == (None, None)
    strata, weights = planned_strata(probabilities, 200)
    assert strata is not None
    assert len(strata) == 2000
    assert set(weights) == set(strata)


def test_a_planned_sample_gives_narrower_intervals_than_a_random_one_even_of_a_common_class():
    planned, random = [], []
    for seed in range(20):
        labels, probabilities = population(0.3, seed)
        for widths, sample in (
            (planned, drawn_as_planned(labels, probabilities, 100, seed)),
            (random, labelled(labels, probabilities, 100, seed)),
        ):
            one = class_shares(sample)[1]
            widths.append(one.high - one.low)
    assert np.mean(planned) < 0.9 * np.mean(random)


def test_with_few_labels_per_class_the_strata_differ_only_in_confidence():
    _, probabilities = calibrated(2000, 5, n_classes=8)
    strata, _ = planned_strata(probabilities, 100)
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    names = np.array(strata)[order]
    assert (names[1:] != names[:-1]).sum() == len(set(names)) - 1


def test_labels_needed_are_never_more_than_there_are_items():
    _, probabilities = calibrated(40, 4)
    assert labels_needed(LabelledSample(probabilities, NONE, NONE), within=0.001) == 40
