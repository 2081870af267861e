"""Which evaluators score a target, and how they are asked."""

from __future__ import annotations

import numpy as np
import pytest

from autotl.errors import ConfigError
from autotl.evidence.evaluations import evaluate, gives_one_value
from autotl.evidence.evaluators import evaluators_of, objective_of
from autotl.interfaces import Evaluator
from autotl.predictions import Predictions


@pytest.mark.parametrize(
    ("kind", "some", "none"),
    [
        ("classes", {"accuracy", "recall"}, {"r2", "quadratic_kappa", "mean_average_precision"}),
        ("ordered", {"accuracy", "quadratic_kappa"}, {"r2", "exact_match"}),
        ("labels", {"mean_average_precision", "macro_f1"}, {"accuracy", "r2"}),
        ("number", {"r2", "mae"}, {"accuracy", "macro_f1"}),
    ],
)
def test_a_target_is_scored_by_the_evaluators_of_its_kind(plugins, kind, some, none):
    found = set(evaluators_of(plugins, kind))
    assert some <= found
    assert not none & found


def test_an_evaluator_of_numbers_is_given_the_values_themselves():
    seen = []

    def score(numbers, values):
        seen.append((numbers.shape, values.shape))
        return float(np.abs(numbers - values).mean())

    class Offers:
        def all(self, kind):
            return {"mine": Evaluator("mine", score, larger_is_better=False, targets=("number",))}

    [evaluator] = evaluators_of(Offers(), "number").values()
    predictions = Predictions(np.arange(30), np.arange(30.0), np.arange(30.0)[:, None] + 0.5)
    found = evaluate(predictions, {"mine": evaluator}, ())
    assert found.scores["mine"].value == pytest.approx(0.5)
    assert found.confusion.shape == (0, 0)
    assert all(numbers == values for numbers, values in seen)


def test_an_objective_of_another_kind_is_refused_with_those_that_fit(plugins):
    with pytest.raises(ConfigError, match=r"'r2' scores 'number', and the target is 'classes'; choose .* accuracy"):
        objective_of(plugins, "r2", "classes")
    assert objective_of(plugins, "r2", "number").name == "r2"


def test_every_built_in_score_with_one_value_can_be_asked_whether_it_has(plugins):
    for kind in ("classes", "ordered", "labels", "number"):
        for name in evaluators_of(plugins, kind):
            assert gives_one_value(plugins.all(Evaluator)[name]) == (name not in ("recall", "precision"))


@pytest.mark.parametrize("kind", ["labels", "number"])
def test_scores_of_labels_and_numbers_get_intervals_also_where_items_are_alike(plugins, kind):
    rng = np.random.default_rng(0)
    n = 120
    if kind == "labels":
        labels = rng.random((n, 3)) < 0.4
        answers = np.clip(0.5 * labels + 0.7 * rng.random((n, 3)), 0, 1)
    else:
        labels = rng.normal(size=n)
        answers = labels[:, None] + rng.normal(size=(n, 1))
    classes = ("a", "b", "c") if kind == "labels" else ()
    predictions = Predictions(np.arange(n), labels, answers)
    alone = evaluate(predictions, evaluators_of(plugins, kind), classes)
    twins = evaluate(
        Predictions(np.arange(2 * n), np.concatenate([labels] * 2), np.concatenate([answers] * 2)),
        evaluators_of(plugins, kind), classes, groups=np.tile(np.arange(n), 2),
    )  # fmt: skip
    for name, score in alone.scores.items():
        assert score.low < score.value < score.high
        width, of_twins = score.high - score.low, twins.scores[name].high - twins.scores[name].low
        assert of_twins > 0.8 * width, name  # a copy of every item tells nothing new
