"""From the leaderboard to the champion: the completed trials in the order in which they are considered."""

from __future__ import annotations

import numpy as np

from autotl.errors import RunError
from autotl.evidence.champion_choice import Choice, Rival, choose
from autotl.evidence.leaderboard import Leaderboard
from autotl.evidence.verdicts import judge_fine_tuning
from autotl.runs.events import Message
from autotl.runs.run import cluster_of
from autotl.runs.verdicts import FineTuningVerdict
from autotl.search.context import SearchContext
from autotl.search.trial_files import load_predictions
from autotl.trial import ENSEMBLE, FINE_TUNE, PROBE, TrialRecord


def choose_champion(context: SearchContext, board: Leaderboard) -> Choice:
    """Put the completed trials in order by the rule of `evidence.champion_choice`.

    In auto mode a fine-tuned network has to be better than the others beyond doubt. What was not asked for, as the
    untuned default may be, only stands in where nothing that was can leave. A refit keeps what was chosen once.
    """
    run = context.run
    trials = [t for t in board.completed if t.strategy in (PROBE, ENSEMBLE, FINE_TUNE)]
    default = next(t for t in trials if t.number == board.default)
    others = [t for t in trials if t is not default]
    kept = min(others, key=lambda t: t.strategy != ENSEMBLE, default=default) if run.config.refit else None

    def rival(trial: TrialRecord) -> Rival | None:
        try:
            predictions = load_predictions(run, trial.number)
        except (OSError, ValueError) as error:  # its folder was lost or damaged: the search need not be
            run.emit(Message(f"trial {trial.number} cannot be the champion: {error}"))
            return None
        eligible = trial is kept if kept else asked_for(context, trial)
        costly = trial.strategy == FINE_TUNE and run.config.strategy == "auto"
        return Rival(trial.number, trial.score.value, predictions, costly, eligible)

    clusters = cluster_of(run, np.arange(len(run.dataset.items)))
    rivals = [found for trial in (default, *others) if (found := rival(trial))]
    if not rivals or rivals[0].number != default.number:
        raise RunError(f"the predictions of the untuned default in {run.trial_folder(default.number)} are lost")
    return choose(rivals, context.objective.evaluator, clusters=clusters, seed=run.config.seed)


def judge_fine_tune_trials(
    context: SearchContext, board: Leaderboard, choice: Choice, why_not: str
) -> FineTuningVerdict:  # fmt: skip
    """The best fine-tune trial against the best of the others, on the items that both predicted unseen."""
    tuned, frozen = (first_of(board, choice, *kinds) for kinds in ((FINE_TUNE,), (PROBE, ENSEMBLE)))
    difference, n_items, clear = None, 0, False
    if tuned and frozen:
        second = load_predictions(context.run, tuned.number)
        first = load_predictions(context.run, frozen.number).restrict(second.items)
        difference, n_items = context.objective.difference(first, second), len(second.items)
        clear = tuned.number in choice.clear
    elif any(t.strategy == FINE_TUNE for t in board.trials):
        failed = next(t for t in board.trials if t.strategy == FINE_TUNE)
        why_not = f"the trial that tried did not complete ({failed.reason})"
    return judge_fine_tuning(
        difference, tuned, objective=board.objective, larger_is_better=board.larger_is_better, reason=why_not,
        clear=clear, n_items=n_items,
    )  # fmt: skip


def first_of(board: Leaderboard, choice: Choice, *strategies: str) -> TrialRecord | None:
    """The first trial of some strategies in the order of the choice; None if there is none."""
    by_number = {trial.number: trial for trial in board.completed}
    return next((by_number[n] for n in choice.order if by_number[n].strategy in strategies), None)


def asked_for(context: SearchContext, trial: TrialRecord) -> bool:
    """Whether a trial is of a strategy and of heads that were asked for."""
    asks_for = context.run.config.asks_for
    if trial.strategy == ENSEMBLE:
        return all(asks_for(PROBE, member.trial.head) for member in trial.members)
    return asks_for(trial.strategy, trial.head)
