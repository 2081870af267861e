"""A worker takes trials from the study of a run, wherever both are, and ends with the search."""

from __future__ import annotations

import json
import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from loose_plugins import tiny_backbone

from autotl.errors import ConfigError, OutOfTimeError, RunError
from autotl.runs import run_share
from autotl.runs.run_share import publish
from autotl.runs.storage import opened, require_storage
from autotl.runtime.addresses import sqlite_address
from autotl.search import absent_items, trials_in_progress
from autotl.search.feature_reader import FeatureReader
from autotl.search.limits import Limits
from autotl.search.open_studies import set_ended
from autotl.search.study_loop import StudyLoop
from autotl.search.trial_files import load_predictions
from autotl.settings import settings
from autotl.trial import FINE_TUNE
from autotl.workflows import worker as module
from autotl.workflows.worker import Order, work


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Quick looks, and the plugins that a worker loads by itself."""
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.1)
    monkeypatch.setenv("AUTOTL_PLUGINS", str(Path(tiny_backbone.__file__).parent))
    monkeypatch.delenv("AUTOTL_STORAGE", raising=False)


@pytest.fixture
def lead(make_context):
    """lead(trials=4): a search whose first trials are queued, as its leading process has it."""

    def lead(**options):
        disabled = ("mlflow", "keras-applications", "efficientnet-lite")
        context = make_context(
            **{"heads": ("logistic", "knn"), "strategy": "probe", "disable_plugins": disabled, **options}
        )
        loop = StudyLoop(context, Limits(lambda: 1000.0, None, context.run.config.trials))
        loop.baselines()
        loop.warm_start()
        set_ended(context.run, ended=False)
        return loop

    return lead


def told():
    texts = []
    return texts, lambda event: texts.append(getattr(event, "text", ""))


def test_a_worker_runs_trials_until_those_asked_for_are_done(lead):
    loop = lead(trials=4)
    texts, listener = told()
    reason = work(Order(str(loop.context.run.folder), number=7), settings(), listener)
    assert reason == "all 4 trials are done"
    assert f"worker 7 takes trials of {loop.context.run.folder}" in texts
    board = loop.leaderboard()
    assert sum(trial.strategy == "probe" for trial in board.completed) >= 4
    for trial in board.completed:
        assert (
            trial.strategy == "majority" or (loop.context.run.trial_folder(trial.number) / "predictions.npz").exists()
        )


def test_a_worker_ends_when_the_study_says_so(lead, monkeypatch):
    loop = lead(trials=100_000)
    run = loop.context.run
    listener = told()[1]
    before = len(loop.leaderboard().trials)

    def end_later():
        while len(loop.leaderboard().trials) < before + 2:
            time.sleep(0.1)
        set_ended(run, ended=True)

    thread = threading.Thread(target=end_later)
    thread.start()
    assert work(Order(str(run.folder)), settings(), listener) == "the search has ended"
    thread.join()
    assert work(Order(str(run.folder)), settings(), listener) == "the search has ended"


def test_a_worker_waits_until_the_search_has_begun(make_context):
    context = make_context(heads=("logistic",), strategy="probe")
    StudyLoop(context, Limits(lambda: 1000.0, None, 3)).baselines()
    texts, listener = told()
    reason = work(Order(str(context.run.folder), until=time.time() + 1), settings(), listener)
    assert (reason, texts) == ("the time was up before the search began", ["waiting until the search has begun"])


def test_meanwhile_it_reads_the_features_that_the_search_needs_first(make_context, cache, monkeypatch):
    monkeypatch.setenv("AUTOTL_CACHE", str(cache))
    context = make_context(heads=("logistic",), strategy="probe")
    StudyLoop(context, Limits(lambda: 1000.0, None, 3))
    work(
        Order(str(context.run.folder), until=time.time() + 30, is_over=lambda: bool(is_read(context))),
        settings(),
        print,
    )
    assert is_read(context)


def is_read(context):
    """Whether all features of the untuned default are in the cache."""
    default = context.space.default()
    reader = FeatureReader(context.run, context.plugins, settings=context.settings, seconds_left=lambda: 0.0)
    try:
        reader.features(default.backbone, default.reading.size)
    except OutOfTimeError:
        return False
    return True


def test_a_worker_that_began_early_uses_no_more_items_than_the_search(lead, monkeypatch):
    loop = lead(trials=3)
    run, seen = loop.context.run, []
    monkeypatch.setattr(module, "_take_trials", lambda run, *_: seen.append(len(run.split.development)) or "")
    found = module._found
    monkeypatch.setattr(module, "_found", lambda *given: (found(*given), run.update(subsampled_to=30))[0])
    work(Order(str(run.folder)), settings(), told()[1])
    assert seen == [len(run.subsampled(30).split.development)]
    assert seen[0] < len(run.split.development)


def test_a_worker_ends_with_its_time_or_with_what_ordered_it():
    assert 50 < module._time_left(Order("run", until=time.time() + 60))() <= 60
    assert module._time_left(Order("run", is_over=lambda: True))() == 0
    assert module._time_left(Order("run"))() == float("inf")


def test_a_worker_has_no_more_time_than_the_budget_of_its_run(context):
    run = replace(context.run, config=replace(context.run.config, budget_seconds=20.0))
    StudyLoop(context, Limits(lambda: 1000.0, None, 3))
    with opened(run.storage) as storage, module._watched(run, storage, lambda: 1000.0) as left:
        assert 15 < left() <= 20


def test_an_interrupted_worker_leaves_its_trial_to_the_others(lead, monkeypatch):
    loop = lead(trials=100_000)

    def interrupted(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(trials_in_progress, "perform", interrupted)
    with pytest.raises(KeyboardInterrupt):
        work(Order(str(loop.context.run.folder)), settings(), told()[1])
    given_up = [trial for trial in loop.leaderboard().trials if trial.cause == "lost"]
    assert given_up
    assert {trial.reason for trial in given_up} == {"its worker was ended; its parameters are tried again"}
    chosen = [trial.params for trial in loop._study.get_trials() if trial.number in {one.number for one in given_up}]
    queued = [trial.system_attrs["fixed_params"] for trial in loop._study.get_trials() if trial.state.name == "WAITING"]
    assert all(params in queued for params in chosen)


def test_what_is_no_run_and_another_storage_are_named(lead, tmp_path):
    with pytest.raises(RunError, match=r"is not a run folder: it has no run\.json"):
        work(Order(str(tmp_path / "nothing")), settings(), told()[1])
    loop = lead(storage=sqlite_address(tmp_path / "study.db"))
    other = sqlite_address(tmp_path / "other.db")
    with pytest.raises(ConfigError, match=r"the storage sqlite.*other\.db does not exist. Give the storage of the run"):
        work(Order(str(loop.context.run.folder), storage=other), settings(), told()[1])
    assert not (tmp_path / "other.db").exists()
    require_storage(other)
    with pytest.raises(RunError, match=r"there is no study 'run-\w+' in sqlite.*other.db. Give the storage of the run"):
        work(Order(str(loop.context.run.folder), storage=other), settings(), told()[1])


@pytest.fixture
def bucket(object_server):
    run_share._share_at.cache_clear()
    return object_server.emptied()


def test_a_worker_of_another_version_is_refused_with_the_one_to_install(lead, monkeypatch):
    run = lead(trials=4).context.run
    monkeypatch.setattr(module, "own_version", lambda: "0.0.1")
    with pytest.raises(ConfigError, match=r"is led by AutoTL .*, and this worker is AutoTL 0\.0\.1; install the same"):
        work(Order(str(run.folder)), settings(), told()[1])


def test_a_worker_elsewhere_needs_the_address_of_the_study_and_of_the_run(lead, bucket, tmp_path, monkeypatch):
    """The worker has a cache of its own; the items are where they were."""
    monkeypatch.setattr(run_share, "_share_at", run_share.TrialShare)
    loop = lead(trials=4, storage=sqlite_address(tmp_path / "study.db"), share=bucket.url("runs/x"))
    run = loop.context.run
    monkeypatch.setenv("AUTOTL_CACHE", str(tmp_path / "their cache"))
    publish(run)
    order = Order(bucket.url("runs/x"), storage=run.storage)
    assert work(order, settings(), told()[1]) == "all 4 trials are done"
    theirs = [trial for trial in loop.leaderboard().completed if not run.trial_folder(trial.number).exists()]
    theirs = [trial for trial in theirs if trial.strategy == "probe"]
    assert theirs
    shutil.rmtree(tmp_path / "their cache")
    for trial in theirs:
        assert len(load_predictions(run, trial.number).items) > 10


def test_a_worker_waits_for_a_run_that_is_not_published_yet(bucket):
    texts, listener = told()
    url = bucket.url("runs/later")
    reason = work(Order(url, until=time.time() + 0.5), settings(), listener)
    assert reason == f"the time was up before a run was shared at {url}"
    assert texts == [f"waiting for {url}: a run is shared there once its search begins"]


def test_the_data_may_be_in_another_place(lead, tmp_path, shapes):
    loop = lead(trials=4)
    moved = Path(shutil.copytree(shapes, tmp_path / "moved"))
    (tmp_path / "empty").mkdir()
    run = loop.context.run
    run.update(root=str(tmp_path / "gone"))
    with pytest.raises(ConfigError, match="moved2 does not exist; give the data of the run with --data"):
        work(Order(str(run.folder), data=tmp_path / "moved2"), settings(), told()[1])
    assert work(Order(str(run.folder), data=moved), settings(), told()[1]) == "all 4 trials are done"
    (moved / "circle").rename(moved / "square" / "circle")
    with pytest.raises(ConfigError, match=r"moved does not hold the data of the run: .*circle.* is not there"):
        work(Order(str(run.folder), data=moved), settings(), told()[1])


def without_items(run, tmp_path):
    state = run.state()
    run.update(root=str(tmp_path / "gone"), config={**state["config"], "data": str(tmp_path / "gone")})


def test_a_worker_without_the_items_runs_probes_on_what_is_cached_and_leaves_the_rest(lead, tmp_path, monkeypatch):
    monkeypatch.setattr(absent_items, "LOOK_SECONDS", 0.05)
    loop = lead(trials=5, strategy="auto")
    run, study = loop.context.run, loop._study
    without_items(run, tmp_path)
    study.enqueue_trial({"strategy": FINE_TUNE, "backbone": "tiny", "backbone=tiny/size": "32x32"})
    texts, listener = told()
    thread = threading.Thread(
        target=lambda: (time.sleep(3), [study.ask() for _ in range(20) if _waiting(study, FINE_TUNE)])
    )
    thread.start()
    work(Order(str(run.folder), until=time.time() + 20), settings(), listener)
    thread.join()
    assert any("images are not here" in text and "fine-tuning are left to other workers" in text for text in texts)
    ended = [trial for trial in loop.leaderboard().trials if trial.strategy == "probe"]
    assert {trial.state for trial in ended} == {"complete"}
    assert not [trial for trial in loop.leaderboard().trials if trial.strategy == FINE_TUNE]


def _waiting(study, strategy):
    waiting = [trial for trial in study.get_trials() if trial.state.name == "WAITING"]
    return any(trial.system_attrs["fixed_params"].get("strategy") == strategy for trial in waiting)


def test_a_worker_with_neither_items_nor_features_says_what_to_do(lead, tmp_path, monkeypatch):
    run = lead(trials=4).context.run
    without_items(run, tmp_path)
    monkeypatch.setenv("AUTOTL_CACHE", str(tmp_path / "empty cache"))
    with pytest.raises(ConfigError, match=r"the images of the run are not on this .*gone.* --data, .*AUTOTL_SHARED"):
        work(Order(str(run.folder)), settings(), told()[1])
    assert json.loads((run.folder / "run.json").read_text())["status"] == "running"
