"""The objective is one number with a direction, comparable between probes and fine-tune trials."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autotl.errors import ConfigError
from autotl.interfaces import Evaluator
from autotl.predictions import Predictions
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.search.objective import all_values
from autotl.search.probe_trials import probe

GIVEN = Predictions(np.arange(3), np.array([0, 0, 1]), np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]]))


@pytest.fixture
def default(make_context, candidate):
    """default(objective="log_loss"): the context and the untuned default's predictions."""

    def default(**options):
        context = make_context(**options)
        return context, probe(context, candidate(), fixed_hyperparameters({})).predictions

    return default


@pytest.mark.parametrize(
    ("objective", "value", "sign"),
    [("accuracy", 2 / 3, 1), ("balanced_accuracy", 0.75, 1), ("log_loss", -np.log([0.9, 0.4, 0.8]).mean(), -1)],
)
def test_the_objective_is_a_number_with_a_direction(make_context, objective, value, sign):
    found = make_context(objective=objective).objective
    assert found.value(GIVEN) == pytest.approx(value)
    assert found.sign == sign


def test_a_misspelt_objective_is_answered_with_the_nearest(make_context):
    with pytest.raises(ConfigError, match="did you mean 'accuracy'"):
        make_context(objective="acuracy")


def test_the_score_of_a_trial_has_an_interval_around_it(default):
    context, predictions = default()
    score = context.objective.score(predictions)
    assert score.low <= score.value <= score.high
    assert score.value == context.objective.value(predictions)


def test_an_evaluator_that_fails_is_left_out_of_a_trials_scores(context):
    def explode(labels, probabilities):
        raise RuntimeError("never")

    evaluators = {**context.plugins.all(Evaluator), "broken": Evaluator("broken", explode)}
    items = context.run.split.validation
    labels = context.labels[items]
    values = all_values(evaluators, Predictions(items, labels, np.eye(3)[labels]))
    assert values["accuracy"] == 1.0
    assert "broken" not in values
    assert "recall" not in values


@pytest.mark.parametrize("objective", ["balanced_accuracy", "log_loss"])
def test_a_tuned_trials_score_is_shifted_by_how_much_harder_the_validation_split_is(default, objective):
    context, predictions = default(objective=objective)
    here = predictions.restrict(context.run.split.validation)
    expected = context.objective.value(predictions)
    assert context.objective.score_tuned(here, predictions).value == pytest.approx(expected)


def test_a_tuned_trial_that_errs_elsewhere_than_the_default_is_not_shifted(default):
    """That the validation split is easy for the default says nothing of one that makes no mistake in it."""
    context, predictions = default(objective="accuracy")
    here = predictions.restrict(context.run.split.validation)
    perfect = replace(here, probabilities=np.eye(3)[here.labels])
    assert context.objective.score_tuned(perfect, predictions).value == 1.0


def test_a_loss_may_be_shifted_beyond_1(default):
    context, predictions = default(objective="log_loss")
    here = predictions.restrict(context.run.split.validation)
    # The default does much worse outside the validation split, by as much as would raise any loss above 1.
    elsewhere = ~np.isin(predictions.items, here.items)
    hopeless = np.full(predictions.probabilities.shape, 0.4995)
    hopeless[np.arange(len(hopeless)), predictions.labels] = 0.001
    everywhere = replace(predictions, probabilities=np.where(elsewhere[:, None], hopeless, predictions.probabilities))
    assert context.objective.score_tuned(here, everywhere).value > 1.5
