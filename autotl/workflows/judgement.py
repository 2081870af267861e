"""What may be said of a champion once it is tested: corrected search scores, verdicts, and one sentence of advice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from autotl.deploy.champion import fit_champion
from autotl.errors import ExportError, HeadError
from autotl.evidence.advice import Findings, advise
from autotl.evidence.champion_choice import Choice
from autotl.evidence.evaluations import Evaluation
from autotl.evidence.leaderboard import Leaderboard
from autotl.evidence.verdicts import judge_default, judge_fine_tuning
from autotl.interfaces import ScoreInterval
from autotl.predictions import Predictions
from autotl.runs.summaries import RefitSummary
from autotl.runs.verdicts import DefaultVerdict, FineTuningVerdict
from autotl.search.context import SearchContext
from autotl.search.trial_files import load_predictions
from autotl.trial import ENSEMBLE, FINE_TUNE, PROBE, TrialRecord
from autotl.workflows.choice import first_of


@dataclass(frozen=True)
class Judgement:
    """search: the champion's evaluation, its scores corrected for the choice; advice: a sentence."""

    search: Evaluation
    fine_tuning: FineTuningVerdict
    over_default: DefaultVerdict
    advice: str


def judge(
    context: SearchContext,
    board: Leaderboard,
    choice: Choice,
    trial: TrialRecord,
    *,
    measured: Evaluation,
    fine_tuning: FineTuningVerdict,
    tested: Predictions,
    tested_default: Predictions,
    passed_over: Sequence[str],
    refit: RefitSummary | None,
) -> Judgement:
    """Judge a champion. measured: its evaluation in the search; fine_tuning: the verdict before the test."""
    search = _corrected(context, choice, trial, measured)
    shift = search.scores[board.objective].value - measured.scores[board.objective].value
    tuned = _with_test(context, board, choice, trial, fine_tuning, tested, tested_default)
    n_others = sum(t.strategy in (PROBE, FINE_TUNE) and t.number != board.default for t in board.trials)
    is_default = trial.number == board.default
    over_default = judge_default(
        None if is_default else context.objective.difference(tested_default, tested),
        objective=board.objective, larger_is_better=board.larger_is_better, n_others=n_others, passed_over=passed_over,
        searched=_searched(context, board, choice, trial, shift),
    )  # fmt: skip
    split = context.run.split
    found = Findings(
        board.objective, board.larger_is_better, trial.strategy, is_default, tuned, over_default, n_others=n_others,
        n_development=len(split.development), n_tested=len(split.test), n_passed_over=len(passed_over), refit=refit,
    )  # fmt: skip
    return Judgement(search, tuned, over_default, advise(found))


def _corrected(context: SearchContext, choice: Choice, trial: TrialRecord, measured: Evaluation) -> Evaluation:
    """The search scores of the champion, corrected for the choice; those of single classes are as measured."""
    split, evaluators = context.run.split, context.evaluators
    n_tested = len(np.unique(split.cluster[split.test]))
    scores = {
        name: choice.corrected(evaluators[name], trial.number, score, n_tested, seed=context.seed)
        if name in evaluators
        else score
        for name, score in measured.scores.items()
    }
    return replace(measured, scores=scores)


def _with_test(
    context: SearchContext, board: Leaderboard, choice: Choice, trial: TrialRecord, verdict: FineTuningVerdict,
    tested: Predictions, tested_default: Predictions,
) -> FineTuningVerdict:  # fmt: skip
    """The verdict on fine-tuning with the difference on the test split, where the network is the champion."""
    frozen = first_of(board, choice, PROBE, ENSEMBLE)
    if trial.number != verdict.trial or frozen is None or verdict.difference is None:
        return verdict
    try:
        of_frozen = tested_default if frozen.number == board.default else fit_champion(context, frozen).test()
    except (ExportError, HeadError):
        return verdict
    return judge_fine_tuning(
        verdict.difference, trial, objective=board.objective, larger_is_better=board.larger_is_better, reason="",
        clear=trial.number in choice.clear, tested=context.objective.difference(of_frozen, tested),
        n_items=verdict.n_items,
    )  # fmt: skip


def _searched(
    context: SearchContext, board: Leaderboard, choice: Choice, trial: TrialRecord, shift: float
) -> ScoreInterval | None:  # fmt: skip
    """The champion less the default in the search; where that is the champion, the next in the order less it.

    shift: what the choice flatters the champion by, taken off.
    """
    numbers = [trial.number] if trial.number != board.default else [n for n in choice.order if n != trial.number]
    if not numbers or board.default is None:
        return None
    own = load_predictions(context.run, numbers[0])
    found = context.objective.difference(load_predictions(context.run, board.default).restrict(own.items), own)
    by = shift if numbers[0] == trial.number else 0.0
    return ScoreInterval(found.value + by, found.low + by, found.high + by)
