"""Leases of running trials: who renews them, and when they are stale."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import optuna
import pytest

from autotl.search import leases
from autotl.search.leases import GRACE_SECONDS, LEASE, RENEWAL_SECONDS, LeaseKeeper, LeaseObserver


@pytest.fixture
def study():
    return optuna.create_study()


@pytest.fixture
def keep():
    """keep(renewal_seconds=0.05): a keeper that is closed after the test."""
    made = []

    def keep(**options):
        made.append(LeaseKeeper(**{"renewal_seconds": 0.05, **options}))
        return made[-1]

    yield keep
    for keeper in made:
        keeper.close()


def lease(trial):
    return trial.study.get_trials()[trial.number].user_attrs.get(LEASE)


def wait_for(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Clock:
    """A clock that stands still until it is moved."""

    now = 1000.0

    def __call__(self):
        return self.now


def running(*counts):
    """Trials that run, with the counts of their leases; None for one without a lease."""
    states = optuna.trial.TrialState
    attributes = [{} if count is None else {LEASE: {"count": count, "worker": 1}} for count in counts]
    trials = [optuna.trial.create_trial(state=states.RUNNING, user_attrs=one) for one in attributes]
    for number, trial in enumerate(trials):
        trial.number = number
    return trials


def test_a_lease_says_whose_it_is_from_the_start(study, keep):
    trial = study.ask()
    keep(worker=3, renewal_seconds=60).hold(trial)
    assert lease(trial) == {"count": 0, "worker": 3, "machine": leases.this_machine(), "pid": os.getpid()}


def test_a_lease_is_renewed_until_its_trial_has_ended(study, keep):
    keeper, trial, other = keep(), study.ask(), study.ask()
    keeper.hold(trial)
    keeper.hold(other)
    wait_for(lambda: lease(trial)["count"] >= 2)
    keeper.release(trial)
    assert (keeper.holds(trial.number), keeper.holds(other.number)) == (False, True)
    wait_for(lambda: lease(other)["count"] >= 1)
    at_the_end, of_other = lease(trial)["count"], lease(other)["count"]
    wait_for(lambda: lease(other)["count"] >= of_other + 3)
    assert lease(trial)["count"] <= at_the_end + 1  # one renewal may have been on its way


def test_the_trial_that_was_given_up_is_renewed_no_more_and_the_others_are(study, keep):
    keeper, trial, other = keep(), study.ask(), study.ask()
    keeper.hold(trial)
    keeper.hold(other)
    study.tell(trial, state=optuna.trial.TrialState.FAIL)
    wait_for(lambda: not keeper.holds(trial.number))
    of_trial, of_other = lease(trial)["count"], lease(other)["count"]
    wait_for(lambda: lease(other)["count"] > of_other + 1)
    assert (keeper.holds(other.number), lease(trial)["count"]) == (True, of_trial)


def test_leases_are_renewed_again_when_the_storage_answers_again(study, keep, monkeypatch):
    keeper, trial = keep(), study.ask()
    keeper.hold(trial)
    refused = []

    def refuse(*arguments):
        refused.append(arguments)
        raise ConnectionError("the server was closed")

    with monkeypatch.context() as patched:
        patched.setattr(trial.storage, "set_trial_user_attr", refuse)
        wait_for(lambda: len(refused) >= 2)
    count = lease(trial)["count"]
    wait_for(lambda: lease(trial)["count"] > count)


def test_a_keeper_that_had_nothing_to_renew_renews_what_it_is_given_later(study, keep):
    keeper = keep()
    for _ in range(2):
        trial = study.ask()
        keeper.hold(trial)
        wait_for(lambda held=trial: lease(held)["count"] >= 1)
        keeper.release(trial)
        wait_for(lambda: keeper._thread is None)
        assert not keeper.holds(trial.number)


def test_a_trial_is_stale_when_its_lease_has_not_moved_for_the_grace():
    clock = Clock()
    observer = LeaseObserver(grace_seconds=150, clock=clock)
    assert observer.stale(running(4, 7, None)) == []
    seen = []
    for second in range(5, 200, 5):
        clock.now = 1000 + second
        alive = 7 + second // 60
        stale = [trial.number for trial in observer.stale(running(4, alive, None))]
        seen.append((second, stale))
    assert next(second for second, stale in seen if stale) == 150
    assert seen[-1] == (195, [0, 2])


def test_a_trial_that_is_renewed_every_time_is_never_stale_however_seldom_it_is_looked_at():
    clock = Clock()
    observer = LeaseObserver(clock=clock)
    for look in range(5):
        clock.now += 3600
        assert observer.stale(running(look)) == []


@pytest.mark.parametrize("jump", [86400.0, -86400.0])
def test_a_clock_that_jumps_gives_nothing_up_that_is_renewed_afterwards(jump):
    clock = Clock()
    observer = LeaseObserver(grace_seconds=150, clock=clock)
    assert observer.stale(running(1)) == []
    clock.now += jump
    assert observer.stale(running(1)) == []  # as where the machine had stopped, with all its processes
    clock.now += 60
    assert observer.stale(running(1)) == []
    clock.now += 15
    assert observer.stale(running(2)) == []
    clock.now += 80
    assert observer.stale(running(2)) == []


def test_the_time_of_day_is_not_asked(study, keep, monkeypatch):
    keeper, trial, observer = keep(), study.ask(), LeaseObserver(grace_seconds=0.4)
    keeper.hold(trial)
    monkeypatch.setattr(time, "time", lambda: pytest.fail("it may jump"))
    for _ in range(12):
        assert observer.stale(study.get_trials(states=(optuna.trial.TrialState.RUNNING,))) == []
        time.sleep(0.05)
    keeper.close()
    wait_for(lambda: observer.stale(study.get_trials(states=(optuna.trial.TrialState.RUNNING,))))


def test_two_renewals_fit_into_the_grace():
    assert GRACE_SECONDS >= 2 * RENEWAL_SECONDS
    assert GRACE_SECONDS / 2 > RENEWAL_SECONDS  # two looks, each of which would see one


def test_an_ended_process_is_told_by_its_number_on_this_machine_only(study, monkeypatch):
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    trial = study.ask()
    holder = {"count": 0, "worker": 1, "machine": leases.this_machine(), "pid": process.pid}

    def ended(**changed):
        trial.set_user_attr(LEASE, {**holder, **changed})
        return leases.process_ended(study.get_trials()[0])

    try:
        assert not ended()
    finally:
        process.stdin.close()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert ended()  # though its parent has not asked yet how it ended
    process.wait()
    assert ended()
    assert not ended(machine="elsewhere")
    assert not ended(pid=os.getpid())


def test_a_trial_without_a_lease_belongs_to_no_process(study):
    study.ask()
    [trial] = study.get_trials()
    assert not leases.has_lease(trial)
    assert not leases.process_ended(trial)
    assert not leases.held_by_leader(trial)
