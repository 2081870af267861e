"""Trials from their beginning to their end; several probes are in progress at once, so that every core has a fold."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import optuna

from autotl.errors import NoWorkersError, WorkerLostError
from autotl.evidence.leaderboard import Leaderboard
from autotl.runs.events import Message, TrialBegun
from autotl.runtime.clock import steady_time
from autotl.runtime.conditions import is_condition
from autotl.search import optuna_study as studies
from autotl.search.context import SearchContext
from autotl.search.leases import LeaseKeeper
from autotl.search.lost_trials import StudyReporter, give_up, is_retry, was_lost
from autotl.search.performers import Performer, perform_elsewhere
from autotl.search.planner import Planner
from autotl.search.probe_trials import ProbeAhead, begin_probe, fits_beside_others
from autotl.search.run_trial import ended, failed, perform
from autotl.search.trial_files import drop_networks
from autotl.search.trial_plan import Refused, plan_trial
from autotl.trial import FINE_TUNE, PROBE, Candidate, Params, TrialRecord, describe, format_size

if TYPE_CHECKING:
    import keras_tuner

MORE_PROBES = 2
"""So many probes more are in progress than would keep every core busy with a fold, lest a long fold stops the rest."""


@dataclass(frozen=True)
class _Begun:
    """A trial that has begun. ahead: where it is a probe whose folds are being computed."""

    trial: optuna.Trial
    record: TrialRecord
    candidate: Candidate
    hp: keras_tuner.HyperParameters
    ahead: ProbeAhead | None = None

    def close(self) -> None:
        """Give up the folds that are not there yet."""
        if self.ahead:
            self.ahead.folds.close()


class TrialsInProgress:
    """Begins trials, ends them in the order of their numbers, and tells the study.

    What one trial can know of the others therefore depends on the number of cores, but not on which was faster.
    leaderboard: the trials that have ended; after_end: called when there is one more. keeper: holds the leases of the
    trials until they have ended.
    """

    def __init__(
        self, context: SearchContext, study: optuna.Study, planner: Planner, leaderboard: Callable[[], Leaderboard],
        after_end: Callable[[], None], keeper: LeaseKeeper, performer: Performer | None = None,
    ) -> None:  # fmt: skip
        self._context, self._study, self._planner, self._keeper = context, study, planner, keeper
        self._performer = performer
        self._leaderboard, self._after_end = leaderboard, after_end
        self._ahead: deque[_Begun] = deque()

    def __len__(self) -> int:
        return len(self._ahead)

    @property
    def are_many(self) -> bool:
        """Whether so many probes are in progress that the oldest has to end before another begins."""
        pool, n_folds = self._context.pool, self._context.run.split.n_folds
        return len(self._ahead) >= math.ceil(pool.n_threads / n_folds) + MORE_PROBES

    def ask(self) -> optuna.Trial:
        """Ask the study for a trial, and hold its lease."""
        trial = self._study.ask()
        self._keeper.hold(trial)
        return trial

    def expect(self, overrides: Params) -> None:
        """Make ready for a trial that has been queued, where it trains a network."""
        is_network = overrides.get("head") in self._context.space.networks
        if self._performer and (is_network or overrides.get("strategy") == FINE_TUNE):
            self._performer.prepare()

    def finish(self, trial: optuna.Trial, record: TrialRecord) -> TrialRecord:
        """Tell the study how a trial ended; returns the record as it is kept."""
        kept = studies.finish(self._study, trial, record, run=self._context.run)
        self._keeper.release(trial)
        self._after_end()
        return kept

    def run(self, trial: optuna.Trial, candidate: Candidate, hp: keras_tuner.HyperParameters) -> TrialRecord:
        """Run a trial from beginning to end."""
        return self._end(self._begin(trial, candidate, hp))

    def begin_ahead(self, trial: optuna.Trial, candidate: Candidate, hp: keras_tuner.HyperParameters) -> bool:
        """Begin a trial that others can run beside: a probe of one of our heads on features that are read.

        Returns whether it has begun; another one, and one that the planner has something to say about, is to be `run`.
        """
        context, board = self._context, self._leaderboard()
        if (
            is_retry(trial)
            or candidate.strategy != PROBE
            or candidate.head.recipe
            or not fits_beside_others(context, candidate.head)
        ):
            return False
        if self._performer and self._performer.takes(candidate):
            return False
        if not context.costs.has_features(*candidate.reading.place):
            return False
        if self._planner.is_owed(candidate, board) or self._planner.obstacle(candidate, board):
            return False
        try:
            ahead = begin_probe(context, candidate, hp)
        except Exception:  # raised again, and recorded, where the trial is run
            return False
        self._ahead.append(self._begin(trial, candidate, hp, ahead))
        return True

    def end_oldest(self) -> TrialRecord:
        """Wait for the end of the trial that began first."""
        return self._end(self._ahead.popleft())

    def give_up(self) -> None:
        """End all that are in progress, as interrupted."""
        while self._ahead:
            self._give_up(self._ahead.popleft())

    def _begin(
        self, trial: optuna.Trial, candidate: Candidate, hp: keras_tuner.HyperParameters,
        ahead: ProbeAhead | None = None,
    ) -> _Begun:  # fmt: skip
        record = describe(candidate, trial.number, started=steady_time())
        reading, size = candidate.reading, format_size(candidate.reading.size)
        event = TrialBegun(
            trial.number, record.strategy, reading.backbone, size, reading.stage, reading.pooling, record.head
        )
        self._context.run.emit(event)
        return _Begun(trial, record, candidate, hp, ahead)

    def _end(self, begun: _Begun) -> TrialRecord:
        try:
            result = self._perform(begun)
        except WorkerLostError as lost:
            record = self._lose(begun, str(lost))
            if isinstance(lost, NoWorkersError):
                raise
            return record
        except KeyboardInterrupt:
            self._give_up(begun)
            raise
        finally:
            begun.close()
        result = self.finish(begun.trial, result)
        if result.strategy == FINE_TUNE and result.state == "complete":
            drop_networks(self._context.run, self._leaderboard())
        return result

    def _perform(self, begun: _Begun) -> TrialRecord:
        try:
            task = plan_trial(
                self._context, self._study, self._planner, self._leaderboard(), begun.record, begun.candidate,
                in_progress=begun.ahead is not None,
            )  # fmt: skip
        except Exception as error:  # such as a backbone that cannot be built to see what it would cost
            if is_condition(error):
                raise
            return failed(self._context, begun.record, begun.candidate, error)
        if isinstance(task, Refused):
            return ended(begun.record, "pruned", task.reason, cause="obstacle")
        reporter, performer = StudyReporter(begun.trial), self._performer
        if performer and performer.takes(begun.candidate):
            return perform_elsewhere(performer, self._context, task, begun.candidate, begun.hp, reporter)
        return perform(self._context, task, begun.candidate, begun.hp, reporter, begun.ahead)

    def _lose(self, begun: _Begun, why: str) -> TrialRecord:
        """Give up a trial whose process is gone; its parameters are queued again, once."""
        self._keeper.release(begun.trial)
        given_up = give_up(self._study, self._study._storage.get_trial(begun.trial._trial_id), why)
        record = given_up or ended(begun.record, "failed", why, cause="lost")
        self._context.run.emit(Message(f"trial {record.number} is given up: {record.reason}"))
        self._after_end()
        return record

    def _give_up(self, begun: _Begun) -> None:
        begun.close()
        again = self._context.reader.process > 0 and bool(begun.trial.params)  # the search goes on without this worker
        reason = "its worker was ended; its parameters are tried again" if again else "interrupted"
        # Where the others had given it up before, its parameters are queued already. They are queued before it ends: if
        # this process is killed in between they are tried twice, and otherwise would not be tried again.
        if again and not was_lost(self._study._storage.get_trial(begun.trial._trial_id)):
            self._study.enqueue_trial(dict(begun.trial.params))
        self.finish(begun.trial, ended(begun.record, "failed", reason, cause="lost" if again else ""))
