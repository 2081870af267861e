"""What is decided about a trial before it is run, where the planner and the leaderboard are known."""

from __future__ import annotations

from dataclasses import dataclass

import optuna

from autotl.evidence.leaderboard import Leaderboard
from autotl.search.context import SearchContext
from autotl.search.planner import Planner
from autotl.search.pruning import FIRST_CYCLE_STEP, FIRST_FOLD_STEP
from autotl.search.trial_files import FIRST_CYCLE_FILE, PREDICTIONS_FILE, trial_file
from autotl.search.trial_task import TrialTask, Tuning
from autotl.trial import FINE_TUNE, PROBE, Candidate, TrialRecord


@dataclass(frozen=True)
class Refused:
    """Why a trial is not begun."""

    reason: str


def plan_trial(
    context: SearchContext, study: optuna.Study, planner: Planner, board: Leaderboard, begun: TrialRecord,
    candidate: Candidate, *, in_progress: bool = False,
) -> TrialTask | Refused:  # fmt: skip
    """Decide what a trial is compared with and what limits it has; the default and what was asked for always run.

    begun: what is known of it so far. in_progress: whether it has begun, so that no cost is an obstacle any more.
    """
    owed, obstacle = planner.is_owed(candidate, board), planner.obstacle(candidate, board)
    if obstacle and not (owed or in_progress) and board.default is not None:
        return Refused(obstacle)
    untimed = owed and (bool(obstacle) or candidate.strategy == PROBE)
    if candidate.strategy != FINE_TUNE:
        whole = owed or candidate.head.recipe is not None
        return TrialTask(begun, whole, untimed, board.default, _rivals(context, board, PROBE))
    rivals = _rivals(context, board, FINE_TUNE, PROBE)
    tuning = _tuning(context, study, planner, board, begun.number, candidate, any_rival=bool(rivals))
    return TrialTask(begun, untimed=untimed, default=board.default, rivals=rivals, tuning=tuning)


def _rivals(context: SearchContext, board: Leaderboard, *strategies: str) -> tuple[int, ...]:
    """The best of each strategy among the trials that were asked for, whose predictions can be had."""
    run, asks_for = context.run, context.run.config.asks_for
    asked = [t for t in board.completed if asks_for(t.strategy, t.head)]
    best = (
        next(
            (t.number for t in asked if t.strategy == one and trial_file(run, t.number, PREDICTIONS_FILE).exists()),
            None,
        )
        for one in strategies
    )
    return tuple(number for number in best if number is not None)


def _tuning(
    context: SearchContext, study: optuna.Study, planner: Planner, board: Leaderboard, number: int,
    candidate: Candidate, *, any_rival: bool,
) -> Tuning:  # fmt: skip
    """A step of the schedule that goes deeper starts from the one above it and is never pruned; all others may be."""
    assert candidate.training is not None
    searched = not planner.schedule.has_step(candidate)
    start = None if searched else planner.schedule.start_from(candidate, board)
    tuned = [t for t in board.trials if t.strategy == FINE_TUNE and t.number != number]
    told = {t.number: t.intermediate_values for t in study.get_trials(deepcopy=False)}

    def values(step: int) -> tuple[float, ...]:
        return tuple(told[t.number][step] for t in tuned if step in told.get(t.number, {}))

    kept = (t.number for t in tuned if t.state == "complete")
    judged = (one for one in kept if trial_file(context.run, one, FIRST_CYCLE_FILE).exists())
    return Tuning(
        start_from=start.number if start else None, searched=searched,
        may_prune=any_rival and (searched or candidate.training.augment),
        max_seconds=planner.schedule.longest(candidate, board),
        most_folds=planner.tuning.most_folds(candidate, board), first_cycles=values(FIRST_CYCLE_STEP),
        first_folds=values(FIRST_FOLD_STEP), best_first_cycle=next(judged, None),
    )  # fmt: skip
