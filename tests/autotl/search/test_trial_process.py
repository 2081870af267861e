"""Networks are trained in a process of their own: what they do there costs their trial, and all else is as it was."""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
import signal
import time
from dataclasses import replace

import misbehaving_trials as bad
import numpy as np
import psutil
import pytest
from loose_plugins import tiny_backbone

from autotl.data.split import split
from autotl.errors import HeadError
from autotl.hookspecs import hookimpl
from autotl.interfaces import Backbone, Head
from autotl.plugins import load_plugins
from autotl.predictions import Predictions
from autotl.runs.config import Config
from autotl.runs.events import ActivationsCached, Message
from autotl.runs.run import create
from autotl.runtime.conditions import is_condition
from autotl.search import run_process
from autotl.search.context import open_context
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.search.run_trial import perform
from autotl.search.trial_process import TrialProcess
from autotl.search.trial_task import TrialTask, Tuning
from autotl.training import fine_tuning
from autotl.trial import FINE_TUNE, PROBE, Candidate, Reading, Training, describe

OFF = ("mlflow", "keras-applications", "efficientnet-lite")
pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the small backbone as a plugin, which another process can load."""
    folder = tmp_path_factory.mktemp("plugins")
    shutil.copy(tiny_backbone.__file__, folder)
    return folder


@pytest.fixture(scope="module")
def said():
    return []


@pytest.fixture(scope="module")
def context(tmp_path_factory, shapes, shapes_dataset, settings, folder, said):
    config = Config(data=shapes, run=tmp_path_factory.mktemp("runs") / "run", budget_seconds=None, trials=100)
    run = create(config, shapes_dataset, split(shapes_dataset, seed=config.seed))
    plugins = load_plugins(folder=folder, disable=OFF)
    context = open_context(
        replace(run, listeners=(said.append,)), plugins, settings=settings.model_copy(update={"trial_memory_gb": 1.5}),
        seconds_left=lambda: math.inf,
    )  # fmt: skip
    yield context
    context.processes.close()


@pytest.fixture(scope="module")
def networks(context):
    """The process, started once for the tests of this module, as importing the frameworks takes seconds."""
    patch = pytest.MonkeyPatch()
    patch.setattr(run_process, "CHILD", "misbehaving_trials")
    networks = TrialProcess(context)
    networks.prepare()
    yield networks
    networks.close()
    patch.undo()


class Reports:
    """Stands for a trial of the study."""

    def __init__(self):
        self.told = []

    def report(self, value, step):
        self.told.append((value, step))


def candidate(context, head="logistic", strategy=FINE_TUNE):
    training = Training(1, 1e-3, 1e-4, augment=False) if strategy == FINE_TUNE else None
    reading, plugins = Reading("tiny", (32, 32), "top", "avg"), context.plugins
    return Candidate(strategy, plugins.all(Backbone)["tiny"], reading, plugins.all(Head)[head], training)


def task(context, number, head="logistic", strategy=FINE_TUNE, **tuning):
    begun = describe(candidate(context, head, strategy), number, started=time.time())
    return TrialTask(begun, whole=True, tuning=Tuning(most_folds=2, **tuning))


@pytest.fixture
def attempt(context, networks):
    """attempt(EXITS): performs a trial with that number in the process."""

    def attempt(number, seconds_left=math.inf, reports=None, **options):
        return networks.perform(task(context, number, **options), seconds_left, reports or Reports())

    return attempt


@pytest.mark.parametrize(("head", "strategy"), [("logistic", FINE_TUNE), ("dense", FINE_TUNE), ("dense", PROBE)])
def test_it_gives_what_this_process_gives_and_leaves_the_same_files(
    context, attempt, networks, monkeypatch, head, strategy
):
    monkeypatch.setattr(fine_tuning, "MAX_EPOCHS", 2)
    there, here = Reports(), Reports()
    assert networks.takes(candidate(context, head, strategy))
    number = 10 if strategy == PROBE else 11 if head == "dense" else 12
    found = attempt(number, reports=there, head=head, strategy=strategy)
    shutil.rmtree(context.run.folder / "pixels", ignore_errors=True)
    own = task(context, number + 10, head, strategy)
    expected = perform(context, own, candidate(context, head, strategy), fixed_hyperparameters({}), here)
    assert found.state == expected.state == "complete", (found.reason, expected.reason)
    assert there.told == here.told
    assert (found.score, found.scores, found.temperature) == (expected.score, expected.scores, expected.temperature)
    folders = [context.run.trial_folder(n) for n in (number, number + 10)]
    assert sorted(p.name for p in folders[0].iterdir()) == sorted(p.name for p in folders[1].iterdir())
    told = [Predictions.load(one / "predictions.npz").probabilities for one in folders]
    np.testing.assert_array_equal(*told)


def test_the_planner_learns_what_was_read_and_what_a_fold_took(context, attempt):
    attempt(31, head="dense", strategy=PROBE)
    assert context.costs.has_features("tiny", (32, 32))
    assert context.costs.has_seen("dense")
    assert 0 < context.costs.fit_cost("dense") < 30


def test_events_come_once_and_live_to_listeners_and_file(context, attempt, said):
    said.clear()
    before = len((context.run.folder / "events.jsonl").read_text().splitlines())
    attempt(32)
    events = (context.run.folder / "events.jsonl").read_text().splitlines()[before:]
    assert [json.loads(line)["event"] for line in events].count("activations") == 1
    assert sum(isinstance(event, ActivationsCached) for event in said) == 1
    progress = [event for event in said if event.kind == "progress"]
    assert [(event.stage, event.done) for event in progress] == [("fine-tuning", n) for n in (1, 2, 3, 4)]
    assert len({event.time for event in progress}) > 1
    assert not [event for event in said if event.kind == "features"]  # these are the parent's


def test_a_trial_ends_by_its_own_clock_before_the_deadline_of_the_process(attempt):
    found = attempt(33, seconds_left=0.01)
    assert (found.state, found.cause) == ("pruned", "time"), found.reason


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (bad.RAISES, "ValueError: no such layer"),
        (bad.NO_MEMORY, "MemoryError: Unable to allocate 9.9 TiB"),
        (bad.OUT_ON_GPU, "ResourceExhaustedError: OOM when allocating tensor with shape[9,9]"),
    ],
)
def test_what_a_network_raises_is_the_reason_of_its_failed_trial(attempt, number, reason):
    found = attempt(number)
    assert (found.state, found.reason, found.cause) == ("failed", reason, "")


def test_after_an_out_of_memory_error_another_process_holds_none_of_it(attempt, networks):
    attempt(40)
    before = networks._process._process._worker
    attempt(bad.OUT_ON_GPU)
    assert not psutil.pid_exists(before)


def test_one_that_ends_its_process_costs_its_trial_and_the_next_is_there_at_once(attempt, networks):
    networks.prepare()
    server = networks._process._process._child.pid
    with pytest.raises(HeadError, match=r"training logistic on tiny ended its process with exit code 7") as caught:
        attempt(bad.EXITS)
    assert caught.value.crashed
    assert "os._exit(7)" in caught.value.traceback
    assert attempt(43).state == "complete"
    assert networks._process._process._child.pid == server


def test_one_that_hangs_is_ended_at_its_deadline_and_where_it_hung_is_told(attempt, networks, monkeypatch):
    monkeypatch.setattr(networks._deadlines, "_grace", 0.5)
    began = time.monotonic()
    with pytest.raises(HeadError, match="training logistic on tiny did not end in the time it was given") as caught:
        attempt(bad.SLEEPS, seconds_left=600, max_seconds=0.5)
    assert time.monotonic() - began < 60
    assert "misbehave" in caught.value.traceback


def test_one_that_leaks_is_ended_at_the_limit_and_how_to_raise_it_is_said(attempt):
    told = r"used 1\.[5-7] GB of memory, of 1\.5 GB allowed; set AUTOTL_TRIAL_MEMORY_GB to allow more"
    with pytest.raises(HeadError, match=told):
        attempt(bad.LEAKS)


def test_a_full_disk_in_the_process_is_a_condition_here_with_its_file(attempt):
    with pytest.raises(OSError, match="No space left on device") as caught:
        attempt(bad.DISK_FULL)
    assert is_condition(caught.value)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, "/where/it/is/full.npy")


def test_kill_from_outside_is_a_failed_trial_and_says_what_may_have_done_it(attempt, networks, context):
    kill_when_told(context, lambda: os.kill(networks._process._process._worker, signal.SIGKILL))
    with pytest.raises(HeadError, match=r"ended from outside \(SIGKILL\), as the system does where memory is short"):
        attempt(bad.TELLS_AND_SLEEPS)
    assert attempt(45).state == "complete"


def test_an_interruption_ends_the_trial_at_once_and_its_process_with_it(attempt, networks, context):
    def interrupt():
        raise KeyboardInterrupt

    kill_when_told(context, interrupt)
    networks.prepare()
    process = networks._process._process
    with pytest.raises(KeyboardInterrupt):
        attempt(bad.TELLS_AND_SLEEPS)
    worker = process._worker
    assert not networks.is_running
    until = time.monotonic() + 5
    while psutil.pid_exists(worker) and time.monotonic() < until:
        time.sleep(0.02)
    assert not psutil.pid_exists(worker)


def kill_when_told(context, act):
    """Do something once, when a trial says that it sleeps."""
    usual = context.run.listeners

    def hear(event):
        if isinstance(event, Message) and event.text == "asleep":
            object.__setattr__(context.run, "listeners", usual)
            act()

    object.__setattr__(context.run, "listeners", (hear,))


def test_a_run_that_cannot_be_opened_there_is_said_and_networks_are_trained_here(context, monkeypatch, tmp_path):
    monkeypatch.setattr(run_process, "CHILD", "misbehaving_trials")
    networks = TrialProcess(replace(context, run=replace(context.run, folder=tmp_path)))
    with pytest.raises(HeadError, match="is not a run folder"):
        networks.perform(task(context, 50), math.inf, Reports())
    assert not networks.takes(candidate(context))
    networks.close()


def test_what_python_code_has_passed_in_is_trained_here(context, folder):
    class Mine:
        __name__ = "mine"

        @hookimpl
        def register_heads(self):
            return [Head("mine", lambda hp, n_features, n_classes: None)]

    plugins = load_plugins(folder=folder, disable=OFF, extra=[Mine()])
    assert not TrialProcess(replace(context, plugins=plugins)).takes(candidate(context))


def test_probes_of_other_heads_stay_where_they_are(context, networks):
    assert not networks.takes(candidate(context, "logistic", PROBE))
    assert networks.takes(candidate(context, "dense", PROBE))


@pytest.mark.parametrize(
    ("config", "certain"), [({"strategy": FINE_TUNE}, True), ({"heads": ("dense",)}, True), ({}, False)]
)
def test_it_is_started_early_only_where_it_is_certain_to_be_used(context, monkeypatch, config, certain):
    started = []
    run = replace(context.run, config=replace(context.run.config, **config))
    networks = TrialProcess(replace(context, run=run))
    monkeypatch.setattr(TrialProcess, "prepare", lambda self: started.append(self))
    networks.prepare_if_certain()
    assert bool(started) == certain
