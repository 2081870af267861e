"""The one store of trials: SQLite on disk, carried on after a kill, with a pruner that compares like with like."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import optuna
import pytest

from autotl.interfaces import Sampler, ScoreInterval
from autotl.search import optuna_study as studies
from autotl.search.leases import LeaseKeeper
from autotl.search.lost_trials import LostTrials
from autotl.trial import Reading, TrialRecord


@pytest.fixture
def open_study(context):
    def open_study(**options):
        sampler = context.plugins.pick(Sampler, "random")
        return studies.open_study(context.run, sampler=sampler, **({"maximise": True} | options))

    return open_study


def done(number, value):
    return TrialRecord(
        number,
        "complete",
        "probe",
        Reading("tiny", (32, 32), "top", "avg"),
        "svm",
        params={"svm/C": 0.5},
        score=ScoreInterval(value),
    )


def test_records_survive_the_store_whatever_became_of_the_trial(open_study, context):
    study = open_study()
    expected = [
        done(0, 0.5),
        TrialRecord(1, "pruned", "probe", reason="too low"),
        TrialRecord(2, "failed", "fine-tune", reason="ValueError: Größe", training={"epochs": 3}),
    ]
    for record in expected:
        studies.finish(study, study.ask(), record, run=context.run)
    study.ask()  # still running: it has no record yet
    again = open_study()
    assert studies.records(again) == expected
    states = [trial.state.name for trial in again.get_trials()]
    assert states == ["COMPLETE", "PRUNED", "FAIL", "RUNNING"]
    assert again.best_trial.number == 0


def test_the_direction_is_the_objectives(open_study, context):
    study = open_study(maximise=False)
    for value in (0.5, 0.2, 0.9):
        trial = study.ask()
        studies.finish(study, trial, done(trial.number, value), run=context.run)
    assert study.best_value == 0.2


def test_a_trial_of_another_program_is_listed_as_failed(open_study, context):
    study = open_study()
    study.tell(study.ask(), 0.3)
    [record] = studies.records(study)
    assert (record.state, record.reason) == ("failed", "no record: another program ran this trial")


def take_over(study):
    """What a process that is alone on the study says of the trials that it gives up."""
    return LostTrials(study, LeaseKeeper()).take_over(is_shared=False)


KILLED = """
import os, signal, sys
import optuna
study = optuna.load_study(study_name=sys.argv[2], storage=sys.argv[1])
trial = study.ask()
trial.suggest_float("C", 0.0, 1.0)
trial.suggest_categorical("head", ["a", "b"])
trial.report(0.4, 0)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_a_trial_lost_with_its_process_is_recorded_and_tried_again_with_the_same_parameters(open_study, context):
    study = open_study()
    studies.finish(study, study.ask(), done(0, 0.5), run=context.run)
    run = context.run
    process = subprocess.run([sys.executable, "-c", KILLED, run.storage, run.study_name], check=False, timeout=60)
    assert process.returncode == -signal.SIGKILL
    study = open_study()
    assert take_over(study) == []
    first, lost = studies.records(study)
    assert (first.state, first.score.value) == ("complete", 0.5)
    assert (lost.number, lost.state, lost.reason) == (1, "failed", "interrupted; its parameters are tried again")
    parameters = study.get_trials()[1].params
    trial = study.ask()
    assert trial.suggest_float("C", 0.0, 1.0) == parameters["C"]
    assert trial.suggest_categorical("head", ["a", "b"]) == parameters["head"]
    [said] = take_over(open_study())  # that one is running now, and is lost for the second time
    assert said == "trial 2: the process ended while it ran, as in trial 1: it is not tried again"
    assert [(t.head, t.cause) for t in studies.records(study)[1:]] == [(parameters["head"], "lost")] * 2
    assert study.get_trials(states=(optuna.trial.TrialState.WAITING,)) == []


def test_without_lost_trials_nothing_is_queued(open_study, context):
    study = open_study()
    studies.finish(study, study.ask(), done(0, 0.5), run=context.run)
    assert take_over(study) == []
    assert len(study.get_trials()) == 1


def test_a_trial_that_was_queued_but_not_begun_stays_queued(open_study, context):
    study = open_study()
    study.enqueue_trial({"C": 0.25})
    take_over(open_study())
    assert open_study().ask().suggest_float("C", 0.0, 1.0) == 0.25


def test_optuna_says_nothing_on_its_own(open_study, context, caplog):
    study = open_study()
    studies.finish(study, study.ask(), done(0, 0.5), run=context.run)
    assert optuna.logging.get_verbosity() == optuna.logging.WARNING
    assert not caplog.records
