"""The search proper: baselines, a look at a sample, then one trial after the other as the planner decides."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial

from optuna.trial import FrozenTrial, TrialState

from autotl.errors import OutOfTimeError
from autotl.evidence.leaderboard import Leaderboard, rank
from autotl.interfaces import Sampler
from autotl.runs.events import FineTuningProposed, Message, ReadingsRanked
from autotl.runtime import interruption
from autotl.search import optuna_study as studies
from autotl.search.absent_items import waits_for_others
from autotl.search.context import SearchContext
from autotl.search.ensemble_trials import blend_candidates, blend_probes
from autotl.search.fine_tune_proposals import propose
from autotl.search.frame_vote import may_vote, run_frame_vote
from autotl.search.hyperparameters import OptunaHyperParameters, defaults, fixed_hyperparameters
from autotl.search.leases import LeaseKeeper
from autotl.search.limits import Limits
from autotl.search.lost_trials import LostTrials
from autotl.search.open_studies import WARM_STARTED
from autotl.search.performers import Performer
from autotl.search.planner import Planner
from autotl.search.reading_score import ReadingScore
from autotl.search.run_trial import run_majority
from autotl.search.screening import screen
from autotl.search.step import Step
from autotl.search.trials_in_progress import TrialsInProgress
from autotl.trial import FINE_TUNE, FRAME_VOTE, MAJORITY, PROBE, Params, Training, TrialRecord

MAX_FAILURES = 20
WAIT_SECONDS = 1.0
"""Between two looks at the last trials of other processes."""


class StudyLoop:
    """Asks a study for trials, runs them and tells it how they ended; several may share a study. Close it.

    worker: its number, 0 for the process that leads the search. performer: performs the trials that it takes in another
    process; None for all in this one.
    """

    def __init__(
        self, context: SearchContext, limits: Limits, *, worker: int = 0, performer: Performer | None = None
    ) -> None:  # fmt: skip
        config = context.run.config
        self.context = context
        self.planner = Planner(
            context.space, context.costs, limits, strategy=config.strategy, seed=config.seed, asked=config.heads
        )
        self._limits = limits
        self._latest: Leaderboard | None = None
        self._records: dict[int, TrialRecord] = {}
        self._sampler, self._worker = context.plugins.pick(Sampler, config.sampler), worker
        self._study = studies.open_study(
            context.run, sampler=self._sampler, maximise=context.objective.larger_is_better, worker=worker
        )
        self._keeper = LeaseKeeper(worker=worker)
        self._lost = LostTrials(self._study, self._keeper)
        self._trials = TrialsInProgress(
            context, self._study, self.planner, lambda: self._latest or self.leaderboard(), self._forget, self._keeper,
            performer,
        )  # fmt: skip

    def close(self) -> None:
        """Renew no lease any more, and close the connections to the storage."""
        self._keeper.close()
        studies.close_study(self._study)

    def requeue_lost(self) -> None:
        """Queue again what a killed process left unfinished; only in the process that leads the search."""
        for text in self._lost.take_over(is_shared=bool(self.context.run.config.storage)):
            self.context.run.emit(Message(text))

    def leaderboard(self, trials: Sequence[FrozenTrial] | None = None) -> Leaderboard:
        """All trials that have ended. trials: all of the study, where they have just been looked up."""
        trials = self._study.get_trials(deepcopy=False) if trials is None else trials
        self._latest = _ranked(trials, self._records, self.context)
        return self._latest

    def baselines(self) -> TrialRecord:
        """Run the baseline rows and the untuned default unless they are there; returns the default's record."""
        found = {t.number: t for t in studies.records(self._study) if t.state == "complete"}
        if not any(t.strategy == MAJORITY for t in found.values()):
            trial = self._trials.ask()
            self._trials.finish(trial, run_majority(self.context, trial.number))
        known = studies.default_number(self._study)
        record = found[known] if known is not None else _run_default(self.context, self._trials)
        _add_vote(self.context, self._trials, (*found.values(), record), self._limits.seconds_left())
        return record

    def warm_start(self) -> None:
        """Score readings on a sample of the images, and queue what is worth knowing first."""
        if self._study.user_attrs.get(WARM_STARTED):
            return
        scores = screen(self.context, self._limits) if PROBE in self.planner.strategies else []
        stored = [score.to_json() for score in scores]
        self._study.set_user_attr("ranks", stored)
        if stored:
            self.context.run.emit(ReadingsRanked(tuple(score.ranked() for score in scores)))
        for overrides in self.planner.first_overrides(scores):
            self._queue(overrides)
        self._study.set_user_attr(WARM_STARTED, True)

    def search(self, *, after_trial: Callable[[], None] = lambda: None) -> str:
        """Run trials until the planner ends it; returns why it stopped."""
        try:
            return self._search(after_trial)
        finally:
            self._trials.give_up()

    def _search(self, after_trial: Callable[[], None]) -> str:
        scores = [ReadingScore.from_json(stored) for stored in self._study.user_attrs.get("ranks", ())]
        _recall(self.context, self.planner, self.leaderboard())
        while True:
            interruption.raise_if_requested()
            for text in self._lost.give_up_stale():
                self.context.run.emit(Message(text))
            trials = self._study.get_trials(deepcopy=False)  # with what other processes have done meanwhile
            board = self.leaderboard(trials)
            if _is_stuck(board):
                return f"the last {MAX_FAILURES} trials failed"
            begun = [trial for trial in trials if trial.state in (TrialState.RUNNING, TrialState.WAITING)]
            running = [trial for trial in begun if trial.state == TrialState.RUNNING]
            others_tune = any(trial.params.get("strategy") == FINE_TUNE for trial in running)
            share = self._share_of_trials(len(running))
            step = self.planner.next(
                board, scores, share, others_tune=others_tune, begun=[_head_of(trial) for trial in begun]
            )
            if self._trials and (isinstance(step, str) or step.is_decided_by_results):
                self._trials.end_oldest()
                after_trial()
                continue  # such a step is decided again with what the probes in progress bring
            if isinstance(step, str):
                # Who leads waits for the last trials of others: one that loses its process has to be tried again.
                enough = share >= 1 > self._share_of_trials(0)
                if enough and self._worker == 0 and self._limits.seconds_left() > 0:
                    time.sleep(WAIT_SECONDS)
                    after_trial()
                    continue
                return step
            if len(begun) == len(running):  # queued trials run first, and the step is then decided again
                self._prepare(step, board)
            if not waits_for_others(self.context, self._study):
                self._run_next(step.pinned, after_trial)

    def repeat(self, trials: Sequence[TrialRecord]) -> TrialRecord | None:
        """Run trials of another run again, with the choices they had, but for those that ran here already.

        Ends with the first that does not complete, and returns it.
        """
        done = {_choices(trial) for trial in self.leaderboard().completed}
        for trial in trials:
            if _choices(trial) not in done:
                candidate = self.context.candidate(trial)
                record = self._trials.run(self._trials.ask(), candidate, fixed_hyperparameters(trial.params))
                if record.state != "complete":
                    return record
        return None

    def blend(self) -> TrialRecord | None:
        """Run one more trial, the weighted mean of the best probes; its record, None where there is nothing to mix."""
        probes = blend_candidates(self.leaderboard(), self.context.run.config.asks_for)
        if len(probes) < 2:
            return None
        trial = self._trials.ask()
        return self._trials.finish(trial, blend_probes(self.context, probes, trial.number))

    def _forget(self) -> None:
        """Forget the leaderboard, for a trial has ended."""
        self._latest = None

    def _prepare(self, step: Step, board: Leaderboard) -> None:
        """Say what comes next, and queue it where it is not left to the sampler while it runs."""
        if step.message:
            tunes = step.overrides.get("strategy") == FINE_TUNE
            self.context.run.emit(FineTuningProposed(step.message) if tunes else Message(step.message))
        if step.overrides:
            self._queue(step.overrides)
        elif step.samples_fine_tuning:
            number = len(self._study.get_trials(deepcopy=False))
            tuning, dropped = self.planner.tuning, self.planner.heads.dropped
            ask = partial(
                propose, self._study, space=self.context.space, declare=self.context.processes.declare,
                sampler=lambda: self._sampler.build(self.context.seed + number + 1000 * self._worker),
            )  # fmt: skip
            proposed = ask(
                fixed={**step.pinned, **tuning.pinned_head(board, dropped)},
                accepts=lambda one: one.head.name not in dropped and tuning.accepts(one, board),
            )
            proposed = proposed or ask(fixed=tuning.fallback(board), accepts=lambda _candidate: True)
            if proposed:
                self._study.enqueue_trial(dict(proposed))

    def _run_next(self, pinned: Params, after_trial: Callable[[], None]) -> None:
        """Run the trial that the study asks for, or begin it, if others can run beside it."""
        study, base, trials = self._study, self._study.sampler, self._trials
        study.sampler = studies.pinned(base, pinned)
        try:
            trial = trials.ask()
            hp = OptunaHyperParameters(trial)
            candidate = self.context.space.sample(hp)
            if trials.begin_ahead(trial, candidate, hp):
                if trials.are_many:
                    trials.end_oldest()
                    after_trial()
                return
            while trials:
                trials.end_oldest()
                after_trial()
            trials.run(trial, candidate, hp)
            after_trial()
        finally:
            study.sampler = base

    def _queue(self, overrides: Params) -> None:
        """Queue the default trial with a few overrides; a head that cannot be built goes without its parameters."""
        self._trials.expect(overrides)
        try:
            sample = partial(self.context.space.sample_with_head, declare=self.context.processes.declare)
            parameters = defaults(sample, values=overrides)
        except Exception:
            parameters = defaults(self.context.space.sample, values=overrides)
        self._study.enqueue_trial(dict(parameters))

    def _share_of_trials(self, n_running: int) -> float:
        """Share of the allowed trials that is used; the majority row, and a default not asked for, do not count."""
        if self._limits.trials is None:
            return 0.0
        trials, config = (self._latest or self.leaderboard()).trials, self.context.run.config
        ended = sum(config.counts(t.strategy, t.head) for t in trials)
        return (ended + n_running) / self._limits.trials


def _ranked(trials: Sequence[FrozenTrial], known: dict[int, TrialRecord], context: SearchContext) -> Leaderboard:
    """known: the records that were read before; those of other trials that have ended are added."""
    objective = context.objective
    return rank(
        studies.records_of(trials, known), objective=objective.name, larger_is_better=objective.larger_is_better,
        default=studies.default_of(trials), kind=context.target.kind,
    )  # fmt: skip


def _run_default(context: SearchContext, trials: TrialsInProgress) -> TrialRecord:
    """Run the untuned default."""
    trial = trials.ask()
    studies.mark_default(trial)
    return trials.run(trial, context.space.default(), fixed_hyperparameters({}))


def _add_vote(
    context: SearchContext, trials: TrialsInProgress, ended: Sequence[TrialRecord], seconds_left: float
) -> None:
    """Let the frames of clips vote, unless they have; the last of the trials that ended is the untuned default."""
    default, voted = context.space.default(), any(one.strategy == FRAME_VOTE for one in ended)
    if not voted and ended[-1].state == "complete" and may_vote(context, default, seconds_left):
        trial = trials.ask()
        trials.finish(trial, run_frame_vote(context, default, trial.number))


def _recall(context: SearchContext, planner: Planner, board: Leaderboard) -> None:
    """Take over what other processes have read, which is in the cache: what is read decides what is tried."""
    read = [t.reading for t in board.completed if t.reading and t.reading.stage]
    for name, size in dict.fromkeys(reading.place for reading in read):
        if not context.reader.has_features(name, size) and planner.readings.can_read(name, size):
            try:
                context.reader.features(context.space.backbone(name), size)
            except OutOfTimeError:  # the cache was emptied; the planner sees that no time is left
                return


def _is_stuck(board: Leaderboard) -> bool:
    """Whether nothing but failures came of the last trials; the same cause would fail the next ones too."""
    trials = sorted(board.trials, key=lambda trial: trial.number)
    latest = [t for t in trials if t.strategy in (PROBE, FINE_TUNE)][-MAX_FAILURES:]
    return len(latest) == MAX_FAILURES and all(t.state == "failed" for t in latest)


def _head_of(trial: FrozenTrial) -> str:
    """The head of a trial that runs or waits; empty where it is not known yet."""
    given = {**trial.params, **trial.system_attrs.get("fixed_params", {})}
    return next((str(value) for key, value in given.items() if key.rpartition("/")[2] == "head"), "")


def _choices(trial: TrialRecord) -> str:
    """All that was chosen for a trial, to see whether two are the same."""
    training = {field.name: trial.training.get(field.name) for field in fields(Training)}
    return json.dumps(
        [trial.strategy, trial.reading and trial.reading.to_json(), trial.head, dict(trial.params), training]
    )
