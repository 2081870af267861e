"""Evaluates the abstention rules on the test split, which was not used to calibrate them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from autotl.evidence.abstention.accepting import aurc
from autotl.evidence.abstention.conformal_sets import SetRule, coverage_spread
from autotl.evidence.intervals import accuracy_with_interval, score_interval
from autotl.interfaces import UNDEFINED, ScoreInterval
from autotl.predictions import Predictions
from autotl.runs.doubts import AcceptSummary, ClassSet, NoveltySummary, SetsSummary


def share_with_interval(holds: np.ndarray, groups: np.ndarray | None) -> ScoreInterval:
    """The share of items for which a condition holds; undefined without items. holds: bool (n,); groups: (n,)."""
    return accuracy_with_interval(holds, groups) if len(holds) else UNDEFINED


def judge_sets(rule: SetRule, tested: Predictions, classes: Sequence[str], groups: np.ndarray | None) -> SetsSummary:
    """How often sets contain the true class, for each class and overall, and how large they are."""
    found = rule.contains(tested.probabilities)
    held, sizes = found[np.arange(len(found)), tested.labels], found.sum(axis=1)
    by_class = {}
    for k, name in enumerate(classes):
        own, n = tested.labels == k, int(rule.n_calibration[k])
        low, high = coverage_spread(n, rule.alpha)
        share = share_with_interval(held[own], None if groups is None else groups[own])
        pooled = bool(rule.pooled[k])
        by_class[name] = ClassSet(float(rule.thresholds[k]), n, pooled, low, high, share, int(own.sum()))
    return SetsSummary(
        rule.method, 1 - rule.alpha, by_class, share_with_interval(held, groups), float(sizes.mean()),
        float((sizes == 0).mean()), float((sizes == 1).mean()),
    )  # fmt: skip


def judge_accept_rule(rule: AcceptSummary, tested: Predictions, groups: np.ndarray | None) -> AcceptSummary:
    """The share of answers that are accepted, and the share of wrong answers among them."""
    accepted = tested.probabilities.max(axis=1) >= rule.threshold
    wrong = tested.probabilities.argmax(axis=1) != tested.labels
    of_accepted = share_with_interval(wrong[accepted], None if groups is None else groups[accepted])
    return replace(rule, answered=share_with_interval(accepted, groups), wrong=of_accepted)


def judge_novelty(rule: NoveltySummary, p_values: np.ndarray, groups: np.ndarray | None) -> NoveltySummary:
    """The share of images of known classes that are rejected. p_values: float (n,), of the test split."""
    return replace(rule, tested=share_with_interval(p_values <= rule.false_refusal, groups))


def judge_curve(tested: Predictions, groups: np.ndarray | None, *, seed: int) -> tuple[ScoreInterval, float]:
    """The area under the risk-coverage curve, and that of an uninformative confidence (the share of wrong answers)."""

    def area(labels: np.ndarray, probabilities: np.ndarray) -> float:
        return aurc(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels)

    found = score_interval(area, tested.labels, tested.probabilities, groups=groups, seed=seed)
    low = found.low if not found.has_interval else max(0.0, found.low)
    high = found.high if not found.has_interval else min(1.0, found.high)
    return replace(found, low=low, high=high), float((tested.probabilities.argmax(axis=1) != tested.labels).mean())
