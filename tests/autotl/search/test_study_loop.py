"""Trials on one study: what is run, given up and carried on."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
from keras_tuner import HyperParameters

from autotl.errors import ConfigError, NoWorkersError, OutOfTimeError
from autotl.interfaces import Backbone, Head, Recipe
from autotl.search import leases, lost_trials, screening
from autotl.search import study_loop as module
from autotl.search.context import open_context
from autotl.search.limits import Limits
from autotl.search.lost_trials import RETRIES
from autotl.search.planner import Step
from autotl.search.study_loop import StudyLoop
from autotl.training import fine_tuning
from autotl.trial import FINE_TUNE, LEARNING_RATE, PROBE, Reading


def all_events(context):
    return [json.loads(line) for line in (context.run.folder / "events.jsonl").read_text().splitlines()]


@pytest.fixture
def start(make_context, monkeypatch):
    """start(left=100.0, heads=("knn",)): a study on the shapes, with the baselines run."""
    monkeypatch.setattr(fine_tuning, "MAX_EPOCHS", 1)

    def start(*, left=float("inf"), trials=None, **options):
        context = make_context(**{"heads": ("logistic", "knn"), **options})
        loop = StudyLoop(context, Limits(lambda: left, None, trials))
        loop.baselines()
        return loop

    return start


def again(loop, trials=None):
    """What a later process makes of the same run."""
    former = loop.context
    context = open_context(former.run, former.plugins, settings=former.settings, seconds_left=lambda: float("inf"))
    later = StudyLoop(context, Limits(lambda: float("inf"), None, trials))
    later.requeue_lost()
    return later


def test_the_baselines_are_run_once(start):
    first = start()
    default = first.baselines()
    assert (default.number, default.state, default.head) == (1, "complete", "logistic")
    assert [t.strategy for t in sorted(first.leaderboard().trials, key=lambda t: t.number)] == ["majority", PROBE]
    assert again(first).baselines() == default


def test_fine_tuning_goes_deeper_from_the_shallower_trial(start):
    made = start(strategy="fine-tune", heads=("logistic",), trials=2)
    made.warm_start()
    assert made.search() == "all 2 trials are done"
    tuned = sorted((t for t in made.leaderboard().trials if t.strategy == FINE_TUNE), key=lambda t: t.number)
    assert [(t.training["trainable_stages"], t.training["start"]) for t in tuned] == [
        (1, "the fitted probe"),
        (2, f"trial {tuned[0].number}"),
    ]
    assert all(t.state == "complete" for t in tuned)


def test_fine_tuning_with_another_head_than_the_default(start):
    made = start(strategy="fine-tune", heads=("dense",), trials=1)
    made.warm_start()
    made.search()
    assert [t.head for t in made.leaderboard().completed if t.strategy == FINE_TUNE] == ["dense"]


@pytest.mark.parametrize("heads", [("knn",), ("knn", "linear-svm")])
def test_a_list_of_heads_without_the_default_is_searched(start, heads):
    made = start(heads=heads, trials=8)
    made.warm_start()
    made.search()
    tried = [t for t in made.leaderboard().trials if t.strategy == PROBE]
    assert {t.head for t in tried} == {"logistic", *heads}
    assert not [t.reason for t in tried if t.state == "failed"]
    assert made.planner.why_no_fine_tuning == "none of the heads can sit on a network that trains"


def test_a_recipe_that_leaves_nothing_open_is_run_once_and_ends_the_search(start, monkeypatch, plugins):
    recipe = Recipe(strategy=PROBE, backbone="tiny", size=(32, 32), stage="top", pooling="avg")
    fixed = replace(plugins.all(Head)["knn"], name="fixed", recipe=recipe)
    monkeypatch.setitem(plugins.all(Head), "fixed", fixed)
    monkeypatch.setitem(
        plugins.all(Head), "fixed", replace(fixed, build=lambda hp, *shape: fixed.build(HyperParameters(), *shape))
    )
    made = start(heads=("fixed",), trials=4)
    made.warm_start()
    assert made.search() == "fixed is not tried again: it has been run, and leaves nothing to search"
    found = [t for t in made.leaderboard().trials if t.head == "fixed"]
    assert [t.state for t in found] == ["complete"]
    assert {t.reading for t in found} == {Reading("tiny", (32, 32), "top", "avg")}


def test_what_was_asked_for_is_run_before_anything_is_tried_twice_and_the_default_is_not_counted(start):
    made = start(heads=("knn",), strategy=PROBE, trials=1)
    made.warm_start()
    assert made.search() == "the trial is done"
    made.blend()
    assert [t.head for t in made.leaderboard().of(PROBE)] == ["logistic", "knn"]
    assert made.leaderboard().of("ensemble") == []


def test_a_head_asked_for_by_name_is_run_once_though_there_is_no_time(start, monkeypatch, events):
    made = start(heads=("knn", "linear-svm"), strategy=PROBE, left=1e-6)
    monkeypatch.setattr(made.context.seconds_left, "hard", lambda: 0.0)
    made._study.set_user_attr("warm_started", True)
    assert made.search() == "the time is used up"
    states = {t.head: t.state for t in made.leaderboard().of(PROBE)}
    assert states == {"logistic": "complete", "knn": "complete", "linear-svm": "complete"}
    assert any(
        e["text"].startswith("knn was asked for by name, so it is run once") for e in events(made.context, "message")
    )


def test_a_head_that_always_fails_is_tried_three_times_and_then_left_alone(start, monkeypatch, plugins):
    def explode(hp, n_features, n_classes):
        raise RuntimeError("no such kernel")

    monkeypatch.setitem(plugins.all(Head), "explosive", Head("explosive", explode))
    made = start(heads=("explosive",), strategy=PROBE, trials=30)
    made.warm_start()
    assert made.search() == "explosive is not tried again: its last 3 trials failed or could not be afforded"
    failed = [t for t in made.leaderboard().trials if t.head == "explosive"]
    assert [t.state for t in failed] == ["failed"] * 3
    assert all(__file__ in t.traceback and "no such kernel" in t.reason for t in failed)


def test_a_head_that_always_fails_costs_its_own_trials_only(start, monkeypatch, plugins):
    def explode(hp, n_features, n_classes):
        raise RuntimeError("no such kernel")

    monkeypatch.setitem(plugins.all(Head), "explosive", Head("explosive", explode))
    made = start(heads=("logistic", "explosive"), strategy=PROBE, trials=8)
    made.warm_start()
    assert made.search() == "all 8 trials are done"
    states = {(t.head, t.state) for t in made.leaderboard().trials if t.strategy == PROBE}
    assert ("explosive", "failed") in states
    assert ("logistic", "failed") not in states


def test_a_backbone_that_is_broken_is_left_out_and_said_so(start, monkeypatch, plugins, tmp_path, events):
    def explode(height, width):
        raise RuntimeError("bad weights")

    weights = tmp_path / "broken.weights"
    weights.write_bytes(b"broken")
    broken = Backbone("broken", explode, lambda download: weights, ((32, 32),), embedded=True)
    monkeypatch.setitem(plugins.all(Backbone), "broken", broken)
    monkeypatch.setattr(plugins, "provenance", lambda kind, name: plugins.__class__.provenance(plugins, kind, "tiny"))
    made = start(strategy=PROBE, trials=5, backbones=("tiny", "broken"))
    made.warm_start()
    assert [e["text"] for e in events(made.context, "message")][
        -1
    ] == "broken at 32x32 is left out: RuntimeError: bad weights"
    made.search()
    assert {t.reading.backbone for t in made.leaderboard().trials if t.strategy == PROBE} == {"tiny"}


def test_a_sample_is_asked_once_and_its_ranks_are_kept(start, events, monkeypatch):
    made = start(strategy=PROBE)
    made.warm_start()
    [told] = events(made.context, "ranking")
    assert len(told["ranks"]) > 10
    assert [r["log_loss"] for r in told["ranks"]] == sorted(r["log_loss"] for r in told["ranks"])
    monkeypatch.setattr(screening, "score_readings", lambda *a: pytest.fail("asked again"))
    again(made).warm_start()


def test_a_process_killed_while_the_sample_is_asked_starts_asking_again(start, events, monkeypatch):
    made = start(strategy=PROBE, trials=4)
    with monkeypatch.context() as patched:
        patched.setattr(screening, "score_readings", lambda *a: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            made.warm_start()
    later = again(made, trials=4)
    later.baselines()
    later.warm_start()
    assert later.search() == "all 4 trials are done"
    assert len(events(later.context, "ranking")) == 1
    assert {t.state for t in later.leaderboard().trials} <= {"complete", "pruned"}


def test_a_search_that_is_closed_renews_no_lease_so_that_others_try_its_trial_again(start):
    made = start()
    trial = made._trials.ask()
    assert made._keeper.holds(trial.number)
    made.close()
    assert not made._keeper.holds(trial.number)


def test_a_trial_of_a_worker_that_was_given_up_before_it_is_interrupted_is_queued_once(start):
    made = start()
    made.context.reader.process = 1
    trial = made._trials.ask()
    hp = module.OptunaHyperParameters(trial)
    begun = made._trials._begin(trial, made.context.space.sample(hp), hp)
    lost_trials.give_up(made._study, made._study.get_trials()[trial.number], "its process was not heard of")
    made._trials._give_up(begun)
    assert [t.state.name for t in made._study.get_trials()].count("WAITING") == 1


def test_a_process_killed_while_fine_tuning_tries_that_again(start):
    made = start(strategy="fine-tune", heads=("logistic",), trials=1)
    made._queue({"strategy": FINE_TUNE, "trainable_stages": 1, "augment": False})
    trial = made._study.ask()
    made.context.space.sample_with_head(module.OptunaHyperParameters(trial))  # and there the process was killed
    later = again(made, trials=1)
    [lost] = [t for t in later.leaderboard().trials if t.state == "failed"]
    assert lost.reason == "interrupted; its parameters are tried again"
    later.baselines()
    later.warm_start()
    later.search()
    [tuned] = [t for t in later.leaderboard().completed if t.strategy == FINE_TUNE]
    assert tuned.training["trainable_stages"] == 1


def test_a_later_process_reads_where_earlier_ones_have_read(start, events, monkeypatch):
    made = start(strategy=PROBE)
    later = again(made)
    assert not later.context.reader.has_features("tiny", (32, 32))
    monkeypatch.setattr(later.planner, "next", lambda *a, **k: "enough")
    assert later.search() == "enough"
    assert later.context.reader.has_features("tiny", (32, 32))
    assert not later.context.reader.has_features("tiny", (48, 48))


def test_a_search_of_which_every_trial_fails_stops(start, monkeypatch):
    made = start(strategy=PROBE)
    monkeypatch.setattr("autotl.search.run_trial.probe", lambda *a, **k: (_ for _ in ()).throw(ValueError("never")))
    monkeypatch.setattr(module, "MAX_FAILURES", 2)
    assert made.search() == "the last 2 trials failed"


def test_the_planner_is_told_of_fine_tuning_elsewhere(start, monkeypatch):
    made = start()
    told = []
    monkeypatch.setattr(made.planner, "next", lambda *a, others_tune, begun: told.append(others_tune) or "enough")
    made.search()
    made._queue({"strategy": FINE_TUNE})
    made.context.space.sample(module.OptunaHyperParameters(made._study.ask()))
    made.search()
    assert told == [False, True]


@pytest.mark.heavy
def test_after_the_schedule_trials_are_sampled_until_as_many_as_asked_have_ended(start, tmp_path):
    """Exactly so many, whatever becomes of them, and the same choices with the same seed."""

    def searched(name):
        made = start(strategy="fine-tune", trials=9, run=tmp_path / name)
        made.warm_start()
        assert made.search() == "all 9 trials are done"
        return made.leaderboard().of(FINE_TUNE)

    found = searched("first")
    assert len(found) == 9
    assert {trial.state for trial in found} <= {"complete", "pruned"}
    rates = [t.training["learning_rate"] for t in found if t.training["learning_rate"] != LEARNING_RATE]
    assert len(rates) >= 5
    assert max(rates) / min(rates) > 10
    chosen = [[t.training.get(choice) for choice in ("learning_rate", "dropout", "augment")] for t in found]
    again_chosen = [
        [t.training.get(choice) for choice in ("learning_rate", "dropout", "augment")] for t in searched("second")
    ]
    assert chosen == again_chosen


def test_a_sampled_trial_is_run_with_what_was_proposed(start, monkeypatch):
    made = start(strategy="fine-tune", trials=2)
    steps = iter([Step(pinned={"strategy": FINE_TUNE}), "enough"])
    monkeypatch.setattr(made.planner, "next", lambda *a, **k: next(steps))
    made.search()
    [found] = made.leaderboard().of(FINE_TUNE)
    params = made._study.trials[found.number].params
    own = f"strategy={FINE_TUNE}/"
    for choice in ("learning_rate", "weight_decay", "dropout", "label_smoothing", "augment", "trainable_stages"):
        assert params[own + choice] == found.training[choice]
    assert found.training["learning_rate"] != LEARNING_RATE


def test_fine_tuning_is_proposed_once_and_after_what_waits(start, events, monkeypatch):
    made = start(strategy="auto")
    for head in ("knn", "logistic"):
        made._queue({"strategy": PROBE, "head": head})
    tuning = Step(overrides={"strategy": FINE_TUNE, "trainable_stages": 1, "augment": False}, message="it may gain")
    monkeypatch.setattr(
        made.planner, "next", lambda *a, **k: "enough" if made.leaderboard().of(FINE_TUNE) else tuning
    )  # fmt: skip
    made.search()
    kinds = [
        e["event"] if e["event"] == "fine-tuning" else e["strategy"]
        for e in all_events(made.context)
        if e["event"] in ("fine-tuning", "trial-begin")
    ]
    assert kinds[-4:] == [PROBE, PROBE, "fine-tuning", FINE_TUNE]
    assert kinds.count("fine-tuning") == 1


def test_a_head_list_that_cannot_be_tuned_is_refused_where_fine_tuning_was_asked_for(start):
    with pytest.raises(ConfigError, match="add --heads logistic"):
        start(strategy="fine-tune", heads=("knn",))


def test_overrides_that_wait_behind_another_are_not_lost(start, monkeypatch):
    made = start(strategy=PROBE)
    made._queue({"strategy": PROBE, "head": "knn"})
    step = Step(overrides={"strategy": PROBE, "head": "logistic", "stage": "top"})

    def decide(board, *_, **__):
        return "enough" if any(t.reading and t.reading.stage == "top" for t in board.trials) else step

    monkeypatch.setattr(made.planner, "next", decide)
    made.search()
    tried = sorted((t for t in made.leaderboard().trials if t.strategy == PROBE), key=lambda t: t.number)[1:]
    assert [(t.head, t.reading.stage) for t in tried] == [("knn", "joined"), ("logistic", "top")]


def test_the_sample_may_be_smaller_than_the_data(start, monkeypatch):
    monkeypatch.setattr(screening, "SAMPLE_ITEMS", 36)
    made = start(strategy=PROBE, trials=3)
    made.warm_start()
    assert made.search() == "all 3 trials are done"


@pytest.fixture
def elsewhere(start, monkeypatch):
    """elsewhere(made): a trial of a search runs in another process, which lives until `end` is called."""
    begun = []

    class Elsewhere:
        def __init__(self, made):
            self.process = subprocess.Popen(
                [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
            )
            self.trial = made._study.ask()
            made.context.space.sample_with_head(module.OptunaHyperParameters(self.trial))
            lease = {"count": 0, "worker": 1, "machine": leases.this_machine(), "pid": self.process.pid}
            self.trial.set_user_attr(leases.LEASE, lease)
            made._lost._look_seconds = 0.0
            begun.append(self)

        def end(self):
            self.process.communicate()

    yield Elsewhere
    for one in begun:
        one.end()


def test_a_trial_that_lost_its_process_is_tried_again_in_the_same_search(start, elsewhere, events):
    made = start(strategy=PROBE, heads=("knn",), trials=2)
    made.warm_start()
    other = elsewhere(made)
    other.end()
    assert made.search() == "all 2 trials are done"
    records = {t.number: t for t in made.leaderboard().trials}
    assert records[other.trial.number].cause == "lost"
    assert [t.head for number, t in sorted(records.items()) if number > other.trial.number] == ["knn"] * 2
    told = [event["text"] for event in events(made.context, "message")]
    assert f"trial {other.trial.number} is given up: its process ended; its parameters are tried again" in told


@pytest.fixture
def performed(start):
    """performed(error): a worker on a search whose first trials are queued; what performs its trials raises that."""

    class Raises:
        tells_costs = False

        def __init__(self, error):
            self.error = error

        def prepare(self):
            """Nothing."""

        def takes(self, candidate):
            return True

        def perform(self, task, seconds_left, reporter):
            raise self.error

    def performed(error):
        made = start(strategy=PROBE, heads=("knn",), trials=2)
        made.warm_start()
        return StudyLoop(made.context, Limits(lambda: 100.0, None, 2), worker=1, performer=Raises(error))

    return performed


def test_a_worker_whose_performer_is_gone_ends_and_leaves_its_trial_to_be_tried_again(performed):
    loop = performed(NoWorkersError("the head node is gone"))
    with pytest.raises(NoWorkersError):
        loop.search()
    [lost] = [trial for trial in loop.leaderboard().trials if trial.cause == "lost"]
    assert lost.reason == "the head node is gone; its parameters are tried again"
    assert lost.number in {trial.user_attrs.get(RETRIES) for trial in loop._study.get_trials(deepcopy=False)}


def test_a_trial_that_goes_on_after_the_end_of_the_search_is_pruned_for_time(performed):
    loop = performed(OutOfTimeError("it had not ended 30 seconds after the search"))
    loop.search()
    late = [trial for trial in loop.leaderboard().trials if trial.head == "knn"]
    assert {(trial.state, trial.cause, trial.reason) for trial in late} == {
        ("pruned", "time", "it had not ended 30 seconds after the search")
    }


def test_who_leads_waits_for_the_last_trial_of_another_and_runs_it_if_that_is_lost(start, elsewhere, monkeypatch):
    made, waited = start(strategy=PROBE, heads=("knn",), trials=2), []
    made.warm_start()
    other = elsewhere(made)

    def sleep(seconds):
        waited.append(len(made.leaderboard().trials))
        other.end()

    monkeypatch.setattr(module, "time", SimpleNamespace(sleep=sleep))
    assert made.search() == "all 2 trials are done"
    assert waited == [3]  # the baselines and one other
    assert sum(t.head == "knn" and t.state == "complete" for t in made.leaderboard().trials) == 2


def test_a_worker_does_not_wait_for_the_last_trial_of_another(start, elsewhere, monkeypatch):
    made = start(strategy=PROBE, heads=("knn",), trials=2)
    made.warm_start()
    elsewhere(made)
    made._worker = 1
    monkeypatch.setattr(module, "time", SimpleNamespace(sleep=lambda _: pytest.fail("it waits")))
    assert made.search() == "all 2 trials are done"


def test_a_trial_that_is_tried_again_runs_alone(start, elsewhere, monkeypatch):
    """What ends a process is found out, and no other trial is suspected."""
    made = start(strategy=PROBE, heads=("knn",), trials=6)
    made.warm_start()
    other, ahead = elsewhere(made), []
    other.end()
    begin = made._trials.begin_ahead

    def begin_ahead(trial, candidate, hp):
        is_retry = RETRIES in trial.user_attrs
        begun = begin(trial, candidate, hp)
        ahead.append((is_retry, begun))
        return begun

    monkeypatch.setattr(made._trials, "begin_ahead", begin_ahead)
    made.search()
    assert (True, False) in ahead
    assert (True, True) not in ahead
    assert (False, True) in ahead
