"""One trial, from a candidate to its record."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import optuna

from autotl.errors import OutOfTimeError
from autotl.evidence.leaderboard import Leaderboard
from autotl.interfaces import Evaluator
from autotl.runtime import keras_backend
from autotl.runtime.conditions import is_condition
from autotl.search.context import SearchContext
from autotl.search.fine_tune_trials import fine_tune
from autotl.search.objective import all_values
from autotl.search.outcome import Outcome, completed
from autotl.search.planner import Planner
from autotl.search.probe_trials import probe
from autotl.search.pruning import Rival, prune_fine_tune, prune_probe
from autotl.search.trial_files import CALIBRATION_FILE, load_predictions, save_predictions
from autotl.training.cross_validation import majority
from autotl.training.fine_tuning import epochs_for
from autotl.trial import FINE_TUNE, MAJORITY, PROBE, Candidate, TrialRecord

if TYPE_CHECKING:
    import keras_tuner


def run_trial(
    context: SearchContext,
    trial: optuna.Trial,
    begun: TrialRecord,
    candidate: Candidate,
    hp: keras_tuner.HyperParameters,
    *,
    planner: Planner,
    board: Leaderboard,
) -> TrialRecord:
    """Run a trial and keep its predictions; what goes wrong in it ends up as its record's reason.

    begun: what is known of it so far. board: the trials that have ended; the best of them decides on pruning, and the
    default on how a fine-tune trial compares. Only KeyboardInterrupt is raised, and what no other trial would escape.
    """
    try:
        # The default itself is run regardless of its cost.
        if board.default is not None and (reason := planner.obstacle(candidate, board)):
            raise optuna.TrialPruned(reason)
        if candidate.strategy == FINE_TUNE:
            start = planner.schedule.start_from(candidate, board)
            outcome = _fine_tune(context, trial, candidate, hp, board, start)
        else:
            outcome = _probe(context, trial, candidate, hp, board)
        return _score(context, begun, outcome, board)
    except (optuna.TrialPruned, OutOfTimeError) as early:
        return ended(begun, "pruned", str(early))
    except Exception as error:
        if is_condition(error):  # of the machine: the next trial would meet it too
            raise
        return ended(begun, "failed", f"{type(error).__name__}: {error}")


def run_majority(context: SearchContext, number: int) -> TrialRecord:
    """The majority class as every answer."""
    started = time.time()
    predictions = majority(context.labels, context.run.split, context.n_classes)
    score = context.objective.score(predictions)
    return TrialRecord(
        number, "complete", MAJORITY, score=score, started=started, seconds=time.time() - started,
        device=keras_backend.processor(),
    )  # fmt: skip


def ended(begun: TrialRecord, state: Literal["pruned", "failed"], reason: str) -> TrialRecord:
    """The record of a trial that did not complete."""
    seconds, device = time.time() - begun.started, str(keras_backend.device())
    return replace(begun, state=state, reason=reason, seconds=seconds, device=device)


def _probe(
    context: SearchContext,
    trial: optuna.Trial,
    candidate: Candidate,
    hp: keras_tuner.HyperParameters,
    board: Leaderboard,
) -> Outcome:
    if candidate.head.recipe is not None:  # asked for by name: its whole score is the point
        return probe(context, candidate, hp)
    rival, n_folds = _rival(context, board, PROBE), context.run.split.n_folds
    return probe(context, candidate, hp, prune_probe(trial, rival, context.objective, n_folds=n_folds))


def _fine_tune(
    context: SearchContext,
    trial: optuna.Trial,
    candidate: Candidate,
    hp: keras_tuner.HyperParameters,
    board: Leaderboard,
    start: TrialRecord | None,
) -> Outcome:
    rival, n_epochs = _rival(context, board, FINE_TUNE), epochs_for(len(context.run.split.train))
    return fine_tune(
        context, candidate, hp, prune_fine_tune(trial, rival, context.objective, n_epochs=n_epochs),
        context.run.trial_folder(trial.number), start_from=start.number if start else None,
    )  # fmt: skip


def _rival(context: SearchContext, board: Leaderboard, strategy: str) -> Rival | None:
    best = board.best(strategy)
    return Rival(best.number, load_predictions(context.run, best.number)) if best else None


def _score(context: SearchContext, begun: TrialRecord, outcome: Outcome, board: Leaderboard) -> TrialRecord:
    """Keep what was predicted, and score it; raises ValueError where the objective is undefined."""
    run, objective, predictions = context.run, context.objective, outcome.predictions
    save_predictions(run, begun.number, predictions)
    if outcome.calibration:
        outcome.calibration.save(run.trial_folder(begun.number) / CALIBRATION_FILE)
    if begun.strategy == FINE_TUNE and board.default is not None:
        score = objective.score_tuned(predictions, load_predictions(run, board.default))
    else:
        score = objective.score(predictions)
    if math.isnan(score.value):
        raise ValueError(f"{objective.name} is undefined for these predictions")
    return completed(begun, outcome, score, all_values(context.plugins.all(Evaluator), predictions))
