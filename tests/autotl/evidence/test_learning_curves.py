"""Learning curves become gains with intervals; those of the back-test on real images hold as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import average_precision_score, r2_score

from autotl.evidence.extrapolation import LearningCurve
from autotl.evidence.learning_curve_words import describe, figure, is_worth, table
from autotl.evidence.learning_curves import _fewer, balanced_error, class_worth, curve_points, gain_of
from autotl.interfaces import ScoreInterval
from autotl.predictions import Predictions
from autotl.runs.learning_curves import MoreImages

SHARES = (0.25, 0.5, 1.0)


def curve(n, errors, *, labels=None):
    """A curve whose answers to n items have these errors; what is wrong with more images is wrong with fewer."""
    labels, rows = np.arange(n) % 2 if labels is None else labels, np.arange(n)
    hard = np.random.default_rng(0).permutation(n)
    found = [Predictions(rows, labels, np.eye(2)[np.where(hard < round(e * n), 1 - labels, labels)]) for e in errors]
    return LearningCurve(SHARES, tuple(found))


def worth(errors, *, n=400, n_images=400, label="town"):
    """What 30 more images of a class with such a curve are worth."""
    return class_worth(curve(n, errors, labels=np.zeros(n, int)), label, n_images, groups=None, seed=0)


def test_points_hold_what_was_measured_and_twice_as_many_images_ahead():
    points = curve_points(curve(1000, (0.4, 0.28, 0.2)), 800, groups=None, seed=0)
    assert [point.n_images for point in points if point.is_measured] == [200, 400, 800]
    assert points[-1].n_images == 1600
    assert points[2].score.value == pytest.approx(0.8)
    gain = gain_of(points)
    assert gain.low < gain.value < gain.high
    assert 0.02 < gain.value < 0.08


def test_a_curve_of_numbers_shows_r2_and_one_of_labels_the_mean_average_precision():
    rng, rows = np.random.default_rng(1), np.arange(400)
    numbers = rng.normal(20, 5, 400)
    tags = rng.random((400, 3)) < 0.3
    noise = (3.0, 2.2, 1.6)
    of_numbers = [Predictions(rows, numbers, (numbers + 1.5 * one * rng.normal(size=400))[:, None]) for one in noise]
    of_tags = [
        Predictions(rows, tags, 1 / (1 + np.exp(-(2.0 * tags - 1) - one * rng.normal(size=tags.shape))))
        for one in noise
    ]
    for predictions, score in (
        (of_numbers, lambda one: r2_score(one.labels, one.probabilities[:, 0])),
        (of_tags, lambda one: average_precision_score(one.labels, one.probabilities)),
    ):
        points = curve_points(LearningCurve(SHARES, tuple(predictions)), 300, groups=None, seed=0)
        measured = [point.score.value for point in points if point.is_measured]
        assert measured == pytest.approx([score(one) for one in predictions])
        gain = gain_of(points)
        assert 0 < gain.low < gain.value < gain.high < 1 - measured[-1] + 1e-9


def test_too_many_answers_to_labels_are_resampled_on_some_items_only():
    tags = np.random.default_rng(2).random((2000, 20)) < 0.2
    whole = LearningCurve((1.0,), (Predictions(np.arange(2000), tags, tags.astype(float)),))
    fewer, groups = _fewer(whole, np.arange(2000) // 2, 0)
    assert len(fewer.predictions[0].items) == len(groups) == 1000
    assert _fewer(curve(50, (0.4, 0.3, 0.2)), None, 0)[0].predictions[0].items.shape == (50,)


def test_a_steep_curve_is_worth_more_images_and_a_flat_one_is_not():
    steep, flat = worth((0.5, 0.34, 0.22), n_images=60), worth((0.02, 0.02, 0.02))
    assert is_worth(steep)
    assert steep.gain.value > 0.03
    assert not is_worth(flat)


def test_no_gain_is_larger_than_the_error_that_is_left():
    one = worth((0.4, 0.1, 0.01), n=60, n_images=10)
    assert one.gain.high <= 0.02


def test_few_images_leave_a_gain_more_uncertain():
    few, many = (worth((0.5, 0.34, 0.22), n=n, n_images=60).gain for n in (30, 3000))
    assert few.high - few.low > 1.5 * (many.high - many.low)


def test_it_says_which_classes_are_worth_more_images_in_one_sentence():
    classes = (worth((0.5, 0.34, 0.22), n_images=60), worth((0.02, 0.02, 0.02), label="food"))
    points = curve_points(curve(1000, (0.4, 0.28, 0.2)), 800, groups=None, seed=0)
    found = MoreImages("a head", points, gain_of(points), 30, classes, ("space",))
    first, second = describe(found)
    assert first.startswith("Twice as many images are worth")
    assert "30 more of town are worth" in first
    assert "no certain gain from 30 more of food" in first
    assert "space" in second
    assert len(table(found).rows) == 2
    assert len(figure(found).spec["data"]["values"]) == len(points) + 1
    assert MoreImages.from_json(found.to_json()) == found


def test_a_gain_that_may_be_nothing_is_not_called_worth():
    [sentence] = describe(MoreImages(twice=ScoreInterval(0.002, -0.01, 0.014)))
    assert sentence.startswith("Twice as many images would bring no certain gain: 0.2 points")


def test_the_interval_for_twice_the_images_holds_on_digits():
    images, labels = load_digits(return_X_y=True)
    vectors = PCA(40, random_state=0).fit_transform(images / 16)
    held = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(labels))
        asked, pool = order[:600], order[600:1400]

        def answers(n, asked=asked, pool=pool):
            head = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(vectors[pool[:n]], labels[pool[:n]])
            return Predictions(np.arange(len(asked)), labels[asked], head.predict_proba(vectors[asked]))

        known = LearningCurve(SHARES, tuple(map(answers, (100, 200, 400))))
        twice = curve_points(known, 400, groups=None, seed=seed)[-1].score
        later = answers(800)
        held += twice.low <= 1 - balanced_error(later.labels, later.probabilities) <= twice.high
    assert 6 <= held <= 10
