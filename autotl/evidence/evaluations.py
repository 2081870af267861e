"""Evaluations: every score of some predictions with its interval, and the confusion matrix."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, TypedDict, cast

import numpy as np

from autotl.errors import PluginError
from autotl.evidence.intervals import (
    FEW_CALLS,
    ScoreFunction,
    affordable_calls,
    clustered_wilson,
    score_interval,
    seconds_of,
    wilson,
)
from autotl.interfaces import Evaluator, Proportion, ScoreInterval
from autotl.predictions import Predictions
from autotl.runtime.blame import where_of_plugin
from autotl.targets import CLASSES, LABELS, NUMBER, ORDERED, kind_of


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What predictions are worth.

    scores: by the evaluator's name; the scores of one class are named "recall[cat]". confusion: int (n_classes,
    n_classes), rows the true class, columns the most probable one; (0, 0) where an item has several labels or a number.
    """

    scores: dict[str, ScoreInterval]
    confusion: np.ndarray
    classes: tuple[str, ...]
    n_items: int

    @property
    def n_by_class(self) -> dict[str, int]:
        """Number of items of each class."""
        return dict(zip(self.classes, self.confusion.sum(axis=1).tolist(), strict=False))

    def to_json(self) -> EvaluationDocument:
        """Plain dictionaries and lists."""
        return {
            "scores": {name: score.to_json() for name, score in self.scores.items()},
            "confusion": self.confusion.tolist(),
            "classes": list(self.classes),
            "n_items": self.n_items,
        }

    @classmethod
    def from_json(cls, document: EvaluationDocument) -> Evaluation:
        """Read what `to_json` gave."""
        return cls(
            scores={name: ScoreInterval.from_json(score) for name, score in document["scores"].items()},
            confusion=np.array(document["confusion"], dtype=np.int64),
            classes=tuple(document["classes"]),
            n_items=document["n_items"],
        )


class EvaluationDocument(TypedDict):
    """An evaluation as plain dictionaries and lists."""

    scores: dict[str, dict[str, float | None]]
    confusion: list[list[int]]
    classes: list[str]
    n_items: int


def evaluate(
    predictions: Predictions,
    evaluators: Mapping[str, Evaluator],
    classes: Sequence[str],
    *,
    groups: np.ndarray | None = None,
    seed: int = 0,
) -> Evaluation:
    """Score predictions with every evaluator.

    classes: the names of the classes, in the order of the probabilities. groups: (n,), one value per prediction;
    where given, intervals allow for items of one group being alike. Raises PluginError that names an evaluator which
    fails or breaks its contract.
    """
    n, n_classes = predictions.probabilities.shape
    kind = kind_of(predictions.labels)
    if len(classes) != n_classes and kind != NUMBER:
        raise ValueError(f"{len(classes)} class names for probabilities of {n_classes} classes")
    if groups is not None and len(groups) != n:
        raise ValueError(f"{len(groups)} groups for {n} predictions; expected one per prediction")
    scores: dict[str, ScoreInterval] = {}
    for name, evaluator in evaluators.items():
        try:
            scores |= _scores(name, evaluator, predictions, classes, groups, seed)
        except PluginError:
            raise
        except Exception as error:
            raise PluginError(
                f"evaluator {name!r}{where_of_plugin(evaluator.score)} failed on {n} items of {n_classes} classes: "
                f"{type(error).__name__}: {error}. Leave its plugin out, "
                "or report this to its author."
            ) from error
    if kind != CLASSES:
        return Evaluation(scores, np.zeros((0, 0), dtype=np.int64), tuple(classes), n)
    predicted = predictions.probabilities.argmax(axis=1)
    pairs = np.bincount(predictions.labels * n_classes + predicted, minlength=n_classes**2)
    return Evaluation(scores, pairs.reshape(n_classes, n_classes), tuple(classes), n)


def gives_one_value(evaluator: Evaluator) -> bool:
    """Whether an evaluator can be an objective: one number, not one per class; PluginError if it cannot be asked."""
    labels: np.ndarray = np.array([0, 1])
    if not {CLASSES, ORDERED} & set(evaluator.targets):
        labels = np.eye(2, dtype=bool) if LABELS in evaluator.targets else np.array([0.0, 1.0])
    try:
        answer = evaluator.score(labels, np.array([0.0, 1.0]) if labels.dtype.kind == "f" else np.eye(2))
    except PluginError:
        raise
    except Exception as error:
        raise PluginError(f"the objective {evaluator.name!r} fails: {type(error).__name__}: {error}") from error
    if not (is_number(answer) or isinstance(answer, Proportion) or _is_one_per_class(answer, 2)):
        raise _wrong_answer(evaluator, answer, 2)
    return not isinstance(answer, Sequence)


def is_number(answer: object) -> bool:
    """Whether an evaluator's answer is one number; NaN is one, for an undefined score."""
    return not isinstance(answer, bool) and isinstance(answer, Real) and not math.isinf(answer)


def _wrong_answer(evaluator: Evaluator, answer: object, n_classes: int) -> PluginError:
    return PluginError(
        f"evaluator {evaluator.name!r}{where_of_plugin(evaluator.score)} returned {answer!r:.200}; expected a number, "
        f"a Proportion, or one Proportion for each of the {n_classes} classes"
    )


def _scores(
    name: str,
    evaluator: Evaluator,
    predictions: Predictions,
    classes: Sequence[str],
    groups: np.ndarray | None,
    seed: int,
) -> dict[str, ScoreInterval]:
    labels, probabilities = predictions.labels, predictions.probabilities
    answer: Any = evaluator.score(labels, probabilities)
    if is_number(answer):
        score, bounds = _one_number(evaluator), evaluator.bounds
        if bounds and not math.isnan(answer) and not bounds[0] <= answer <= bounds[1]:
            raise PluginError(
                f"evaluator {name!r}{where_of_plugin(evaluator.score)} returned {answer}, but its bounds are {bounds}"
            )
        return {name: score_interval(score, labels, probabilities, groups=groups, seed=seed, bounds=bounds)}
    if isinstance(answer, Proportion):
        names, proportions = [name], [answer]
    elif _is_one_per_class(answer, len(classes)):
        names, proportions = [f"{name}[{class_name}]" for class_name in classes], list(answer)
    else:
        raise _wrong_answer(evaluator, answer, len(classes))
    if groups is None:
        intervals = [wilson(proportion.successes, proportion.trials) for proportion in proportions]
    elif affordable_calls(seconds_of(evaluator.score, labels, probabilities)) == FEW_CALLS:
        # To ask for every group would take minutes: each counts as one trial instead, which is cautious.
        share = len(np.unique(groups)) / len(groups)
        intervals = [wilson(share * proportion.successes, share * proportion.trials) for proportion in proportions]
    else:
        successes, trials = _counts_by_group(evaluator, labels, probabilities, groups)
        intervals = [clustered_wilson(successes[:, i], trials[:, i]) for i in range(len(names))]
    return {
        name: replace(interval, value=p.successes / p.trials if p.trials else math.nan)
        for name, p, interval in zip(names, proportions, intervals, strict=True)
    }


def _one_number(evaluator: Evaluator) -> ScoreFunction:
    """The score of an evaluator that is known to answer with one number."""
    return cast(ScoreFunction, evaluator.score)


def _is_one_per_class(answer: Any, n_classes: int) -> bool:
    return (
        isinstance(answer, Sequence)
        and len(answer) == n_classes
        and all(isinstance(proportion, Proportion) for proportion in answer)
    )


def _counts_by_group(
    evaluator: Evaluator, labels: np.ndarray, probabilities: np.ndarray, groups: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Successes and trials of each proportion in each group, int (n_groups, n_proportions)."""
    successes, trials = [], []
    for group in np.unique(groups):
        rows = groups == group
        answer: Any = evaluator.score(labels[rows], probabilities[rows])
        proportions = [answer] if isinstance(answer, Proportion) else answer
        successes.append([proportion.successes for proportion in proportions])
        trials.append([proportion.trials for proportion in proportions])
    return np.array(successes), np.array(trials)
