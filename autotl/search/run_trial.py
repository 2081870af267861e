"""One trial, from a candidate to its record."""

from __future__ import annotations

import math
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import optuna

from autotl.errors import HeadError, OutOfTimeError, in_one_line
from autotl.interfaces import Head
from autotl.predictions import Predictions
from autotl.runtime import keras_backend
from autotl.runtime.blame import line_in
from autotl.runtime.clock import steady_time
from autotl.runtime.conditions import is_condition
from autotl.search.context import SearchContext
from autotl.search.fine_tune_trials import Options, fine_tune
from autotl.search.heads import head_params
from autotl.search.objective import all_values
from autotl.search.outcome import Outcome, completed
from autotl.search.probe_trials import ProbeAhead, probe
from autotl.search.pruning import Earlier, Reporter, Rival, judge_fine_tune, prune_probe
from autotl.search.sources import source_owner
from autotl.search.trial_files import (
    CALIBRATION_FILE,
    FIRST_CYCLE_FILE,
    load_predictions,
    save_predictions,
    trial_file,
)
from autotl.search.trial_task import TrialTask
from autotl.training.cross_validation import majority
from autotl.trial import FINE_TUNE, MAJORITY, Candidate, Cause, TrialRecord

if TYPE_CHECKING:
    import keras_tuner


def perform(
    context: SearchContext,
    task: TrialTask,
    candidate: Candidate,
    hp: keras_tuner.HyperParameters,
    reporter: Reporter,
    ahead: ProbeAhead | None = None,
) -> TrialRecord:
    """Run a trial and keep its predictions; what goes wrong in it ends up as its record's reason.

    hp: answers what the head asks for. reporter: told values after folds and cycles. ahead: where it is a probe that
    has begun. Only KeyboardInterrupt is raised, and what no other trial would escape.
    """
    begun = task.begun
    try:
        with context.seconds_left.lifted(when=task.untimed):
            if candidate.strategy == FINE_TUNE:
                outcome = _fine_tune(context, task, candidate, hp, reporter)
            else:
                outcome = _probe(context, task, candidate, hp, reporter, ahead)
        return _score(context, task, outcome)
    except OutOfTimeError as early:
        return ended(_asked(begun, hp), "pruned", str(early), cause="time")
    except optuna.TrialPruned as early:
        return ended(_asked(begun, hp), "pruned", str(early))
    except Exception as error:
        if is_condition(error):  # of the machine: the next trial would meet it too
            raise
        return failed(context, _asked(begun, hp), candidate, error)


def _asked(begun: TrialRecord, hp: keras_tuner.HyperParameters) -> TrialRecord:
    """Return the record with the parameters that its head has asked for so far."""
    return replace(begun, params=head_params(hp, begun.head))


def run_majority(context: SearchContext, number: int) -> TrialRecord:
    """The majority class as every answer."""
    started = steady_time()
    predictions = majority(context.labels, context.run.split, context.n_classes)
    score = context.objective.score(predictions)
    return TrialRecord(
        number, "complete", MAJORITY, score=score, started=started, seconds=steady_time() - started,
        device=keras_backend.processor(),
    )  # fmt: skip


def ended(
    begun: TrialRecord, state: Literal["pruned", "failed"], reason: str, *, cause: Cause = "", told: str = ""
) -> TrialRecord:
    """The record of a trial that did not complete."""
    seconds, device = steady_time() - begun.started, str(keras_backend.device())
    return replace(begun, state=state, reason=reason, seconds=seconds, device=device, cause=cause, traceback=told)


def failed(context: SearchContext, begun: TrialRecord, candidate: Candidate, error: Exception) -> TrialRecord:
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
    task: TrialTask,
    candidate: Candidate,
    hp: keras_tuner.HyperParameters,
    reporter: Reporter,
    ahead: ProbeAhead | None,
) -> Outcome:
    if task.whole:
        return probe(context, candidate, hp, None, ahead)
    rival = next((_rival(context, number) for number in task.rivals), None)
    judge = prune_probe(reporter, rival, context.objective, n_folds=context.run.split.n_folds)
    return probe(context, candidate, hp, judge, ahead)


def _fine_tune(
    context: SearchContext,
    task: TrialTask,
    candidate: Candidate,
    hp: keras_tuner.HyperParameters,
    reporter: Reporter,
) -> Outcome:
    told, best = task.tuning, None
    if told.best_first_cycle is not None:
        file = trial_file(context.run, told.best_first_cycle, FIRST_CYCLE_FILE)
        best = Rival(told.best_first_cycle, Predictions.load(file))
    judge = judge_fine_tune(
        reporter, [_rival(context, number) for number in task.rivals],
        Earlier(told.first_cycles, told.first_folds, best), context.objective, may_prune=told.may_prune,
    )  # fmt: skip
    options = Options(
        judge, start_from=told.start_from, searched=told.searched, max_seconds=told.max_seconds,
        most_folds=told.most_folds,
    )  # fmt: skip
    return fine_tune(context, candidate, hp, context.run.trial_folder(task.begun.number), options)


def _rival(context: SearchContext, number: int) -> Rival:
    return Rival(number, load_predictions(context.run, number))


def _score(context: SearchContext, task: TrialTask, outcome: Outcome) -> TrialRecord:
    """Keep what was predicted, and score it; raises ValueError where the objective is undefined."""
    begun, run, objective, predictions = task.begun, context.run, context.objective, outcome.predictions
    save_predictions(run, begun.number, predictions)
    if outcome.calibration:
        outcome.calibration.save(run.trial_folder(begun.number) / CALIBRATION_FILE)
    whole = len(predictions.items) == len(run.split.development)
    if begun.strategy == FINE_TUNE and not whole and task.default is not None:
        score = objective.score_tuned(predictions, load_predictions(run, task.default))
    else:
        score = objective.score(predictions)
    if math.isnan(score.value):
        raise ValueError(f"{objective.name} is undefined for these predictions")
    return completed(begun, outcome, score, all_values(context.evaluators, predictions))
