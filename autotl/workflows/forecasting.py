"""Forecasts of a run, made with the untuned default's features and predictions, before anything else is tried.

The default's score and learning curve -> `Forecast`s -> run.json and an event; the conclusion grades those that the run
itself can (`runs.forecasts.graded`); `track_record` keeps them on this machine, and grades the others when a later run
on the same data has more images.
"""

from __future__ import annotations

import math

import numpy as np

from autotl.errors import AutoTLError
from autotl.evidence.extrapolation import exponents, remaining_error, spread_of
from autotl.predictions import Predictions
from autotl.runs.events import ForecastsMade
from autotl.runs.forecasts import CHAMPION, FINE_TUNING, TEN_MORE, TWICE, Forecast
from autotl.runs.run import cluster_of
from autotl.runtime.clock import Clock
from autotl.search.context import SearchContext
from autotl.search.expected_gain import ERROR_REMOVED, ERROR_SPREAD
from autotl.search.learning_curve import FEWEST_IMAGES, SHARES, measure_learning_curve
from autotl.search.trial_files import load_predictions
from autotl.targets import NUMBER
from autotl.trial import FINE_TUNE, LEARNING_RATE, WEIGHT_DECAY, Candidate, Training, TrialRecord

CURVE_SHARE = 0.03
"""The learning curve may take this share of the budget."""
GAIN, GAIN_SPREAD = 0.12, 0.15
"""The share of the default's error that a search is assumed to remove on new images, and how much that may differ
between sets. Track records will tell (`autotl doctor --track-record`)."""
NOT_KNOWN = "how much a search improves on the untuned default is known for classes only"
SHIFT = 0.3
"""Standard errors by which a score changes for no other reason than that heads are fitted to other images."""


def make_forecasts(context: SearchContext, default: TrialRecord, clock: Clock) -> None:
    """Forecast once, and write that to run.json; forecasts that cannot be made say why."""
    run = context.run
    if "forecasts" in run.state() or run.config.refit:
        return
    error_now = _error(context, default.score.value)
    if error_now is None or not default.score.has_interval:
        why = f"{context.objective.name} has no best value, or no interval, to reckon from"
        found = [Forecast(kind, why_not=why) for kind in (CHAMPION, FINE_TUNING, TEN_MORE, TWICE)]
    elif not context.target.is_classes:
        found = [Forecast(CHAMPION, why_not=NOT_KNOWN), *_more_images(context, default, error_now, clock)]
    else:
        found = [
            _champion(context, default, error_now),
            _fine_tuning(context, default, error_now),
            *_more_images(context, default, error_now, clock),
        ]
    made = [forecast.to_json() | {"made_at": round(clock.spent(), 1)} for forecast in found]
    documents = run.dataset.words(made)
    run.update(forecasts=documents)
    run.emit(ForecastsMade(tuple(documents)))


def _champion(context: SearchContext, default: TrialRecord, error: float) -> Forecast:
    """The default's score, the usual gain of a search, and the noise of both splits."""
    run, sign = context.run, context.objective.sign
    below, above = _deviations(default)
    more = math.sqrt(1 + len(run.split.development) / max(1, len(run.split.test)))
    value = default.score.value + sign * GAIN * error
    low, high = (
        value + direction * 1.28 * math.hypot(GAIN_SPREAD * error, more * deviation)
        for direction, deviation in ((-1, below), (1, max(above, 0.5 * below)))
    )
    return _within(context, Forecast(
        CHAMPION, value, low, high, default.score.value, len(run.split.development),
        minutes=(run.config.budget_seconds or 0) / 60,
    ))  # fmt: skip


def _fine_tuning(context: SearchContext, default: TrialRecord, error: float) -> Forecast:
    """What fine-tuning usually removes of the error, less what probes do, with the noise of the validation split."""
    space, run = context.space, context.run
    if FINE_TUNE not in space.strategies or not space.fine_tune_heads or run.config.strategy == "probe":
        return Forecast(FINE_TUNING, why_not="it is not part of this search")
    top = space.default()
    training = Training(1, LEARNING_RATE, WEIGHT_DECAY, augment=False)
    head = space.heads[space.fine_tune_heads[0]]
    candidate = space.on_network(Candidate(FINE_TUNE, top.backbone, top.reading, head, training))
    try:
        estimate = context.costs.fine_tune_seconds(candidate)
    except AutoTLError as failure:
        return Forecast(FINE_TUNING, why_not=str(failure))
    noise = math.sqrt(error * min(1.0, context.n_classes / 10) / max(1, len(run.split.validation)))
    if not context.objective.larger_is_better:
        noise = max(_deviations(default)) * math.sqrt(len(run.split.development) / max(1, len(run.split.validation)))
    middle = context.objective.sign * (ERROR_REMOVED - GAIN) * error
    half = 1.28 * math.hypot(ERROR_SPREAD * error, noise)
    seconds = estimate.seconds(estimate.n_epochs, filled=False, augment=False)
    return Forecast(
        FINE_TUNING, middle, middle - half, middle + half, n_images=len(run.split.validation), minutes=seconds / 60
    )


def _more_images(context: SearchContext, default: TrialRecord, error: float, clock: Clock) -> list[Forecast]:
    """The default's learning curve, carried on to ten more images of each class, and to twice the images.

    Labels and numbers have no classes to take ten of. On halves of five image sets the 80 % intervals of twice the
    images held for numbers in 25 and for labels in 21 of 30 cases.
    """
    run, n = context.run, len(context.run.split.development)
    ahead = [(TEN_MORE, 1 + 10 * context.n_classes / n), (TWICE, 2.0)][not context.target.is_classes :]
    n_folds = _affordable_folds(context, default, clock)
    if n < FEWEST_IMAGES or not n_folds:
        why = f"{n} images are too few" if n < FEWEST_IMAGES else "the budget is too short for a learning curve"
        return [Forecast(kind, why_not=why) for kind, _ in ahead]
    whole = load_predictions(run, default.number)
    curve = measure_learning_curve(context, context.candidate(default), whole, n_folds=n_folds)

    def error_of(labels: np.ndarray, probabilities: np.ndarray) -> float:
        found = _error(context, context.objective.value(Predictions(np.arange(len(labels)), labels, probabilities)))
        return math.nan if found is None else found

    groups = cluster_of(run, curve.predictions[0].items)
    drawn = exponents(curve, error_of, groups=groups, seed=context.seed)
    deviation, forecasts = float(np.mean(_deviations(default))), []
    for kind, growth in ahead:
        # The images that are known stay, and change the score by chance only; the new ones are easier or harder.
        noise = deviation * math.hypot(math.sqrt(1 - 1 / growth), SHIFT)
        scores = default.score.value + context.objective.sign * (error - remaining_error(error, drawn, growth))
        value, low, high = spread_of(scores, noise, context.seed)
        forecasts.append(_within(
            context, Forecast(kind, value, low, high, default.score.value, round(growth * n))
        ))  # fmt: skip
    return forecasts


def _affordable_folds(context: SearchContext, default: TrialRecord, clock: Clock) -> int:
    """Folds for which fitting to a quarter and to half of the images is quick enough."""
    n_folds = context.run.split.n_folds
    if clock.budget_seconds is None:
        return n_folds
    a_fold = max(1e-3, sum(SHARES) * context.costs.fit_cost(default.head))
    return min(n_folds, int(CURVE_SHARE * clock.budget_seconds / a_fold))


def _error(context: SearchContext, value: float) -> float | None:
    """How far a value of the objective is from the best there can be; None if there is no such value."""
    bounds = context.objective.evaluator.bounds
    if not context.objective.larger_is_better:
        return value - (bounds[0] if bounds else 0.0)
    if bounds:
        return bounds[1] - value
    if context.target.kind != NUMBER:
        return None
    numbers = context.labels[context.run.split.development]
    return context.objective.value(Predictions(np.arange(len(numbers)), numbers, numbers[:, None])) - value


def _deviations(default: TrialRecord) -> tuple[float, float]:
    """Standard errors of the default's score, downwards and upwards."""
    score = default.score
    return (score.value - score.low) / 1.96, (score.high - score.value) / 1.96


def _within(context: SearchContext, forecast: Forecast) -> Forecast:
    """The same within the bounds of the objective."""
    bounds = context.objective.evaluator.bounds or (-math.inf if context.objective.larger_is_better else 0.0, math.inf)
    value, low, high = (min(max(x, bounds[0]), bounds[1]) for x in (forecast.value, forecast.low, forecast.high))
    return Forecast(**vars(forecast) | {"value": value, "low": low, "high": high})
