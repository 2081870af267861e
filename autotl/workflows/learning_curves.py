"""Learning curve of the champion or the untuned default, and the expected gain from more images of each class."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from autotl.evidence.extrapolation import LearningCurve
from autotl.evidence.learning_curve_words import describe, figure, table
from autotl.evidence.learning_curves import MORE, class_worth, curve_points, curve_score, gain_of
from autotl.evidence.said import Said
from autotl.predictions import Predictions
from autotl.runs.learning_curves import ClassWorth, MoreImages
from autotl.runs.run import cluster_of
from autotl.search.context import SearchContext
from autotl.search.learning_curve import FEWEST_IMAGES, answers_of_subset
from autotl.search.trial_files import CALIBRATION_FILE, trial_file
from autotl.trial import PROBE, Candidate, Params
from autotl.workflows.subject import Subject

PIECE = "learning-curve"
SHARES, CLASS_SHARES = (0.125, 0.25, 0.5, 1.0), (0.25, 0.5)
MOST_COLUMNS = 256
"""Principal components: half of what the search uses, a third of the time."""
MOST_SECONDS, BUDGET_SHARE = 3.0, 0.02
"""Time limit of the curves: the larger of this many seconds and this share of the budget."""
SLOW_SECONDS = 0.5
"""If the champion's head takes longer than this for a fold, the untuned default's curve is used."""
FEWEST_PER_CLASS = 8


@dataclass(frozen=True)
class _Probe:
    """The head whose curves are measured."""

    candidate: Candidate
    params: Params
    title: str


def learning_curve(subject: Subject) -> Said:
    """Measure and extrapolate the curve, and estimate the gain from more images of each class, weakest first.

    Labels and numbers have no classes: their curves are of all images together.
    """
    context = subject.context
    n = len(context.run.split.development)
    if n < FEWEST_IMAGES:
        why = f"{n} images to learn from are too few for a learning curve"
        return Said(PIECE, problem=why, fields={"more_images": MoreImages(why_not=why)})
    probe = _probe(subject)
    if not context.reader.has_features(probe.candidate.backbone.name, probe.candidate.reading.size):
        why = f"the features of {probe.candidate.backbone.name} have not been read"
        return Said(PIECE, problem=why, fields={"more_images": MoreImages(why_not=why)})
    began, limit = time.monotonic(), max(MOST_SECONDS, BUDGET_SHARE * (context.run.config.budget_seconds or 0))
    n_folds, whole = _affordable(context, probe, limit)
    answers = [_answers(context, probe, share, n_folds) for share in SHARES[:-1]]
    curve = LearningCurve(SHARES, (*answers, whole))
    n_fitted = round(n * (1 - 1 / context.run.split.n_folds))
    points = curve_points(curve, n_fitted, groups=cluster_of(context.run, whole.items), seed=context.seed)
    classes, left_out = [], []
    for label in _weakest_first(whole) if context.target.is_classes else ():
        name = context.run.dataset.classes[label]
        if time.monotonic() - began > limit:
            left_out.append(name)
        else:
            classes.append(_worth(context, probe, label, whole, n_folds))
    found = MoreImages(
        probe.title, points, gain_of(points), MORE, tuple(classes), tuple(left_out),
        score=curve_score(context.target.kind).name,
    )  # fmt: skip
    tables = (table(found),) if context.target.is_classes else ()
    return Said(PIECE, (figure(found), *tables), describe(found), {"more_images": found})


def _probe(subject: Subject) -> _Probe:
    """The champion if it is a single probe with a fast probabilistic head, otherwise the untuned default."""
    context, trial = subject.context, subject.champion.trial
    if trial.strategy == PROBE:
        candidate = context.candidate(trial)
        ours = not context.processes.is_foreign(trial.head) and not context.processes.traits(candidate.head).network
        quick = context.costs.has_seen(trial.head) and context.costs.fit_cost(trial.head) < SLOW_SECONDS
        gives_margins = trial_file(context.run, trial.number, CALIBRATION_FILE).exists()
        if ours and quick and not gives_margins:
            return _Probe(candidate, trial.params, f"the champion's head, {trial.head}")
    default = context.space.default()
    return _Probe(default, {}, f"the untuned default, {default.head.name}, on {default.backbone.name}")


def _answers(
    context: SearchContext, probe: _Probe, share: float, n_folds: int, label: int | None = None
) -> Predictions:  # fmt: skip
    return answers_of_subset(
        context, probe.candidate, probe.params, share, label=label, n_folds=n_folds, most_columns=MOST_COLUMNS
    )  # fmt: skip


def _affordable(context: SearchContext, probe: _Probe, limit: float) -> tuple[int, Predictions]:
    """How many folds can be run in half of the time, and the answers to them of heads fitted to all other folds."""
    began = time.monotonic()
    one = _answers(context, probe, 1.0, 1)
    a_fold = sum(SHARES) * (time.monotonic() - began)
    n_folds = min(context.run.split.n_folds, max(1, int(limit / 2 / a_fold)))
    return (1, one) if n_folds == 1 else (n_folds, _answers(context, probe, 1.0, n_folds))


def _weakest_first(whole: Predictions) -> list[int]:
    """The classes with enough images, the lowest recall first."""
    counts = np.bincount(whole.labels)
    right = np.bincount(whole.labels, whole.probabilities.argmax(axis=1) == whole.labels)
    large = np.flatnonzero(counts >= FEWEST_PER_CLASS)
    return [int(label) for label in large[np.argsort((right[large] + 1) / (counts[large] + 2), kind="stable")]]


def _worth(context: SearchContext, probe: _Probe, label: int, whole: Predictions, n_folds: int) -> ClassWorth:
    """The expected gain from more images of one class."""
    own = whole.restrict(whole.items[whole.labels == label])
    fewer = [_answers(context, probe, share, n_folds, label).restrict(own.items) for share in CLASS_SHARES]
    curve, split = LearningCurve((*CLASS_SHARES, 1.0), (*fewer, own)), context.run.split
    n_images = int((context.labels[split.development] == label).sum())
    name = context.run.dataset.classes[label]
    return class_worth(curve, name, n_images, groups=cluster_of(context.run, own.items), seed=context.seed)
