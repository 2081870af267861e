"""Each label by itself: its average precision with an interval, and a threshold that few items cannot move."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from autotl.evidence.average_precision import average_precisions
from autotl.evidence.per_label import score_labels, thresholds


def draw(n: int, prevalence: float, separation: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    applies = rng.random((n, 1)) < prevalence
    return applies, 1 / (1 + np.exp(2 - rng.normal(size=(n, 1)) - separation * applies))


def test_the_average_precision_is_scikit_learns_and_lies_in_its_interval():
    rng = np.random.default_rng(0)
    labels, probabilities = draw(300, 0.1, 2, rng)
    [found] = score_labels(labels, probabilities)
    score = found.average_precision
    assert score.value == pytest.approx(average_precision_score(labels, probabilities))
    assert 0 <= score.low < score.value < score.high <= 1
    assert (found.n_positive, found.n_known) == (labels.sum(), 300)


def test_fewer_than_five_positives_get_no_score_and_neither_does_a_label_that_all_items_have():
    labels = np.zeros((40, 3), dtype=bool)
    labels[:4, 0], labels[:5, 1], labels[:, 2] = True, True, True
    found = score_labels(labels, np.random.default_rng(0).random((40, 3)))
    assert [one.average_precision.is_defined for one in found] == [False, True, False]
    assert [one.n_positive for one in found] == [4, 5, 40]


def test_unknown_labels_do_not_count():
    rng = np.random.default_rng(0)
    labels, probabilities = draw(200, 0.2, 2, rng)
    partly = np.where(np.arange(200)[:, None] < 120, labels, -1)
    [found], [expected] = score_labels(partly, probabilities), score_labels(labels[:120], probabilities[:120])
    assert found == expected
    assert found.n_known == 120


def test_copies_of_items_in_groups_do_not_make_the_interval_narrower():
    rng = np.random.default_rng(0)
    labels, probabilities = draw(150, 0.2, 1, rng)
    [alone] = score_labels(labels, probabilities)
    copies = labels.repeat(4, axis=0), probabilities.repeat(4, axis=0)
    [grouped] = score_labels(*copies, groups=np.arange(150).repeat(4))
    [ignored] = score_labels(*copies)
    widths = [one.average_precision.high - one.average_precision.low for one in (alone, grouped, ignored)]
    assert widths[1] > 0.8 * widths[0]
    assert widths[2] < 0.7 * widths[0]


@pytest.mark.slow
@pytest.mark.parametrize(("n", "prevalence", "separation"), [(200, 0.3, 1), (300, 0.1, 3), (200, 0.05, 2)])
def test_intervals_of_95_percent_hold_the_true_average_precision_about_as_often(n, prevalence, separation):
    rng = np.random.default_rng(1)
    true = average_precisions(*draw(400_000, prevalence, separation, rng))[0]
    scores = [score_labels(*draw(n, prevalence, separation, rng))[0].average_precision for _ in range(200)]
    scores = [score for score in scores if score.is_defined]
    assert np.mean([score.low <= true <= score.high for score in scores]) > 0.9


def test_with_enough_positives_each_threshold_maximises_the_f1_of_its_label():
    rng = np.random.default_rng(0)
    labels = rng.random((400, 3)) < [0.1, 0.3, 0.5]
    probabilities = np.clip(0.6 * rng.random((400, 3)) + 0.3 * labels, 0, 1).round(2)
    found = thresholds(labels, probabilities)
    assert found.own_share.tolist() == [1, 1, 1]
    for label in range(3):
        best = max(f1_score(labels[:, label], probabilities[:, label] >= t) for t in np.unique(probabilities))
        ours = f1_score(labels[:, label], probabilities[:, label] >= found.values[label])
        assert ours == pytest.approx(best)


def test_below_20_positives_the_log_odds_of_a_threshold_are_drawn_to_the_overall_one_in_proportion():
    rng = np.random.default_rng(0)
    labels = np.zeros((400, 3), dtype=bool)
    labels[:200, 0], labels[:5, 1] = True, True
    probabilities = np.clip(0.1 * rng.random((400, 3)) + labels * [0.3, 0.7, 0], 0, 1)
    found = thresholds(labels, probabilities)
    alone = thresholds(labels[:, :1], probabilities[:, :1])
    assert found.own_share.tolist() == [1, 0.25, 0]
    assert found.values[0] == pytest.approx(alone.values[0])
    assert found.values[2] == found.overall
    odds = np.log(found.values / (1 - found.values))
    own = np.sort(probabilities[:, 1])[::-1]
    own_odds = (own[4] + own[5]) / 2
    expected = 0.25 * np.log(own_odds / (1 - own_odds)) + 0.75 * np.log(found.overall / (1 - found.overall))
    assert odds[1] == pytest.approx(expected)


def test_unknown_labels_move_no_threshold_whether_they_are_marked_or_masked():
    rng = np.random.default_rng(0)
    labels = rng.random((300, 2)) < 0.3
    probabilities = np.clip(0.7 * rng.random((300, 2)) + 0.3 * labels, 0, 1)
    known = rng.random((300, 2)) < 0.7
    marked = thresholds(np.where(known, labels, -1), probabilities)
    masked = thresholds(labels | ~known, np.where(known, probabilities, 0.99), known)
    assert marked.values.tolist() == masked.values.tolist()


def test_without_any_positive_every_threshold_is_one_half():
    assert thresholds(np.zeros((5, 2), dtype=bool), np.full((5, 2), 0.9)).values.tolist() == [0.5, 0.5]


def test_a_threshold_chosen_on_half_of_the_items_does_not_lose_to_one_half_on_the_others():
    rng = np.random.default_rng(0)
    labels = rng.random((4000, 5)) < [0.02, 0.05, 0.1, 0.2, 0.4]
    probabilities = 1 / (1 + np.exp(3 - 2 * labels - rng.normal(size=(4000, 5))))
    chosen = thresholds(labels[:2000], probabilities[:2000]).values
    ours, usual = (
        f1_score(labels[2000:], probabilities[2000:] >= t, average="macro", zero_division=0) for t in (chosen, 0.5)
    )
    assert ours > usual + 0.05
