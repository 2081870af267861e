"""The champion is not the luckiest trial, and its search score is not flattered by the choice."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from autotl.evidence import champion_choice
from autotl.evidence.champion_choice import Rival, choose
from autotl.evidence.evaluations import evaluate
from autotl.interfaces import Evaluator, ScoreInterval
from autotl.predictions import Predictions

N = 200
LABELS = np.arange(N) % 2


def answering(right, items=None, sure=0.8):
    """Predictions that are right about the items named. right: bool (N,)."""
    items = np.arange(N) if items is None else items
    true = np.where(right[items], sure, 1 - sure)
    probabilities = np.stack([np.where(LABELS[items] == k, true, 1 - true) for k in (0, 1)], axis=1)
    return Predictions(items, LABELS[items], probabilities)


def rival(number, right, evaluator, **options):
    predictions = answering(right, options.pop("items", None))
    found = evaluator.score(predictions.labels, predictions.probabilities)
    return Rival(number, getattr(found, "value", found), predictions, **options)


@pytest.fixture
def accuracy(plugins):
    return plugins.all(Evaluator)["accuracy"]


def lucky(rng, share=0.8):
    return rng.random(N) < share


def chosen(rivals, evaluator, **options):
    return choose(rivals, evaluator, clusters=options.pop("clusters", None), seed=0)


def test_a_trial_that_is_clearly_better_becomes_champion(accuracy):
    base = lucky(np.random.default_rng(0), 0.7)
    much = base | lucky(np.random.default_rng(1), 0.6)
    assert chosen([rival(1, base, accuracy), rival(2, much, accuracy)], accuracy).order == (2, 1)


def test_a_trial_that_is_better_by_two_images_does_not_displace_the_default(accuracy):
    base = lucky(np.random.default_rng(0))
    other = base.copy()
    other[np.flatnonzero(base)[:8]], other[np.flatnonzero(~base)[:10]] = False, True
    assert chosen([rival(1, base, accuracy), rival(2, other, accuracy)], accuracy).order == (1, 2)


def test_of_equals_the_default_and_then_the_earlier_trial_come_first(accuracy):
    base = lucky(np.random.default_rng(0))
    assert chosen([rival(n, base, accuracy) for n in (1, 5, 3)], accuracy).order == (1, 3, 5)


def test_the_corrected_score_of_the_luckiest_of_many_is_near_the_truth(accuracy):
    flattered, corrected = [], []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        rivals = [rival(n, lucky(rng), accuracy, eligible=n > 0) for n in range(40)]
        choice = chosen(rivals, accuracy)
        best = choice.order[0]
        predictions = rivals[best].predictions
        measured = evaluate(predictions, {"accuracy": accuracy}, ("a", "b")).scores["accuracy"]
        found = choice.corrected(accuracy, best, measured, 50, seed=0)
        flattered.append(measured.value)
        corrected.append(found.value)
        assert found.low < 0.8 < found.high
    assert np.mean(flattered) > 0.83
    assert np.mean(corrected) == pytest.approx(0.8, abs=0.02)


def test_a_champion_without_rivals_keeps_its_score_and_its_interval_has_a_width(accuracy):
    for right in (lucky(np.random.default_rng(0)), np.ones(N, dtype=bool)):
        only = rival(1, right, accuracy)
        measured = evaluate(only.predictions, {"accuracy": accuracy}, ("a", "b")).scores["accuracy"]
        found = chosen([only], accuracy).corrected(accuracy, 1, measured, 50, seed=0)
        assert found.value == measured.value
        assert found.low <= measured.low < measured.high <= found.high


def test_the_same_trials_give_the_same_choice_and_the_same_score(accuracy):
    rivals = [rival(n, lucky(np.random.default_rng(n)), accuracy) for n in range(10)]
    first, second = (chosen(rivals, accuracy) for _ in range(2))
    assert first.order == second.order
    assert (first.picks == second.picks).all()


def test_whole_clusters_are_drawn_so_alike_images_do_not_make_a_winner(accuracy):
    base = lucky(np.random.default_rng(0))
    much = base.copy()
    much[np.flatnonzero(~base)[:8]], much[np.flatnonzero(base)[:1]] = True, False
    clusters = np.arange(N)
    clusters[np.flatnonzero(~base)[:8]] = N
    rivals = [rival(1, base, accuracy), rival(2, much, accuracy)]
    assert chosen(rivals, accuracy).order == (2, 1)
    assert chosen(rivals, accuracy, clusters=clusters).order == (1, 2)


@pytest.mark.parametrize(("n_better", "first"), [(2, 1), (16, 2)])
def test_a_fine_tuned_network_of_one_fold_competes_on_the_common_images_and_has_to_be_clearly_better(
    accuracy, n_better, first
):
    base, fold = np.arange(N) % 4 > 0, np.arange(80)
    tuned = base.copy()
    tuned[np.flatnonzero(~base)[:n_better]] = True
    choice = chosen([rival(1, base, accuracy), rival(2, tuned, accuracy, items=fold, costly=True)], accuracy)
    assert choice.order[0] == first
    assert choice.clear == ({2} if first == 2 else frozenset())


def test_a_fold_that_is_easy_for_all_but_the_default_makes_no_champion(accuracy):
    rng, fold = np.random.default_rng(0), np.arange(0, N, 5)
    easy = np.isin(np.arange(N), fold)
    base = np.where(easy, rng.random(N) < 0.6, rng.random(N) < 0.8)
    # On the fold the probe is as good as the network, and elsewhere hardly better than the default.
    probe = np.where(easy, rng.random(N) < 0.97, base | (rng.random(N) < 0.1))
    network = rival(7, np.ones(N, dtype=bool), accuracy, items=fold, costly=True)
    choice = chosen([rival(1, base, accuracy), rival(2, probe, accuracy), network], accuracy)
    assert choice.order == (2, 1, 7)
    assert not choice.clear


def test_the_more_fine_tune_trials_there_are_the_more_the_best_has_to_show(accuracy):
    base = np.arange(N) % 4 > 0
    tuned = base.copy()
    tuned[np.flatnonzero(~base)[:5]] = True
    few = [rival(1, base, accuracy), rival(2, tuned, accuracy, costly=True)]
    many = [*few, *(rival(n, base, accuracy, costly=True) for n in range(3, 15))]
    assert chosen(few, accuracy).order[0] == 2
    assert chosen(many, accuracy).order[0] == 1


def test_what_was_not_asked_for_is_compared_with_and_comes_last(accuracy):
    base, worse = lucky(np.random.default_rng(0), 0.9), lucky(np.random.default_rng(1), 0.6)
    rivals = [rival(1, base, accuracy, eligible=False), rival(2, worse, accuracy)]
    assert chosen(rivals, accuracy).order == (2, 1)


@pytest.mark.parametrize("name", ["macro_f1", "log_loss", "roc_auc", "balanced_accuracy"])
def test_any_objective_chooses_the_better_of_two(plugins, name):
    evaluator = plugins.all(Evaluator)[name]
    base = lucky(np.random.default_rng(0), 0.6)
    much = base | lucky(np.random.default_rng(1), 0.7)
    choice = chosen([rival(1, base, evaluator), rival(2, much, evaluator)], evaluator)
    assert choice.order == (2, 1)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_handful_of_images_is_no_obstacle(accuracy, n):
    items = np.arange(n)
    rivals = [Rival(i, 1.0, answering(np.ones(N, bool), items), eligible=True) for i in (1, 2)]
    choice = chosen(rivals, accuracy)
    measured = evaluate(rivals[0].predictions, {"accuracy": accuracy}, ("a", "b")).scores["accuracy"]
    assert choice.order == (1, 2)
    assert choice.corrected(accuracy, 1, measured, 3, seed=0).value == measured.value


def test_an_objective_that_fails_on_few_images_costs_no_search(accuracy):
    def fussy(labels, probabilities):
        if len(labels) < N:
            raise ValueError("too few")
        return accuracy.score(labels, probabilities).value

    evaluator = Evaluator("fussy", fussy)
    rivals = [rival(n, lucky(np.random.default_rng(n)), evaluator) for n in range(3)]
    choice = chosen(rivals, evaluator)
    measured = ScoreInterval(rivals[0].value, 0.7, 0.9)
    assert sorted(choice.order) == [0, 1, 2]
    assert choice.corrected(evaluator, 0, measured, 50, seed=0) == measured


def test_the_resamples_of_many_items_are_drawn_one_by_one_into_place():
    n, n_resamples = 20_000, 40
    tracemalloc.start()
    found = champion_choice._resample(np.arange(n) // 2, n_resamples, seed=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (found.sum(axis=1) == n).all()
    assert peak < 1.5 * found.nbytes
