"""Trials that lost their process: they are given up and tried once more; what comes of them later is kept."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from dataclasses import dataclass

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from autotl.runs.run import Run
from autotl.search.leases import LEASE, LeaseKeeper, LeaseObserver, has_lease, held_by_leader, process_ended
from autotl.search.trial_files import move_trial_files
from autotl.trial import Params, TrialRecord

LOST = "autotl_lost"
"""The user attribute with the record of a trial that was given up. The trial's own process may still write the other.
"""
RETRIES = "autotl_retries"
"""The user attribute with the number of the lost trial that a trial repeats."""
TRIED_AGAIN = "its parameters are tried again"
LOOK_SECONDS = 5.0
"""The least time between two looks at the trials that run."""


class LostTrials:
    """Gives up the trials of processes that have ended, with the machine, or whose leases they no longer renew.

    keeper: of the trials of this process, which are left alone.
    """

    def __init__(
        self, study: optuna.Study, keeper: LeaseKeeper, *, observer: LeaseObserver | None = None,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:  # fmt: skip
        self._study, self._keeper = study, keeper
        self._observer = observer or LeaseObserver()
        self._look_seconds, self._looked = look_seconds, -math.inf
        self._not_queued: set[int] = set()

    def take_over(self, *, is_shared: bool) -> list[str]:
        """Give up what an earlier process that led the search left unfinished; returns what is not tried again.

        Call it only where no other process leads the search. is_shared: whether the storage holds more than this run,
        so that a trial without a lease may be one that another process has only just been given.
        """

        def is_lost(trial: FrozenTrial) -> bool:
            unknown = not has_lease(trial) and not is_shared
            return unknown or held_by_leader(trial) or process_ended(trial)

        for trial in _not_queued(self._study):
            _queue_again(self._study, trial)
        ended = [give_up(self._study, trial, "interrupted") for trial in self._running() if is_lost(trial)]
        return [f"trial {one.number}: {one.reason}" for one in ended if one and TRIED_AGAIN not in one.reason]

    def give_up_stale(self) -> list[str]:
        """Give up what other processes do not run any more; returns what was. Most calls do nothing."""
        now = time.monotonic()
        if now - self._looked < self._look_seconds:
            return []
        self._looked = now
        if self._keeper.is_leading:
            self._complete_queue()
        running = self._running()
        ended = [trial for trial in running if process_ended(trial)]
        stale = [trial for trial in self._observer.stale(running) if trial not in ended]
        silent = f"its process was not heard of for {self._observer.grace_seconds:g} seconds"
        given_up = [give_up(self._study, trial, "its process ended") for trial in ended]
        given_up += [give_up(self._study, trial, silent) for trial in stale]
        return [f"trial {one.number} is given up: {one.reason}" for one in given_up if one]

    def _complete_queue(self) -> None:
        """Queue second tries that two looks have missed: what gave up the trial was killed before it queued them."""
        found = _not_queued(self._study)
        for trial in found:
            if trial.number in self._not_queued:
                _queue_again(self._study, trial)
        self._not_queued = {trial.number for trial in found}

    def _running(self) -> list[FrozenTrial]:
        running = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return [trial for trial in running if not self._keeper.holds(trial.number)]


def give_up(study: optuna.Study, trial: FrozenTrial, why: str) -> TrialRecord | None:
    """Give up a running trial and queue its parameters again; None if it ended otherwise meanwhile.

    The same choices, or a head of which no trial has completed, are not tried a third time: they may be what ended the
    process. why: what became of it, as its record says.
    """
    choices, earlier = _choices(trial), _lost_before(study, trial)
    if earlier:
        reason = f"the process ended while it ran, as in trial {earlier.number}: it is not tried again"
    else:
        reason = f"{why}; {TRIED_AGAIN}" if choices else f"{why} before anything was chosen for it"
    started = trial.datetime_start.timestamp() if trial.datetime_start else time.time()
    record = TrialRecord(
        trial.number, "failed", "", head=_head(trial), started=started, reason=reason, cause="lost"
    )  # fmt: skip
    try:
        study._storage.set_trial_user_attr(trial._trial_id, LOST, record.to_json())
        study._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
    except UpdateFinishedTrialError:  # by its own process, or by another that gave it up too
        return None
    if choices and not earlier:
        _queue_again(study, trial)
    return record


def _queue_again(study: optuna.Study, trial: FrozenTrial) -> None:
    study.enqueue_trial(dict(_choices(trial)), user_attrs={RETRIES: trial.number})


def _not_queued(study: optuna.Study) -> list[FrozenTrial]:
    """The trials that were given up to be tried again, and of which no second try is known."""
    trials = study.get_trials(deepcopy=False)
    repeated = {trial.user_attrs.get(RETRIES) for trial in trials}
    return [
        trial for trial in trials
        if was_lost(trial) and trial.number not in repeated and TRIED_AGAIN in trial.user_attrs[LOST]["reason"]
    ]  # fmt: skip


def keep_late(study: optuna.Study, trial: optuna.Trial, run: Run) -> FrozenTrial:
    """Make a running trial of one that was given up though its process lived; its files move to the new number."""
    storage = study._storage
    former = storage.get_trial(trial._trial_id)
    template = optuna.trial.create_trial(
        state=TrialState.RUNNING, params=former.params, distributions=former.distributions,
        user_attrs={key: value for key, value in former.user_attrs.items() if key not in (LEASE, LOST)},
        system_attrs=former.system_attrs, intermediate_values=former.intermediate_values,
    )  # fmt: skip
    later = storage.get_trial(storage.create_new_trial(study._study_id, template))
    move_trial_files(run, former.number, later.number)
    return later


@dataclass(frozen=True)
class StudyReporter:
    """Tells the study how a trial does meanwhile, unless that was given up: then its result counts as late."""

    trial: optuna.Trial

    def report(self, value: float, step: int) -> None:
        """Keep the objective's value at a step."""
        with suppress(UpdateFinishedTrialError):
            self.trial.report(value, step)


def is_retry(trial: optuna.Trial) -> bool:
    """Whether a trial repeats one that lost its process. It runs alone, so that no other is taken for the cause."""
    return RETRIES in trial.user_attrs


def was_lost(trial: FrozenTrial) -> bool:
    """Whether a trial was given up."""
    return trial.state == TrialState.FAIL and LOST in trial.user_attrs


def _lost_before(study: optuna.Study, trial: FrozenTrial) -> FrozenTrial | None:
    """The last trial that was lost before this one began and that tells that its choices are the cause."""
    head, others = _head(trial), study.get_trials(deepcopy=False)
    same_head = [one for one in others if head and _head(one) == head]
    proven = any(one.state == TrialState.COMPLETE for one in same_head)
    suspects = [one for one in same_head if was_lost(one) and (_choices(one) == _choices(trial) or not proven)]
    return next((one for one in reversed(suspects) if _ended_before(one, trial)), None)


def _ended_before(one: FrozenTrial, trial: FrozenTrial) -> bool:
    """Whether a trial began when another had been given up: of those lost together, one at most is the cause."""
    if trial.user_attrs.get(RETRIES) == one.number:  # whatever the clocks of their machines say
        return True
    if one.datetime_complete is None or trial.datetime_start is None:
        return False
    return one.datetime_complete <= trial.datetime_start


def _choices(trial: FrozenTrial) -> Params:
    """All that was chosen for a trial, or queued with it."""
    return {**trial.system_attrs.get("fixed_params", {}), **trial.params}


def _head(trial: FrozenTrial) -> str:
    choices = _choices(trial)
    return str(next((value for key, value in choices.items() if key.rpartition("/")[2] == "head"), ""))
