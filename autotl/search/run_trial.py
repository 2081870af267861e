"""One trial, from a candidate to its record."""

from __future__ import annotations

import math
import time
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import optuna

from autotl.errors import HeadError, OutOfTimeError, in_one_line
from autotl.evidence.leaderboard import Leaderboard
from autotl.interfaces import Head
from autotl.predictions import Predictions
from autotl.runtime import keras_backend
from autotl.runtime.blame import line_in
from autotl.runtime.conditions import is_condition
from autotl.search.context import SearchContext
from autotl.search.fine_tune_trials import Options, fine_tune
from autotl.search.heads import head_params
from autotl.search.objective import all_values
from autotl.search.outcome import Outcome, completed
from autotl.search.planner import Planner
from autotl.search.probe_trials import ProbeAhead, probe
from autotl.search.pruning import FIRST_CYCLE_STEP, FIRST_FOLD_STEP, Earlier, Rival, judge_fine_tune, prune_probe
from autotl.search.sources import source_owner
from autotl.search.trial_files import CALIBRATION_FILE, FIRST_CYCLE_FILE, load_predictions, save_predictions
from autotl.training.cross_validation import majority
from autotl.trial import FINE_TUNE, MAJORITY, PROBE, Candidate, Cause, TrialRecord

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
    ahead: ProbeAhead | None = None,
) -> TrialRecord:
    """Run a trial and keep its predictions; what goes wrong in it ends up as its record's reason.

    begun: what is known of it so far. board: the trials that have ended; the best of them decides on pruning, and the
    default on how a fine-tune trial compares. ahead: where it is a probe that has begun. Only KeyboardInterrupt is
    raised, and what no other trial would escape.
    """
    try:
        # The default itself, and what was asked for by name, is run regardless of its cost.
        owed, obstacle = planner.is_owed(candidate, board), planner.obstacle(candidate, board)
        if obstacle and not (owed or ahead) and board.default is not None:
            return ended(begun, "pruned", obstacle, cause="obstacle")
        with context.seconds_left.lifted(when=owed and (bool(obstacle) or candidate.strategy == PROBE)):
            if candidate.strategy == FINE_TUNE:
                outcome = _fine_tune(context, trial, candidate, hp, board, planner)
            else:
                outcome = _probe(context, trial, candidate, hp, board, whole=owed, ahead=ahead)
        return _score(context, begun, outcome, board)
    except OutOfTimeError as early:
        return ended(_asked(begun, hp), "pruned", str(early), cause="time")
    except optuna.TrialPruned as early:
        return ended(_asked(begun, hp), "pruned", str(early))
    except Exception as error:
        if is_condition(error):  # of the machine: the next trial would meet it too
            raise
        return _failed(context, _asked(begun, hp), candidate, error)


def _asked(begun: TrialRecord, hp: keras_tuner.HyperParameters) -> TrialRecord:
    """Return the record with the parameters that its head has asked for so far."""
    return replace(begun, params=head_params(hp, begun.head))


def run_majority(context: SearchContext, number: int) -> TrialRecord:
    """The majority class as every answer."""
    started = time.time()
    predictions = majority(context.labels, context.run.split, context.n_classes)
    score = context.objective.score(predictions)
    return TrialRecord(
        number, "complete", MAJORITY, score=score, started=started, seconds=time.time() - started,
        device=keras_backend.processor(),
    )  # fmt: skip


def ended(
    begun: TrialRecord, state: Literal["pruned", "failed"], reason: str, *, cause: Cause = "", told: str = ""
) -> TrialRecord:
    """The record of a trial that did not complete."""
    seconds, device = time.time() - begun.started, str(keras_backend.device())
    return replace(begun, state=state, reason=reason, seconds=seconds, device=device, cause=cause, traceback=told)


def _failed(context: SearchContext, begun: TrialRecord, candidate: Candidate, error: Exception) -> TrialRecord:
    """The record of a trial in which something was raised, with the plugin and its line."""
    if isinstance(error, HeadError):  # it says so itself
        return ended(begun, "failed", str(error), cause="crash" if error.crashed else "", told=error.traceback)
    told = "".join(traceback.format_exception(error))
    source, head = candidate.backbone, candidate.head
    brought = [
        (type(source).__name__, source.name, source_owner(source, context.plugins)),
        ("Head", head.name, context.plugins.owner(Head, head.name)),
    ]
    parts = [
        f"{kind.lower()} {name!r} of plugin {owner.name!r}{line_in(told, owner.source, owner.files)}"
        for kind, name, owner in brought
        if owner and owner.origin != "ours" and line_in(told, owner.source, owner.files)
    ]
    where = f" ({'; '.join(parts)})" if parts else ""
    return ended(begun, "failed", f"{type(error).__name__}: {in_one_line(error)}{where}", told=told)


def _probe(
    context: SearchContext,
    trial: optuna.Trial,
    candidate: Candidate,
    hp: keras_tuner.HyperParameters,
    board: Leaderboard,
    *,
    whole: bool,
    ahead: ProbeAhead | None,
) -> Outcome:
    if whole or candidate.head.recipe is not None:  # requested by name: it needs its complete score
        return probe(context, candidate, hp, None, ahead)
    rival, n_folds = _rival(context, board, PROBE), context.run.split.n_folds
    return probe(context, candidate, hp, prune_probe(trial, rival, context.objective, n_folds=n_folds), ahead)


def _fine_tune(
    context: SearchContext,
    trial: optuna.Trial,
    candidate: Candidate,
    hp: keras_tuner.HyperParameters,
    board: Leaderboard,
    planner: Planner,
) -> Outcome:
    """A step of the schedule that goes deeper starts from the one above it and is never pruned; all others may be."""
    assert candidate.training is not None
    searched = not planner.schedule.has_step(candidate)
    start = None if searched else planner.schedule.start_from(candidate, board)
    rivals = [rival for rival in (_rival(context, board, one) for one in (FINE_TUNE, PROBE)) if rival]
    judge = judge_fine_tune(
        trial, rivals, _earlier(context, trial, board), context.objective,
        may_prune=bool(rivals) and (searched or candidate.training.augment),
    )  # fmt: skip
    options = Options(
        judge, start_from=start.number if start else None, searched=searched,
        max_seconds=planner.schedule.longest(candidate, board), most_folds=planner.tuning.most_folds(candidate, board),
    )  # fmt: skip
    return fine_tune(context, candidate, hp, context.run.trial_folder(trial.number), options)


def _earlier(context: SearchContext, trial: optuna.Trial, board: Leaderboard) -> Earlier:
    """What earlier fine-tune trials reported, and what the best that was judged after its first cycle said there."""
    tuned = [t for t in board.trials if t.strategy == FINE_TUNE and t.number != trial.number]
    told = {t.number: t.intermediate_values for t in trial.study.get_trials(deepcopy=False)}
    values = {
        step: [told[t.number][step] for t in tuned if step in told.get(t.number, {})]
        for step in (FIRST_CYCLE_STEP, FIRST_FOLD_STEP)
    }
    files = ((t.number, context.run.trial_folder(t.number) / FIRST_CYCLE_FILE) for t in tuned if t.state == "complete")
    best = next(((number, file) for number, file in files if file.exists()), None)
    return Earlier(
        values[FIRST_CYCLE_STEP], values[FIRST_FOLD_STEP], Rival(best[0], Predictions.load(best[1])) if best else None
    )


def _rival(context: SearchContext, board: Leaderboard, strategy: str) -> Rival | None:
    config = context.run.config
    wanted = (t for t in board.completed if t.strategy == strategy and config.asks_for(strategy, t.head))
    best = next(wanted, None)
    return Rival(best.number, load_predictions(context.run, best.number)) if best else None


def _score(context: SearchContext, begun: TrialRecord, outcome: Outcome, board: Leaderboard) -> TrialRecord:
    """Keep what was predicted, and score it; raises ValueError where the objective is undefined."""
    run, objective, predictions = context.run, context.objective, outcome.predictions
    save_predictions(run, begun.number, predictions)
    if outcome.calibration:
        outcome.calibration.save(run.trial_folder(begun.number) / CALIBRATION_FILE)
    whole = len(predictions.items) == len(run.split.development)
    if begun.strategy == FINE_TUNE and not whole and board.default is not None:
        score = objective.score_tuned(predictions, load_predictions(run, board.default))
    else:
        score = objective.score(predictions)
    if math.isnan(score.value):
        raise ValueError(f"{objective.name} is undefined for these predictions")
    return completed(begun, outcome, score, all_values(context.evaluators, predictions))
