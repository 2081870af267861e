"""Evaluations: every score with its interval, whatever kind of answer an evaluator gives."""

import json
import math

import numpy as np
import pytest

from autotl.errors import PluginError
from autotl.evidence.evaluations import Evaluation, evaluate
from autotl.evidence.intervals import wilson
from autotl.interfaces import Evaluator
from autotl.predictions import Predictions
from autotl_plugins.evaluators import classification

EVALUATORS = {evaluator.name: evaluator for evaluator in classification.register_evaluators()}
CLASSES = ("cat", "dog", "owl")


def predictions(*, n: int = 90, n_labelled: int = 3) -> Predictions:
    rng = np.random.default_rng(0)
    labels = np.arange(n) % n_labelled
    probabilities = rng.dirichlet(np.ones(3), n) + 0.3 * np.eye(3)[labels]
    return Predictions(np.arange(n), labels, probabilities / probabilities.sum(axis=1, keepdims=True))


def test_every_score_has_a_value_inside_its_interval():
    evaluation = evaluate(predictions(), EVALUATORS, CLASSES)
    assert set(evaluation.scores) == {
        *("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "roc_auc"),
        *(f"{name}[{class_name}]" for name in ("recall", "precision") for class_name in CLASSES),
    }
    for score in evaluation.scores.values():
        assert score.low <= score.value <= score.high
        assert score.low < score.high


def test_the_confusion_matrix_has_the_true_classes_as_rows():
    certain = Predictions(np.arange(3), np.array([0, 0, 2]), np.eye(3)[[0, 1, 1]])
    evaluation = evaluate(certain, {}, CLASSES)
    assert evaluation.confusion.tolist() == [[1, 1, 0], [0, 0, 0], [0, 1, 0]]
    assert evaluation.n_items == 3
    assert list(evaluation.n_by_class.values()) == [2, 0, 1]


def test_proportions_get_wilsons_interval():
    evaluation = evaluate(predictions(), EVALUATORS, CLASSES)
    hits = int(evaluation.confusion.trace())
    accuracy = evaluation.scores["accuracy"]
    assert accuracy == wilson(hits, 90)
    hits = int(evaluation.confusion[1, 1])
    recall = evaluation.scores["recall[dog]"]
    assert recall == wilson(hits, 30)


def test_a_class_without_labels_has_an_undefined_recall_between_0_and_1():
    recall = evaluate(predictions(n_labelled=2), EVALUATORS, CLASSES).scores["recall[owl]"]
    assert math.isnan(recall.value)
    assert (recall.low, recall.high) == (0, 1)


def test_groups_of_like_items_widen_every_interval():
    one = predictions(n=30)
    copies = Predictions(np.arange(240), np.repeat(one.labels, 8), np.repeat(one.probabilities, 8, axis=0))
    groups = np.repeat(np.arange(30), 8)
    honest = evaluate(copies, EVALUATORS, CLASSES, groups=groups).scores
    deceived = evaluate(copies, EVALUATORS, CLASSES).scores
    for name in EVALUATORS.keys() - {"recall", "precision"} | {"recall[cat]", "precision[owl]"}:
        assert honest[name].value == deceived[name].value
        assert honest[name].high - honest[name].low > 1.5 * (deceived[name].high - deceived[name].low)


def test_groups_of_one_item_change_next_to_nothing():
    plain = evaluate(predictions(), EVALUATORS, CLASSES).scores
    grouped = evaluate(predictions(), EVALUATORS, CLASSES, groups=np.arange(90)).scores
    for name, score in plain.items():
        assert grouped[name].low == pytest.approx(score.low, abs=0.01)
        assert grouped[name].high == pytest.approx(score.high, abs=0.01)


def test_an_evaluation_survives_json():
    evaluation = evaluate(predictions(n_labelled=2), EVALUATORS, CLASSES)
    text = json.dumps(evaluation.to_json(), allow_nan=False)
    found = Evaluation.from_json(json.loads(text))
    assert found.to_json() == evaluation.to_json()
    assert found.classes == CLASSES
    assert math.isnan(found.scores["recall[owl]"].value)
    assert np.array_equal(found.confusion, evaluation.confusion)


def test_intervals_of_few_images_do_not_depend_on_chance():
    first, other = (evaluate(predictions(), EVALUATORS, CLASSES, seed=s).to_json() for s in (1, 2))
    assert first == other


def test_an_evaluator_that_fails_is_named():
    def score(labels, probabilities):
        raise ZeroDivisionError("division by zero")

    with pytest.raises(PluginError, match="evaluator 'kappa' failed on 90 items of 3 classes: ZeroDivisionError"):
        evaluate(predictions(), {"kappa": Evaluator("kappa", score)}, CLASSES)


def test_an_evaluator_that_fails_without_some_image_only_is_named():
    def score(labels, probabilities):
        return 1 / int((labels == 2).sum())

    rare = Predictions(np.arange(20), np.array([0] * 18 + [1, 2]), np.full((20, 3), 1 / 3))
    with pytest.raises(PluginError, match="evaluator 'fragile' failed"):
        evaluate(rare, {"fragile": Evaluator("fragile", score)}, CLASSES)


@pytest.mark.parametrize("answer", ["high", None, [0.5, 0.5, 0.5], ()])
def test_an_evaluator_that_answers_something_else_is_named(answer):
    with pytest.raises(PluginError, match=r"evaluator 'odd' returned .* expected a number, a Proportion, or one"):
        evaluate(predictions(), {"odd": Evaluator("odd", lambda labels, probabilities: answer)}, CLASSES)


def test_numpy_numbers_are_numbers():
    evaluators = {"mean": Evaluator("mean", lambda labels, probabilities: probabilities[:, 0].mean(dtype=np.float32))}
    assert evaluate(predictions(), evaluators, CLASSES).scores["mean"].value == pytest.approx(1 / 3, abs=0.05)


def test_class_names_and_groups_of_another_length_are_refused():
    with pytest.raises(ValueError, match="2 class names for probabilities of 3 classes"):
        evaluate(predictions(), {}, CLASSES[:2])
    with pytest.raises(ValueError, match="4 groups for 90 predictions"):
        evaluate(predictions(), {}, CLASSES, groups=np.arange(4))
