"""Probe trials: every development item is predicted by a head that was not fitted on it."""

from __future__ import annotations

import numpy as np
import pytest

from autotl.errors import OutOfTimeError
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.search.probe_trials import probe
from autotl.training.calibration import apply_temperature

DEFAULTS = fixed_hyperparameters({})


def ignore(fold, so_far):
    """No pruning."""


def test_a_probe_predicts_every_development_item_and_learns(context, candidate):
    folds, split = [], context.run.split
    outcome = probe(context, candidate(), DEFAULTS, lambda fold, so_far: folds.append((fold, so_far)))
    assert sorted(outcome.predictions.items) == split.development.tolist()
    assert [fold for fold, _ in folds] == list(range(split.n_folds))
    assert [len(so_far.items) for _, so_far in folds] == np.cumsum(np.bincount(split.fold + 1)[1:]).tolist()
    last = folds[-1][1]
    assert np.array_equal(last.items, outcome.predictions.items)
    assert context.objective.value(last) > 0.8
    assert "cores" in outcome.device


def test_predictions_are_calibrated_on_themselves_without_changing_an_answer(context, candidate):
    outcome = probe(context, candidate(), fixed_hyperparameters({"logistic/C": 10.0}), ignore)
    assert outcome.temperature != 1.0
    raw = apply_temperature(outcome.predictions.probabilities, 1 / outcome.temperature)
    assert (raw.argmax(axis=1) == outcome.predictions.probabilities.argmax(axis=1)).all()


def test_the_heads_own_parameters_are_recorded_and_give_the_same_predictions_again(context, candidate):
    first = probe(context, candidate(), fixed_hyperparameters({"logistic/C": 0.5, "strategy": "probe"}), ignore)
    assert first.params == {"logistic/C": 0.5, "logistic/class_weight": "none"}
    again = probe(context, candidate(), fixed_hyperparameters(first.params), ignore)
    assert np.array_equal(again.predictions.probabilities, first.predictions.probabilities)


@pytest.mark.parametrize("head", ["logistic", "random-forest"])
def test_items_that_are_left_out_are_never_read(make_context, candidate, tmp_path, events, head):
    whole = make_context(cache=tmp_path / "fresh")
    context = whole.on(whole.run.subsampled(35))
    assert len(context.reader.used) < 55
    chosen = candidate(head)
    outcome = probe(context, chosen, DEFAULTS)
    assert sorted(outcome.predictions.items) == context.run.split.development.tolist()
    [read] = events(context, "features")
    assert read["computed"] == len(context.reader.used)
    features = context.reader.features(chosen.backbone, (32, 32))
    assert not features._store.known(features.digests[context.run.split.left_out]).any()


def test_a_head_that_gives_margins_leaves_a_calibration_and_another_does_not(context, candidate):
    machine = probe(context, candidate("rbf-svm"), DEFAULTS)
    assert machine.calibration.weights.shape == (3, 3)
    assert (machine.predictions.probabilities.argmax(axis=1) == machine.predictions.labels).mean() > 0.7
    assert probe(context, candidate(), DEFAULTS).calibration is None


def test_a_probe_can_be_stopped_after_a_fold(context, candidate):
    def stop(fold, so_far):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        probe(context, candidate(), DEFAULTS, stop)


def test_a_probe_whose_next_fold_cannot_end_in_time_ends(make_context, candidate):
    left = [100.0]
    context = make_context(seconds_left=lambda: left[0])
    context.inputs.get(candidate())
    left[0] = 0.0
    with pytest.raises(OutOfTimeError, match="the time ran out after 1 of 5 folds"):
        probe(context, candidate(), DEFAULTS)
