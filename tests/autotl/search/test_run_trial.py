"""One trial, whatever happens in it: refused, pruned, failed or scored."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autotl.predictions import Predictions
from autotl.search import fine_tune_search, pruning
from autotl.search import run_trial as module
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.search.limits import Limits
from autotl.search.study_loop import StudyLoop
from autotl.search.trial_files import load_predictions
from autotl.search.trial_task import TrialTask
from autotl.training import fine_tuning
from autotl.trial import LEARNING_RATE, WEIGHT_DECAY, Training, TrialRecord

TRAINING = Training(1, 1e-3, 1e-4, augment=False)


@pytest.fixture
def started(make_context, monkeypatch):
    """started(left=100.0): a study on the shapes with the baselines run."""
    monkeypatch.setattr(fine_tuning, "MAX_EPOCHS", 1)

    def started(*, left=float("inf"), **options):
        loop = StudyLoop(make_context(**{"heads": ("logistic", "knn"), **options}), Limits(lambda: left, None, None))
        loop.baselines()
        return loop

    return started


def run_one(loop, candidate):
    return loop._trials.run(loop._study.ask(), candidate, fixed_hyperparameters({}))


def test_a_trial_that_cannot_end_in_time_does_not_start_and_says_so(started, candidate, monkeypatch):
    loop = started(left=50.0)
    monkeypatch.setattr(module, "probe", lambda *a: pytest.fail("started"))
    monkeypatch.setattr(module, "fine_tune", lambda *a, **k: pytest.fail("started"))
    monkeypatch.setattr(loop.planner.heads, "cost", lambda head: {"knn": 20.0}.get(head, 60.0))
    late = run_one(loop, candidate())
    assert (late.state, late.reason) == ("pruned", "it would take about 60 s, too much of the 50 s left")
    assert run_one(loop, candidate("random-forest")).state == "pruned"
    monkeypatch.setattr(loop.planner.schedule, "seconds", lambda *a, **k: 500.0)
    tuning = run_one(loop, candidate("logistic", "top", "avg", training=TRAINING))
    assert (tuning.state, tuning.reason) == ("pruned", "it would take about 500 s, too much of the 50 s left")
    assert tuning.training["trainable_stages"] == 1
    monkeypatch.setattr(loop.context.costs, "images_per_second", lambda *a: 1.0)
    reading = run_one(loop, candidate(size=(48, 48)))
    assert reading.reason == "reading its features would take about 60 s, too much of the time left"


def test_a_probe_worse_than_the_best_is_pruned_after_a_fold(started, candidate, monkeypatch):
    monkeypatch.setattr(pruning, "MIN_ITEMS", 5)
    loop = started()
    labels, real = loop.context.labels, module.probe
    untaught = replace(loop.context, labels=(labels + 1) % 3)

    def judged_by_the_truth(context, candidate, hp, after_fold, ahead):
        def after(fold, so_far):
            after_fold(fold, Predictions(so_far.items, labels[so_far.items], so_far.probabilities))

        return real(context, candidate, hp, after, ahead)

    monkeypatch.setattr(module, "probe", judged_by_the_truth)
    loop._trials._context = untaught
    found = run_one(loop, candidate())
    assert found.state == "pruned"
    assert "after 1 of 5 folds, clearly worse than trial 1's" in found.reason


def test_a_fine_tune_trial_is_measured_on_one_fold_or_pruned_where_it_is_worse(started, candidate, monkeypatch):
    loop = started()
    monkeypatch.setattr(fine_tuning, "MAX_EPOCHS", 3)
    monkeypatch.setattr(pruning, "is_clearly_worse", lambda *a, **k: True)
    tuning = candidate("logistic", "top", "avg", training=TRAINING)
    step = replace(tuning, training=Training(1, LEARNING_RATE, WEIGHT_DECAY, augment=False))
    first, second = run_one(loop, step), run_one(loop, tuning)
    assert (first.state, first.training["epochs"], first.training["folds"]) == ("complete", 3, 1)
    assert first.training["why_not_all_folds"].endswith("worse than trial 1 on the same images")
    assert second.state == "pruned"
    assert f"worse than trial {first.number} on the same images" in second.reason or "trial 1 on" in second.reason
    assert second.params.keys() == first.params.keys() == {"logistic/C", "logistic/class_weight"}
    reported = {t.number: t.intermediate_values for t in loop._study.trials}
    assert (list(reported[first.number]), list(reported[second.number])) == ([1, 2], [1, 2])


def test_a_fine_tune_trial_on_all_folds_is_scored_as_a_probe_is(started, candidate, monkeypatch):
    monkeypatch.setattr(pruning, "is_clearly_worse", lambda *a, **k: False)
    monkeypatch.setattr(fine_tune_search, "UNBOUNDED_FOLDS_SHARE", 9.0)
    loop = started()
    found = run_one(loop, candidate("logistic", "top", "avg", training=TRAINING))
    predictions = load_predictions(loop.context.run, found.number)
    assert sorted(predictions.items) == loop.context.run.split.development.tolist()
    assert found.score == loop.context.objective.score(predictions)


def test_a_probe_of_a_recipe_is_never_pruned(started, candidate, monkeypatch):
    from autotl.interfaces import Recipe

    loop, told = started(), []
    real = module.probe
    monkeypatch.setattr(module, "probe", lambda *given: told.append(given[3] is not None) or real(*given))
    chosen = candidate()
    run_one(loop, replace(chosen, head=replace(chosen.head, recipe=Recipe())))
    run_one(loop, chosen)
    assert told == [False, True]


@pytest.mark.parametrize("ahead", [None, object()], ids=["begins now", "has begun beside another"])
def test_a_probe_that_was_asked_for_by_name_is_never_pruned(started, candidate, monkeypatch, ahead):
    loop, told = started(), []
    monkeypatch.setattr(module, "probe", lambda *given: told.append(given[3:]))
    module._probe(
        loop.context, TrialTask(TrialRecord(9, "failed", "probe"), whole=True), candidate(), None, None, ahead
    )
    assert told == [(None, ahead)]


def test_a_trial_that_fails_says_why(started, candidate, monkeypatch):
    def explode(*given):
        raise RuntimeError("no such kernel")

    loop = started()
    monkeypatch.setattr(module, "probe", explode)
    found = run_one(loop, candidate("knn"))
    assert (found.state, found.reason) == ("failed", "RuntimeError: no such kernel")
    assert not found.score.is_defined


def test_an_interrupted_trial_is_recorded_and_the_interruption_goes_on(started, candidate, monkeypatch):
    def interrupt(*given):
        raise KeyboardInterrupt

    loop = started()
    monkeypatch.setattr(module, "probe", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_one(loop, candidate("knn"))
    latest = max(loop.leaderboard().trials, key=lambda trial: trial.number)
    assert (latest.state, latest.reason, latest.head) == ("failed", "interrupted", "knn")


def test_what_a_trial_predicted_is_kept_in_its_folder(started, candidate):
    loop = started()
    found = run_one(loop, candidate("rbf-svm"))
    files = sorted(path.name for path in loop.context.run.trial_folder(found.number).iterdir())
    assert files == ["calibration.npy", "predictions.npz"]
    assert found.scores["accuracy"] > 0.5
