"""Trials on one study: what is run, given up, carried on and mixed."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from autotl.errors import ConfigError
from autotl.interfaces import Backbone, Head, Recipe, TrialRecord
from autotl.predictions import Predictions
from autotl.search import explorer as module
from autotl.search import optuna_study as studies
from autotl.search import screening
from autotl.search.explorer import Explorer
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.search.laboratory import Laboratory
from autotl.search.planner import Limits, Step
from autotl.search.space import make_space
from autotl.training import fine_tuning
from autotl.trial import ENSEMBLE, FINE_TUNE, PROBE, Candidate, Training, candidate_of

TUNING = Candidate(FINE_TUNE, "tiny", (32, 32), "top", "avg", "logistic", Training(1, 1e-3, 1e-4, augment=False))


@pytest.fixture
def explorer(make_laboratory, monkeypatch):
    """explorer(left=100.0, heads=("knn",)): on the shapes, with the baselines run."""
    monkeypatch.setattr(fine_tuning, "MAX_EPOCHS", 1)

    def explorer(*, left=float("inf"), trials=None, baselines=True, **options):
        laboratory = make_laboratory(**{"heads": ("logistic", "knn"), **options})
        made = Explorer(laboratory, make_space(laboratory), Limits(lambda: left, None, trials))
        if baselines:
            made.baselines()
        return made

    return explorer


def again(explorer, cache, trials=None):
    """What a later process makes of the same run."""
    run, plugins = explorer.run, explorer.laboratory.plugins
    laboratory = Laboratory(run, plugins, cache=cache, seconds_left=lambda: float("inf"))
    later = Explorer(laboratory, make_space(laboratory), Limits(lambda: float("inf"), None, trials))
    later.requeue_lost()
    return later


def run_one(explorer, candidate, params=()):
    trial = explorer._study.ask()
    return explorer._run_candidate(trial, candidate, fixed_hyperparameters(dict(params)))


def events(explorer, kind):
    lines = (explorer.run.folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == kind]


def test_the_baselines_are_run_once(explorer, cache):
    first = explorer()
    default = first.baselines()
    assert (default.number, default.state, default.head) == (1, "complete", "logistic")
    assert [t.strategy for t in sorted(first.leaderboard().trials, key=lambda t: t.number)] == ["majority", PROBE]
    assert again(first, cache).baselines() == default


def test_a_trial_that_cannot_end_in_time_does_not_start_and_says_so(explorer, monkeypatch):
    made = explorer(left=50.0)
    monkeypatch.setattr(made.laboratory, "probe", lambda *a: pytest.fail("started"))
    monkeypatch.setattr(made.laboratory, "fine_tune", lambda *a, **k: pytest.fail("started"))
    monkeypatch.setattr(made.plan, "probe_cost", lambda head: {"knn": 20.0}.get(head, 60.0))
    default = candidate_of(made.baselines())
    late = run_one(made, default)
    assert (late.state, late.reason) == ("pruned", "it would take about 60 s, too much of the 50 s left")
    expensive = run_one(made, replace(default, head="random-forest"))
    assert expensive.state == "pruned"
    monkeypatch.setattr(made.plan.schedule, "seconds", lambda *a: 500.0)
    tuning = run_one(made, TUNING)
    assert (tuning.state, tuning.reason) == ("pruned", "it would take about 500 s, too much of the 50 s left")
    assert tuning.training["trainable_stages"] == 1
    monkeypatch.setattr(made.laboratory, "images_per_second", lambda *a: 1.0)
    reading = run_one(made, replace(default, size=(48, 48)))
    assert reading.reason == "reading its features would take about 60 s, too much of the time left"


def test_a_probe_worse_than_the_best_is_rejected_after_a_fold(explorer, monkeypatch):
    monkeypatch.setattr("autotl.search.pruning.MIN_ITEMS", 5)
    made = explorer()
    labels = made.laboratory.labels
    turned = (labels + 1) % 3
    monkeypatch.setattr(made.laboratory, "labels", turned)
    original = made.laboratory.probe

    def untaught(candidate, hp, after_fold):
        def judged(fold, so_far):
            after_fold(fold, Predictions(so_far.items, labels[so_far.items], so_far.probabilities))

        return original(candidate, hp, judged)

    monkeypatch.setattr(made.laboratory, "probe", untaught)
    found = run_one(made, candidate_of(made.baselines()))
    assert found.state == "pruned"
    assert "after 1 of 5 folds, clearly worse than trial 1's" in found.reason


def test_a_fine_tune_trial_is_rejected_late_in_its_epochs(explorer, monkeypatch):
    made = explorer()
    monkeypatch.setattr(fine_tuning, "MAX_EPOCHS", 10)
    monkeypatch.setattr(module, "is_clearly_worse", lambda *a: True)
    first, second = run_one(made, TUNING), run_one(made, TUNING)
    assert (first.state, first.training["epochs"]) == ("complete", 10)
    assert second.state == "pruned"
    assert second.reason.endswith(f"after 7 of 10 epochs, clearly worse than trial {first.number}")


def test_a_probe_with_a_better_objective_is_not_rejected_for_its_log_loss(explorer, monkeypatch):
    monkeypatch.setattr(module, "is_clearly_worse", lambda *a: True)
    made = explorer()
    told = []
    trial = SimpleNamespace(report=lambda value, fold: told.append(fold))
    rejects = made._reject_if_hopeless(trial)
    best = Predictions.load(made.run.trial_folder(1) / "predictions.npz")
    perfect = replace(best, probabilities=0.4 * np.eye(3)[best.labels] + 0.2)
    rejects(0, perfect)
    with pytest.raises(module.optuna.TrialPruned, match="clearly worse"):
        rejects(0, replace(best, probabilities=perfect.probabilities[:, [1, 2, 0]]))
    rejects(4, replace(best, probabilities=perfect.probabilities[:, [1, 2, 0]]))  # it has ended: it may stay
    assert told == [0, 0]  # what the sampler learns from, of a rejected trial too


@pytest.mark.parametrize("objective", ["balanced_accuracy", "log_loss"])
def test_a_tuned_trials_score_is_shifted_by_how_much_harder_the_validation_split_is(explorer, objective):
    made = explorer(objective=objective)
    default = Predictions.load(made.run.trial_folder(1) / "predictions.npz")
    here = default.restrict(made.run.split.validation)
    outcome = made.laboratory._outcome(TUNING, fixed_hyperparameters({}), here, "cpu", {})
    outcome = replace(outcome, predictions=here)
    expected = made.laboratory.point(default.labels, default.probabilities)
    assert made._comparable(outcome).value == pytest.approx(expected)


def test_a_tuned_trial_that_errs_elsewhere_than_the_default_is_not_shifted(explorer):
    """That the validation split is easy for the default says nothing of one that makes no mistake in it."""
    made = explorer(objective="accuracy")
    default = Predictions.load(made.run.trial_folder(1) / "predictions.npz")
    here = default.restrict(made.run.split.validation)
    perfect = replace(here, probabilities=np.eye(3)[here.labels])
    outcome = replace(
        made.laboratory._outcome(TUNING, fixed_hyperparameters({}), perfect, "cpu", {}), predictions=perfect
    )
    assert made._comparable(outcome).value == 1.0


def test_a_loss_may_be_shifted_beyond_1(explorer, monkeypatch):
    made = explorer(objective="log_loss")
    here = Predictions.load(made.run.trial_folder(1) / "predictions.npz").restrict(made.run.split.validation)
    outcome = replace(made.laboratory._outcome(TUNING, fixed_hyperparameters({}), here, "cpu", {}), predictions=here)
    points = iter([1.7, 0.1])  # of the default everywhere, and on the validation split
    monkeypatch.setattr(made.laboratory, "point", lambda *a: next(points))
    assert made._comparable(outcome).value > 1.5


def test_fine_tuning_goes_deeper_from_the_shallower_trial(explorer):
    made = explorer(strategy="fine-tune", heads=("logistic",), trials=3)
    made.warm_start()
    assert made.explore() == "all 3 trials are done"
    tuned = sorted((t for t in made.leaderboard().trials if t.strategy == FINE_TUNE), key=lambda t: t.number)
    assert [(t.training["trainable_stages"], t.training["start"]) for t in tuned] == [
        (1, "the fitted probe"),
        (2, f"trial {tuned[0].number}"),
    ]
    assert all(t.state == "complete" for t in tuned)


def test_fine_tuning_with_another_head_than_the_default(explorer):
    made = explorer(strategy="fine-tune", heads=("dense",), trials=2)
    made.warm_start()
    made.explore()
    assert [t.head for t in made.leaderboard().completed if t.strategy == FINE_TUNE] == ["dense"]


@pytest.mark.parametrize("heads", [("knn",), ("knn", "linear-svm")])
def test_a_list_of_heads_without_the_default_is_searched(explorer, heads):
    made = explorer(heads=heads, trials=8)
    made.warm_start()
    made.explore()
    tried = [t for t in made.leaderboard().trials if t.strategy == PROBE]
    assert {t.head for t in tried} == {"logistic", *heads}
    assert not [t.reason for t in tried if t.state == "failed"]
    assert made.why() == "none of the heads can sit on a network that trains"


def test_a_recipe_is_searched_alone(explorer, monkeypatch, plugins):
    recipe = Recipe(strategy=PROBE, backbone="tiny", size=(32, 32), stage="top", pooling="avg")
    fixed = replace(plugins.heads["knn"], name="fixed", recipe=recipe)
    monkeypatch.setitem(plugins.heads, "fixed", fixed)
    made = explorer(heads=("fixed",), trials=4)
    made.warm_start()
    made.explore()
    found = [t for t in made.leaderboard().trials if t.head == "fixed"]
    assert len(found) == 3
    assert {(t.stage, t.pooling, t.size) for t in found} == {("top", "avg", "32x32")}


def test_a_head_that_always_fails_costs_its_own_trials_only(explorer, monkeypatch, plugins):
    def explode(hp, n_features, n_classes):
        raise RuntimeError("no such kernel")

    monkeypatch.setitem(plugins.heads, "explosive", Head("explosive", explode))
    made = explorer(heads=("logistic", "explosive"), strategy=PROBE, trials=8)
    made.warm_start()
    assert made.explore() == "all 8 trials are done"
    states = {(t.head, t.state) for t in made.leaderboard().trials if t.strategy == PROBE}
    assert ("explosive", "failed") in states
    assert ("logistic", "failed") not in states


def test_a_backbone_that_is_broken_is_left_out_and_said_so(explorer, monkeypatch, plugins, tmp_path):
    def explode(height, width):
        raise RuntimeError("bad weights")

    weights = tmp_path / "broken.weights"
    weights.write_bytes(b"broken")
    broken = Backbone("broken", explode, lambda download: weights, ((32, 32),), embedded=True)
    monkeypatch.setitem(plugins.backbones, "broken", broken)
    monkeypatch.setattr(plugins, "provenance", lambda kind, name: plugins.__class__.provenance(plugins, kind, "tiny"))
    made = explorer(strategy=PROBE, trials=5, backbones=("tiny", "broken"))
    made.warm_start()
    assert [e["text"] for e in events(made, "message")][-1] == "broken at 32x32 is left out: RuntimeError: bad weights"
    made.explore()
    assert {t.backbone for t in made.leaderboard().trials if t.strategy == PROBE} == {"tiny"}


def test_a_sample_is_asked_once_and_its_ranks_are_kept(explorer, cache, monkeypatch):
    made = explorer(strategy=PROBE)
    made.warm_start()
    [told] = events(made, "ranking")
    assert len(told["ranks"]) > 10
    assert [r["log_loss"] for r in told["ranks"]] == sorted(r["log_loss"] for r in told["ranks"])
    monkeypatch.setattr(module, "score_readings", lambda *a: pytest.fail("asked again"))
    again(made, cache).warm_start()


def test_a_process_killed_while_the_sample_is_asked_starts_asking_again(explorer, cache, monkeypatch):
    made = explorer(strategy=PROBE, trials=4)
    with monkeypatch.context() as patched:
        patched.setattr(module, "score_readings", lambda *a: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            made.warm_start()
    later = again(made, cache, trials=4)
    later.baselines()
    later.warm_start()
    assert later.explore() == "all 4 trials are done"
    assert len(events(later, "ranking")) == 1
    assert {t.state for t in later.leaderboard().trials} <= {"complete", "pruned"}


def test_a_process_killed_while_fine_tuning_tries_that_again(explorer, cache):
    made = explorer(strategy="fine-tune", heads=("logistic",), trials=2)
    made._queue({"strategy": FINE_TUNE, "trainable_stages": 1, "augment": False})
    trial = made._study.ask()
    made.space.sample_with_head(module.OptunaHyperParameters(trial))  # and there the process was killed
    later = again(made, cache, trials=2)
    [lost] = [t for t in later.leaderboard().trials if t.state == "failed"]
    assert lost.reason == "interrupted; its parameters are tried again"
    later.baselines()
    later.warm_start()
    later.explore()
    [tuned] = [t for t in later.leaderboard().completed if t.strategy == FINE_TUNE]
    assert tuned.training["trainable_stages"] == 1


def test_a_later_process_reads_where_earlier_ones_have_read(explorer, cache, monkeypatch):
    made = explorer(strategy=PROBE)
    later = again(made, cache)
    assert not later.laboratory.has_features("tiny", (32, 32))
    monkeypatch.setattr(later.plan, "next", lambda *a, **k: "enough")
    assert later.explore() == "enough"
    assert later.laboratory.has_features("tiny", (32, 32))
    assert not later.laboratory.has_features("tiny", (48, 48))


def test_a_search_of_which_every_trial_fails_stops(explorer, monkeypatch):
    made = explorer(strategy=PROBE)
    monkeypatch.setattr(made, "_attempt", lambda *a: (_ for _ in ()).throw(ValueError("never")))
    monkeypatch.setattr(module, "MAX_FAILURES", 3)
    assert made.explore() == "the last 3 trials failed"


def test_the_planner_is_told_of_fine_tuning_elsewhere(explorer, monkeypatch):
    made = explorer()
    told = []
    monkeypatch.setattr(made.plan, "next", lambda *a, others_tune: told.append(others_tune) or "enough")
    made.explore()
    made._queue({"strategy": FINE_TUNE})
    made.space.sample(module.OptunaHyperParameters(made._study.ask()))
    made.explore()
    assert told == [False, True]


def probes(explorer, n, *, apart):
    """Completed probes, each of which is wrong about a third of the items: another one each, or always the same."""
    items = explorer.run.split.development
    labels = explorer.laboratory.labels[items]
    for seed in range(n):
        trial = explorer._study.ask()
        wrong = (np.arange(len(items)) + 2 * seed * apart) % 6 < 2
        probabilities = np.full((len(items), 3), 0.2)
        probabilities[np.arange(len(items)), labels] = np.where(wrong, 0.35, 0.6)
        # Unsure where it is wrong, so that a mixture is right by far and not by how a tie is rounded.
        probabilities[wrong, (labels[wrong] + 1) % 3] = 0.45
        predictions = Predictions(items, labels, probabilities)
        predictions.save(explorer.run.trial_folder(trial.number) / "predictions.npz")
        score = explorer.laboratory.score(predictions)
        record = TrialRecord(
            trial.number, "complete", PROBE, "tiny", "32x32", "top", "avg", "logistic", score=score,
        )  # fmt: skip
        studies.finish(explorer._study, trial, record)


@pytest.fixture
def blending(explorer):
    """An explorer whose only probes are made up."""

    def blending(n, *, apart=True, **options):
        made = explorer(baselines=False, **options)
        for number in range(n):
            made.run.trial_folder(number).mkdir(parents=True, exist_ok=True)
        probes(made, n, apart=apart)
        return made

    return blending


@pytest.mark.parametrize("objective", ["accuracy", "log_loss"])
def test_probes_with_errors_of_their_own_are_mixed_where_that_gains_clearly(blending, objective):
    made = blending(6, objective=objective)
    best = made.leaderboard().best()
    mixed = made.blend()
    assert (mixed.state, mixed.strategy) == ("complete", ENSEMBLE)
    assert made.laboratory.sign * (mixed.score.value - best.score.value) > 0
    assert made.leaderboard().best() == mixed
    assert made.leaderboard().best(PROBE) == best
    members = mixed.params["members"]
    assert sum(m["weight"] for m in members) == pytest.approx(1)
    assert 2 <= len(members) <= 5
    saved = Predictions.load(made.run.trial_folder(mixed.number) / "predictions.npz")
    assert sorted(saved.items) == made.run.split.development.tolist()
    assert made.blend() is None  # once is enough


def test_a_gain_that_is_not_clear_is_recorded_and_given_up(blending):
    made = blending(3, apart=False)
    mixed = made.blend()
    assert mixed.state == "pruned"
    assert mixed.reason == "its gain over the best probe, +0.000, is not clear"
    assert made.leaderboard().best().strategy == PROBE


def test_a_single_probe_is_not_mixed(blending):
    assert blending(1).blend() is None


def test_an_ensemble_counts_neither_as_a_trial_nor_in_the_outlook(blending):
    made = blending(12, trials=20)
    before = (made._spent_trials(0), made.expected_gain())
    assert made.blend().state == "complete"
    assert (made._spent_trials(0), made.expected_gain()) == before


def test_a_head_list_that_cannot_be_tuned_is_refused_where_fine_tuning_was_asked_for(explorer):
    with pytest.raises(ConfigError, match="add --heads logistic"):
        explorer(strategy="fine-tune", heads=("knn",))


def test_a_wish_that_waits_behind_another_is_not_lost(explorer, monkeypatch):
    made = explorer(strategy=PROBE)
    made._queue({"strategy": PROBE, "head": "knn"})
    steps = iter([Step(wish={"strategy": PROBE, "head": "logistic", "stage": "top"})] * 2 + ["enough"])
    monkeypatch.setattr(made.plan, "next", lambda *a, **k: next(steps))
    made.explore()
    tried = sorted((t for t in made.leaderboard().trials if t.strategy == PROBE), key=lambda t: t.number)[1:]
    assert [(t.head, t.stage) for t in tried] == [("knn", "joined"), ("logistic", "top")]


def test_the_sample_may_be_smaller_than_the_data(explorer, monkeypatch):
    monkeypatch.setattr(screening, "SAMPLE_ITEMS", 36)
    made = explorer(strategy=PROBE, trials=3)
    made.warm_start()
    assert made.explore() == "all 3 trials are done"
