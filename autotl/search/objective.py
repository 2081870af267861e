"""The objective: the one figure of merit by which trials are compared."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np

from autotl.evidence.evaluations import evaluate
from autotl.evidence.intervals import ScoreFunction, paired_difference
from autotl.interfaces import Evaluator, Proportion, ScoreInterval
from autotl.predictions import Predictions
from autotl.runs.run import Run, cluster_of


@dataclass(frozen=True)
class Objective:
    """An evaluator that gives one value, on the items of a run."""

    evaluator: Evaluator
    run: Run

    @property
    def name(self) -> str:
        """The evaluator's name."""
        return self.evaluator.name

    @property
    def larger_is_better(self) -> bool:
        """Its direction."""
        return self.evaluator.larger_is_better

    @property
    def sign(self) -> int:
        """1 where a larger value is better, else -1."""
        return 1 if self.larger_is_better else -1

    def value(self, predictions: Predictions) -> float:
        """The value without an interval."""
        # `workflows.fit` refuses an objective with a value per class.
        found = cast(ScoreFunction, self.evaluator.score)(predictions.labels, predictions.probabilities)
        return found.value if isinstance(found, Proportion) else float(found)

    def score(self, predictions: Predictions) -> ScoreInterval:
        """The value with its 95 % interval."""
        classes, groups = self.run.dataset.classes, cluster_of(self.run, predictions.items)
        return evaluate(predictions, {self.name: self.evaluator}, classes, groups=groups).scores[self.name]

    def difference(self, first: Predictions, second: Predictions) -> ScoreInterval:
        """The value of the second minus that of the first, with its paired interval; both of the same items."""
        return paired_difference(
            cast(ScoreFunction, self.evaluator.score), first.labels, first.probabilities, second.probabilities,
            groups=cluster_of(self.run, first.items), seed=self.run.config.seed, bounds=self.evaluator.bounds,
        )  # fmt: skip

    def score_tuned(self, tuned: Predictions, default: Predictions) -> ScoreInterval:
        """The objective of a fine-tune trial, made comparable with that of probes.

        tuned: its predictions of the folds that there was time for; they may be easier or harder than all folds
        together. default: the untuned default's predictions of every development item, which tell
        by how much. It is a control variate: the less the hits of the two go together, the less of the difference
        counts (Owen 2013, Monte Carlo theory, section 8.9).
        """
        score, here = self.score(tuned), default.restrict(tuned.items)
        difference = self.value(default) - self.value(here)
        hits = [p.probabilities.argmax(axis=1) == p.labels for p in (tuned, here)]
        (_, covariance), (_, variance) = np.cov(hits)
        shift = difference * float(np.clip(covariance / variance, 0, 1) if variance else 0)
        least, most = self.evaluator.bounds or (-math.inf, math.inf)
        shift = min(max(score.value + shift, least), most) - score.value  # the width stays, whatever is cut off
        return ScoreInterval(score.value + shift, max(score.low + shift, least), min(score.high + shift, most))


def all_values(evaluators: Mapping[str, Evaluator], predictions: Predictions) -> dict[str, float]:
    """Every evaluator's value, those with one value per class, undefined or failing left out."""
    values = {}
    for name, evaluator in evaluators.items():
        try:
            found = evaluator.score(predictions.labels, predictions.probabilities)
        except Exception:  # reported, with its reason, when the champion is evaluated
            continue
        value = found.value if isinstance(found, Proportion) else found
        if isinstance(value, (int, float)) and math.isfinite(value):
            values[name] = float(value)
    return values
