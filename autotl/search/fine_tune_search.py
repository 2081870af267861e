"""Fine-tuning as a search: first the steps of the schedule, then trials that the sampler proposes.

The schedule's few steps are a good first guess. When it has nothing more to propose, trials go on with sampled choices
(depth, learning rate, weight decay, head, dropout, augmentation, label smoothing, reading), of which those are run
that the time allows. Beside probes fine-tuning takes the larger a share of the budget the more it may bring.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import asdict

from autotl.evidence.leaderboard import Leaderboard
from autotl.search.costs import TrialCosts
from autotl.search.expected_gain import expect_fine_tune_gain
from autotl.search.fine_tune_schedule import FineTuneSchedule, is_step
from autotl.search.limits import Limits
from autotl.search.space import Space
from autotl.search.step import Step
from autotl.trial import ENSEMBLE, FINE_TUNE, PROBE, Candidate, Params, candidate_of

AHEAD_SHARE, HOPEFUL_SHARE, HOPELESS_SHARE = 0.8, 0.5, 0.25
"""Shares of the budget that fine-tuning may take beside probes: where its best network leads, where it may well take
the lead, and where even a good trial more would not."""
TRIAL_SHARE = 0.2
"""A sampled trial may take this share of the time left."""
TURNS_OF_A_HEAD = 2
"""Number of sampled trials that each head gets before the sampler chooses heads."""
MAX_CRASHES = 2
"""After so many fine-tune trials in a row that ended their process, or did not end, no other is begun."""
UNBOUNDED_FOLDS_SHARE = 0.25
"""Without a budget, the work of all folds after the first, as a share of the work of all first folds so far."""


class FineTuneSearch:
    """Decides; it runs nothing and keeps no trial. beside_probes: whether probes take turns with it."""

    def __init__(
        self, space: Space, schedule: FineTuneSchedule, costs: TrialCosts, limits: Limits, *, beside_probes: bool
    ) -> None:  # fmt: skip
        self._space, self._schedule, self._costs, self._limits = space, schedule, costs, limits
        self._beside_probes = beside_probes

    def next(self, board: Leaderboard, *, whatever: bool = False) -> Step | str:
        """The next fine-tune trial, or why there is none; whatever: even where the time does not suffice."""
        if why := _why_over(board):
            return why
        step = self._schedule.next(board, whatever=whatever)
        begun = any(trial.state != "failed" for trial in board.of(FINE_TUNE))
        if isinstance(step, str):
            return (self._sampled(board) if begun else None) or step
        candidate, training = step.candidate, step.candidate.training
        assert training is not None
        needed, allowed = self._schedule.seconds(candidate, board), self._allowance(board, may_lead=step.may_lead)
        if needed > allowed and not whatever:
            why = f"fine-tuning may take {max(0.0, allowed):.0f} s more beside probes, and {step.message}"
            return (self._sampled(board) if begun else None) or why
        overrides = {"strategy": FINE_TUNE, "head": candidate.head.name, **asdict(training)}
        return Step(overrides={**overrides, **candidate.reading.to_json(), **step.params}, message=step.message)

    def accepts(self, candidate: Candidate, board: Leaderboard) -> bool:
        """Whether a sampled trial can end in the time that one may take."""
        left = self._limits.seconds_left()
        if math.isinf(left):
            deepest = self._schedule.steps(board)
            return not deepest or self._work(candidate) <= self._work(deepest[-1])
        needed = self._schedule.seconds(candidate, board, whole=True)
        return needed <= min(TRIAL_SHARE * left, self._allowance(board, may_lead=self._may_lead(board)))

    def most_folds(self, candidate: Candidate, board: Leaderboard) -> int | None:
        """Return the largest number of folds to measure a trial on, or None if there is a budget, which then decides.

        Without a budget it depends on the work done so far: early on, more trials are worth more than more folds of a
        few. Work is counted from layer shapes rather than measured, so that the same seed gives the same trials.
        """
        if self._limits.budget_seconds is not None:
            return None
        own, first, further = max(1e-9, self._work(candidate)), 0.0, 0.0  # 0 if no layer has a kernel
        for trial in board.of(FINE_TUNE):
            if trial.reading and trial.state != "failed":
                backbone = self._space.backbone(trial.reading.backbone)
                # Any head will do, since the work of the head is not counted.
                work = self._work(candidate_of(trial, backbone=backbone, head=candidate.head))
                first, further = first + work, further + work * (trial.training.get("folds", 1) - 1)
        return 1 + math.floor(max(0.0, UNBOUNDED_FOLDS_SHARE * (first + own) - further) / own)

    def pinned_head(self, board: Leaderboard, dropped: Collection[str]) -> Params:
        """Return the head that the next sampled trial must use, by Optuna's key; empty once each has had its turns.

        A sampler that has seen only the schedule's head rarely tries another. dropped: heads that are no longer tried.
        """
        sampled = [t.head for t in board.of(FINE_TUNE) if not is_step(t.training)]
        turns = {name: sampled.count(name) for name in self._space.fine_tune_heads if name not in dropped}
        fewest = min(turns, key=lambda name: turns[name], default="")
        return {f"strategy={FINE_TUNE}/head": fewest} if turns and turns[fewest] < TURNS_OF_A_HEAD else {}

    def fallback(self, board: Leaderboard) -> Params:
        """What is pinned where no sampled trial was accepted: reading and depth of the schedule's first step."""
        first = self._schedule.steps(board)[0]
        reading, own = first.reading.to_json(), f"strategy={FINE_TUNE}/"
        size = {f"backbone={reading['backbone']}/size": reading.pop("size")}
        return {"strategy": FINE_TUNE, **reading, **size, f"{own}trainable_stages": 1, f"{own}augment": False}

    def is_over(self, board: Leaderboard) -> bool:
        """Whether nothing is fine-tuned any more, also where it is not the turn of a probe."""
        return bool(_why_over(board)) or not self._can_afford(board)

    def _sampled(self, board: Leaderboard) -> Step | None:
        """A trial whose choices are sampled, unless it is the turn of a probe or nothing can be afforded."""
        latest = max(board.trials, key=lambda trial: trial.number)
        if (self._beside_probes and latest.strategy == FINE_TUNE) or not self._can_afford(board, whole=True):
            return None
        return Step(pinned={"strategy": FINE_TUNE})

    def _can_afford(self, board: Leaderboard, *, whole: bool = False) -> bool:
        """Whether the time suffices for the schedule's first step, the cheapest there is; whole: with all its epochs,
        as sampled trials have.
        """
        steps = self._schedule.steps(board)
        allowed = min(self._limits.seconds_left(), self._allowance(board, may_lead=self._may_lead(board)))
        return bool(steps) and self._schedule.seconds(steps[0], board, whole=whole) <= allowed

    def _work(self, candidate: Candidate) -> float:
        """What a trial would take, by the shapes of its layers alone, so that it is the same at every time."""
        estimate, training = self._costs.fine_tune_seconds(candidate), candidate.training
        return estimate.seconds(estimate.n_epochs, filled=False, augment=bool(training and training.augment))

    def _may_lead(self, board: Leaderboard) -> bool:
        """Whether a trial that does well for one of its kind would be the best."""
        best, tuned = board.best(), board.best(FINE_TUNE)
        if best is None or tuned is None:
            return False
        guess = expect_fine_tune_gain(
            best.score.value, tuned.score.value, larger_is_better=board.larger_is_better, seconds=0.0
        ).gain
        return (guess.high if board.larger_is_better else -guess.low) >= 0

    def _allowance(self, board: Leaderboard, *, may_lead: bool) -> float:
        """Seconds that the next fine-tune trial may take beside probes; infinite without a budget or without them."""
        budget = self._limits.budget_seconds
        if not self._beside_probes or budget is None:
            return math.inf
        tuned, other = board.best(FINE_TUNE), board.best(PROBE, ENSEMBLE)
        sign = 1 if board.larger_is_better else -1
        leads = tuned is not None and other is not None and sign * (tuned.score.value - other.score.value) > 0
        share = AHEAD_SHARE if leads else HOPEFUL_SHARE if may_lead else HOPELESS_SHARE
        return share * budget - sum(trial.seconds for trial in board.of(FINE_TUNE))


def _why_over(board: Leaderboard) -> str:
    """Why nothing is fine-tuned any more; empty if it may be."""
    latest = board.of(FINE_TUNE)[-MAX_CRASHES:]
    if len(latest) == MAX_CRASHES and all(trial.cause == "crash" for trial in latest):
        return f"the last {MAX_CRASHES} fine-tune trials ended their process, or did not end by themselves"
    return ""
