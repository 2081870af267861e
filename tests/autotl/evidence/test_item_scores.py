"""A score on many resamples at once is what it is one at a time."""

from __future__ import annotations

import numpy as np
import pytest

from autotl.evidence.item_scores import align, differences, recognise
from autotl.interfaces import Evaluator
from autotl.predictions import Predictions

N, K = 60, 3


@pytest.fixture
def answers():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, K, N)
    all_items = [np.arange(N), np.arange(N), np.arange(0, N, 2)]
    given = [Predictions(i, labels[i], rng.dirichlet(np.ones(K), len(i))) for i in all_items]
    return align(given, np.arange(N))


@pytest.mark.parametrize(
    ("name", "known"),
    [("accuracy", True), ("balanced_accuracy", True), ("log_loss", True), ("macro_f1", False), ("roc_auc", False)],
)
def test_a_mean_over_items_is_recognised_and_gives_what_the_evaluator_gives(plugins, answers, name, known):
    score = plugins.all(Evaluator)[name].score
    form = recognise(score, answers)
    assert (form is not None) == known
    weights = np.random.default_rng(1).multinomial(N, np.full(N, 1 / N), size=20).astype(float)
    one_by_one = differences(score, None, answers, weights)
    assert (one_by_one[:, 0] == 0).all()
    if form:
        np.testing.assert_allclose(differences(score, form, answers, weights), one_by_one, atol=1e-6)


def test_a_candidate_is_compared_on_the_items_that_it_answers(plugins, answers):
    score = plugins.all(Evaluator)["accuracy"].score
    own = answers.known[2]
    hits = answers.probabilities.argmax(axis=2) == answers.labels
    found = differences(score, recognise(score, answers), answers, np.ones((1, N)))[0]
    assert found[2] == pytest.approx(hits[2, own].mean() - hits[0, own].mean())
    elsewhere = np.where(own, 0.0, 1.0)[None]
    assert np.isnan(differences(score, recognise(score, answers), answers, elsewhere)[0, 2])
