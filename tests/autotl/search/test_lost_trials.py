"""Trials that lost their process: given up, tried once more, and kept where their result comes late."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from datetime import datetime, timedelta

import optuna
import pytest
from asking import ROOT
from optuna.trial import TrialState

from autotl.interfaces import Sampler, ScoreInterval
from autotl.runs.storage import close_storage
from autotl.search import leases, lost_trials
from autotl.search import optuna_study as studies
from autotl.search.leases import LEASE, LeaseKeeper, LeaseObserver
from autotl.search.lost_trials import LostTrials, StudyReporter, give_up, is_retry
from autotl.trial import Reading, TrialRecord

WORKER = """
import sys, time
import optuna
from autotl.runs.storage import open_storage
from autotl.search.leases import LeaseKeeper
study = optuna.load_study(study_name=sys.argv[2], storage=open_storage(sys.argv[1]))
trial = study.ask()
LeaseKeeper(worker=1, renewal_seconds=0.1).hold(trial)
trial.suggest_float("C", 0.0, 1.0)
trial.suggest_categorical("head", ["a", "b"])
print(trial.number, flush=True)
time.sleep(60)
"""


on_both = pytest.mark.parametrize("address", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def address(request):
    """None for the file in the run folder, or a real server; each run has a study of its own."""
    is_server = getattr(request, "param", "sqlite") == "postgresql"
    return request.getfixturevalue("postgres").address() if is_server else None


@pytest.fixture
def open_study(make_context, address):
    """open_study(): the study of one run as another process sees it; `open_study.run`."""
    context, opened = make_context(storage=address), []

    def open_study():
        study = studies.open_study(context.run, sampler=context.plugins.pick(Sampler, "random"), maximise=True)
        opened.append(study._storage._backend)
        return study

    open_study.run = context.run
    yield open_study
    for storage in opened:
        close_storage(storage)


@pytest.fixture
def study(open_study):
    return open_study()


@pytest.fixture
def worker(open_study):
    """worker(): a process that runs a trial; its second part is the trial's number."""
    run, started = open_study.run, []

    def worker():
        command = [sys.executable, "-c", WORKER, run.storage, run.study_name]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT))
        return started[-1], int(started[-1].stdout.readline())

    yield worker
    for process in started:
        process.kill()
        process.communicate()


def done(trial, value=0.7, state="complete"):
    reading = Reading("tiny", (32, 32), "top", "avg")
    return TrialRecord(trial.number, state, "probe", reading, "a", score=ScoreInterval(value))


def ask(study, head="a", **fixed):
    """A trial that has chosen its head."""
    trial = study.ask()
    trial.suggest_categorical("head", ["a", "b"] if head in ("a", "b") else [head])
    trial.suggest_float("C", 0.0, 1.0)
    return trial


def frozen(study, number):
    return study.get_trials(deepcopy=False)[number]


def observe(study, **options):
    """What looks at the trials of others, as often as it is asked."""
    observer = LeaseObserver(**{"grace_seconds": 0.6, **options})
    return LostTrials(study, LeaseKeeper(), observer=observer, look_seconds=0.0)


def states(study):
    return [trial.state for trial in study.get_trials(deepcopy=False)]


@on_both
@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_the_trial_of_a_killed_worker_is_tried_again_and_after_a_second_death_no_more(study, worker, open_study):
    watch = observe(study)
    process, number = worker()
    assert watch.give_up_stale() == []
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert watch.give_up_stale() == [
        f"trial {number} is given up: its process ended; its parameters are tried again"
    ]  # fmt: skip
    choices = frozen(study, number).params
    process, again = worker()
    assert frozen(study, again).params == choices
    process.send_signal(signal.SIGKILL)
    process.wait()
    reason = f"the process ended while it ran, as in trial {number}: it is not tried again"
    assert watch.give_up_stale() == [f"trial {again} is given up: {reason}"]
    assert states(study) == [TrialState.FAIL] * 2
    assert [(one.cause, one.head, one.reason) for one in studies.records(open_study())] == [
        ("lost", choices["head"], "its process ended; its parameters are tried again"),
        ("lost", choices["head"], reason),
    ]


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_a_worker_elsewhere_is_given_up_when_its_lease_moves_no_more(study, worker, monkeypatch):
    process, number = worker()
    monkeypatch.setattr(leases, "this_machine", lambda: "another machine")
    watch, pause = observe(study), threading.Event()
    for _ in range(12):
        assert watch.give_up_stale() == []
        pause.wait(0.1)
    process.send_signal(signal.SIGKILL)
    for _ in range(100):
        if said := watch.give_up_stale():
            break
        pause.wait(0.1)
    assert said == [
        f"trial {number} is given up: its process was not heard of for 0.6 seconds; its parameters are tried again"
    ]


def test_most_calls_do_not_look(study):
    watch = LostTrials(study, LeaseKeeper(), observer=LeaseObserver(grace_seconds=0.0), look_seconds=60.0)
    ask(study)
    for _ in range(5):
        assert watch.give_up_stale() == []


def test_the_trials_of_this_process_are_not_given_up(study):
    keeper = LeaseKeeper(renewal_seconds=60)
    keeper.hold(study.ask())
    watch = LostTrials(study, keeper, observer=LeaseObserver(grace_seconds=0.0), look_seconds=0.0)
    for _ in range(5):
        assert watch.give_up_stale() == []
    keeper.close()


@on_both
def test_of_two_that_give_up_a_trial_one_queues_its_parameters(study, open_study):
    trial = ask(study)
    seen = frozen(study, trial.number)
    given_up = [give_up(one, seen, "its process ended") for one in (study, open_study())]
    assert [one is not None for one in given_up] == [True, False]
    assert states(study) == [TrialState.FAIL, TrialState.WAITING]


class Killed(BaseException):
    """Nothing of the process runs any more."""


@pytest.fixture
def killed_before_it_queued(study, monkeypatch):
    """A trial whose second try was never queued, for what gave it up was killed in between."""
    trial = ask(study)

    def killed(*_arguments, **_options):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(study, "enqueue_trial", killed)
        with pytest.raises(Killed):
            give_up(study, frozen(study, trial.number), "its process ended")
    assert states(study) == [TrialState.FAIL]
    return trial


@pytest.mark.parametrize("is_shared", [False, True])
def test_a_second_try_that_was_not_queued_is_queued_by_who_leads_the_search_next(
    study, killed_before_it_queued, is_shared
):
    watch = LostTrials(study, LeaseKeeper())
    watch.take_over(is_shared=is_shared)
    watch.take_over(is_shared=is_shared)
    assert states(study) == [TrialState.FAIL, TrialState.WAITING]
    again = study.ask()
    assert is_retry(again)
    assert again.suggest_float("C", 0.0, 1.0) == killed_before_it_queued.params["C"]


def test_while_the_search_goes_on_it_is_queued_when_two_looks_have_missed_it(study, killed_before_it_queued):
    """One look may come between what another process does."""
    leading, other = observe(study), LostTrials(study, LeaseKeeper(worker=1), look_seconds=0.0)
    for _ in range(3):
        other.give_up_stale()
    leading.give_up_stale()
    assert states(study) == [TrialState.FAIL]
    for _ in range(3):
        leading.give_up_stale()
    assert states(study) == [TrialState.FAIL, TrialState.WAITING]


def test_trials_that_are_lost_together_are_all_tried_again(study):
    """One of them may have ended the process, or none; each is tried alone, and then it is known."""
    lost = [ask(study, "b") for _ in range(3)]
    for trial in lost:
        assert "tried again" in give_up(study, frozen(study, trial.number), "its process ended").reason
    again = study.ask()
    assert is_retry(again)
    assert not is_retry(lost[0])
    again.suggest_categorical("head", ["a", "b"])
    assert "not tried again" in give_up(study, frozen(study, again.number), "its process ended").reason


def test_a_second_try_counts_as_one_though_the_clock_was_set_back_meanwhile(study):
    first = ask(study)
    give_up(study, frozen(study, first.number), "its process ended")
    queued = frozen(study, 1)
    again = optuna.trial.create_trial(
        state=TrialState.RUNNING, user_attrs=queued.user_attrs, system_attrs=queued.system_attrs
    )
    again.datetime_start = datetime.now() - timedelta(days=1)
    study.add_trial(again)
    assert "as in trial 0" in give_up(study, frozen(study, 2), "its process ended").reason


def test_a_head_that_was_never_proven_is_not_tried_a_third_time_whatever_its_parameters(study):
    first = ask(study, "only")
    give_up(study, frozen(study, first.number), "its process ended")
    study._storage.set_trial_state_values(frozen(study, 1)._trial_id, TrialState.FAIL)  # what was queued
    other = ask(study, "only")
    assert "as in trial 0" in give_up(study, frozen(study, other.number), "its process ended").reason


def test_a_head_that_has_completed_is_tried_again_with_other_parameters(study, open_study):
    proven = ask(study, "only")
    studies.finish(study, proven, done(proven), run=open_study.run)
    for number in (1, 3):
        trial = ask(study, "only")
        assert trial.number == number
        assert "tried again" in give_up(study, frozen(study, trial.number), "its process ended").reason
        queued = study.get_trials(states=(TrialState.WAITING,))
        study._storage.set_trial_state_values(queued[-1]._trial_id, TrialState.FAIL)


def test_what_was_queued_is_queued_again_where_nothing_had_been_asked_of_it(study):
    study.enqueue_trial({"head": "b", "C": 0.25})
    give_up(study, frozen(study, study.ask().number), "interrupted")
    trial = study.ask()
    assert (trial.suggest_categorical("head", ["a", "b"]), trial.suggest_float("C", 0.0, 1.0)) == ("b", 0.25)


def test_a_trial_for_which_nothing_was_chosen_is_not_queued(study):
    record = give_up(study, frozen(study, study.ask().number), "interrupted")
    assert record.reason == "interrupted before anything was chosen for it"
    assert states(study) == [TrialState.FAIL]


@on_both
@pytest.mark.parametrize("state", ["complete", "pruned"])
def test_a_late_result_is_kept_as_a_new_trial_with_its_files(study, open_study, state):
    run, trial = open_study.run, ask(study)
    studies.mark_default(trial)
    trial.report(0.4, 0)
    folder = run.trial_folder(trial.number)
    folder.mkdir(parents=True)
    (folder / "predictions.npz").write_bytes(b"predictions")
    give_up(open_study(), frozen(study, trial.number), "its process ended")
    kept = studies.finish(study, trial, done(trial, 0.7, state), run=run)
    assert kept.number == 2  # 1 is the second try
    assert (run.trial_folder(2) / "predictions.npz").read_bytes() == b"predictions"
    assert not folder.exists()
    lost, late = studies.records(open_study())
    assert (lost.number, lost.state, lost.cause) == (0, "failed", "lost")
    assert (late.number, late.state, late.score.value) == (2, state, 0.7)
    found = frozen(open_study(), 2)
    assert found.state == (TrialState.COMPLETE if state == "complete" else TrialState.PRUNED)
    assert (found.params, found.intermediate_values) == (trial.params, {0: 0.4})
    assert (studies.default_number(study) == 2) is (state == "complete")


def test_a_late_failure_is_not_kept_for_the_trial_is_tried_again_anyway(study, open_study):
    trial = ask(study)
    give_up(open_study(), frozen(study, trial.number), "its process ended")
    studies.finish(study, trial, done(trial, state="failed"), run=open_study.run)
    assert states(study) == [TrialState.FAIL, TrialState.WAITING]


@on_both
def test_a_trial_that_is_given_up_while_it_tells_its_result_is_kept_once(study, open_study, monkeypatch):
    run, trial = open_study.run, ask(study)
    tell, other = study.tell, open_study()

    def tell_too_late(number, *arguments, **options):
        if number == trial.number:
            give_up(other, frozen(other, number), "its process ended")
        return tell(number, *arguments, **options)

    monkeypatch.setattr(study, "tell", tell_too_late)
    kept = studies.finish(study, trial, done(trial), run=run)
    assert [(one.number, one.state) for one in studies.records(open_study())] == [
        (0, "failed"),
        (kept.number, "complete"),
    ]


@on_both
def test_a_trial_that_tells_its_result_while_it_is_given_up_is_not_lost(study, open_study, monkeypatch):
    trial, other = ask(study), open_study()
    fail = other._storage.set_trial_state_values

    def fail_too_late(*arguments):
        studies.finish(study, trial, done(trial), run=open_study.run)
        return fail(*arguments)

    seen = frozen(other, trial.number)
    monkeypatch.setattr(other._storage, "set_trial_state_values", fail_too_late)
    assert give_up(other, seen, "its process ended") is None
    [record] = studies.records(open_study())
    assert (record.state, record.score.value) == ("complete", 0.7)
    assert states(study) == [TrialState.COMPLETE]


def test_a_result_that_was_told_though_the_answer_was_lost_is_kept_once(study, open_study, monkeypatch):
    trial, tell = ask(study), study.tell

    def tell_twice(*arguments, **options):
        tell(*arguments, **options)
        return tell(*arguments, **options)

    monkeypatch.setattr(study, "tell", tell_twice)
    assert studies.finish(study, trial, done(trial, float("inf")), run=open_study.run).number == trial.number
    assert states(open_study()) == [TrialState.COMPLETE]


def test_a_trial_that_was_given_up_goes_on_reporting_in_vain(study):
    trial = ask(study)
    give_up(study, frozen(study, trial.number), "its process ended")
    StudyReporter(trial).report(0.5, 0)
    assert frozen(study, trial.number).intermediate_values == {}


def held(study, **lease):
    """A trial with such a lease, by default one of this machine's processes that lives."""
    trial = ask(study)
    trial.set_user_attr(LEASE, {"count": 0, "worker": 1, "machine": leases.this_machine(), "pid": os.getpid(), **lease})
    return trial.number


def ended_process():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("is_shared", [False, True])
def test_who_leads_a_search_takes_over_what_the_former_leader_and_ended_workers_left(study, is_shared):
    without = ask(study).number
    led = held(study, worker=0, machine="elsewhere")
    ended, lives, elsewhere = held(study, pid=ended_process()), held(study), held(study, machine="elsewhere", pid=1)
    LostTrials(study, LeaseKeeper()).take_over(is_shared=is_shared)
    still = {trial.number for trial in study.get_trials(states=(TrialState.RUNNING,))}
    # In a storage of many a trial without a lease may be one that a worker has only just been given.
    assert still == ({without, lives, elsewhere} if is_shared else {lives, elsewhere})
    assert {led, ended}.isdisjoint(still)


def test_a_trial_lost_to_an_earlier_version_is_still_listed(study):
    """It kept the record of a lost trial where others have theirs."""
    trial = ask(study)
    record = TrialRecord(trial.number, "failed", "", reason="interrupted", cause="lost")
    trial.set_user_attr("autotl_record", record.to_json())
    study.tell(trial, state=TrialState.FAIL)
    assert studies.records(study) == [record]
    assert not lost_trials.was_lost(frozen(study, 0))


def test_optuna_is_not_asked_for_heartbeats(study):
    assert optuna.storages._heartbeat.is_heartbeat_enabled(study._storage) is False
