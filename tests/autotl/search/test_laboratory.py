"""One trial, from a candidate to predictions and a record."""

from __future__ import annotations

import json
import math
import os
import time
from dataclasses import replace

import numpy as np
import pytest

from autotl.data.split import LEFT_OUT_FOLD, TEST_FOLD
from autotl.errors import ConfigError, OutOfTimeError
from autotl.features import engine
from autotl.interfaces import Evaluator
from autotl.predictions import Predictions
from autotl.runtime.blas_threads import threads_per_worker
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.search.outcome import record
from autotl.training import fine_tuning
from autotl.training.calibration import apply_temperature
from autotl.trial import FINE_TUNE, PROBE, Candidate, Training, candidate_of, describe

PROBING = Candidate(PROBE, "tiny", (32, 32), "joined", "avg+max", "logistic")
TRAINING = Training(trainable_stages=1, learning_rate=1e-3, weight_decay=1e-4, augment=False)
TUNING = Candidate(FINE_TUNE, "tiny", (32, 32), "top", "avg", "dense", TRAINING)


def ignore(fold, so_far):
    """No pruning."""


def events(laboratory, kind):
    lines = (laboratory.run.folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == kind]


def test_a_probe_predicts_every_development_item_and_learns(laboratory):
    folds = []
    outcome = laboratory.probe(PROBING, fixed_hyperparameters({}), lambda fold, so_far: folds.append((fold, so_far)))
    assert sorted(outcome.predictions.items) == laboratory.run.split.development.tolist()
    assert [fold for fold, _ in folds] == list(range(laboratory.run.split.n_folds))
    assert [len(so_far.items) for _, so_far in folds] == np.cumsum(
        np.bincount(laboratory.run.split.fold + 1)[1:]
    ).tolist()
    last = folds[-1][1]
    assert np.array_equal(last.items, outcome.predictions.items)
    assert laboratory.point(last.labels, last.probabilities) > 0.8
    assert "cores" in outcome.device


def test_predictions_are_calibrated_on_themselves_without_changing_an_answer(laboratory):
    outcome = laboratory.probe(PROBING, fixed_hyperparameters({"logistic/C": 10.0}), ignore)
    assert outcome.temperature != 1.0
    raw = apply_temperature(outcome.predictions.probabilities, 1 / outcome.temperature)
    assert (raw.argmax(axis=1) == outcome.predictions.probabilities.argmax(axis=1)).all()


def test_the_heads_own_parameters_are_recorded_and_give_the_same_predictions_again(laboratory):
    first = laboratory.probe(PROBING, fixed_hyperparameters({"logistic/C": 0.5, "strategy": "probe"}), ignore)
    assert first.params == {"logistic/C": 0.5, "logistic/class_weight": "none"}
    again = laboratory.probe(PROBING, fixed_hyperparameters(first.params), ignore)
    assert np.array_equal(again.predictions.probabilities, first.predictions.probabilities)


def test_heads_on_components_are_given_them_and_others_the_features(laboratory):
    forest = replace(PROBING, head="random-forest")
    features = laboratory.features("tiny", (32, 32)).read("joined", "avg+max")
    assert np.array_equal(laboratory.inputs(forest).vectors, features)
    assert laboratory.inputs(forest).principal is None
    inputs = laboratory.inputs(PROBING)
    assert inputs.vectors == pytest.approx(inputs.principal(features), rel=1e-3, abs=1e-3)
    assert laboratory.inputs(replace(PROBING, head="knn")) is inputs
    assert laboratory.inputs(replace(PROBING, stage="top")).vectors.shape != inputs.vectors.shape


def test_test_items_have_no_part_in_the_components(laboratory):
    before = laboratory.inputs(PROBING).principal
    split = laboratory.run.split
    fold = np.where(split.fold == TEST_FOLD, LEFT_OUT_FOLD, split.fold)
    without = laboratory.on(replace(laboratory.run, split=replace(split, fold=fold)))
    after = without.inputs(PROBING).principal
    assert np.array_equal(before.axes, after.axes)
    assert np.array_equal(before.offset, after.offset)


@pytest.mark.parametrize("head", ["logistic", "random-forest"])
def test_items_that_are_left_out_are_never_read(make_laboratory, tmp_path, head):
    laboratory = make_laboratory()
    laboratory = laboratory.on(laboratory.run.subsampled(35))
    laboratory._cache = tmp_path / "fresh"
    assert len(laboratory.used) < 55
    outcome = laboratory.probe(replace(PROBING, head=head), fixed_hyperparameters({}))
    assert sorted(outcome.predictions.items) == laboratory.run.split.development.tolist()
    [read] = events(laboratory, "features")
    assert read["computed"] == len(laboratory.used)
    store = laboratory.features("tiny", (32, 32))
    assert not store._store.known(store.digests[laboratory.run.split.left_out]).any()


def test_inputs_that_take_too_much_memory_are_computed_again(laboratory, monkeypatch):
    monkeypatch.setattr("autotl.search.laboratory._KEPT_INPUTS_BYTES", 1)
    first = laboratory.inputs(PROBING)
    laboratory.inputs(replace(PROBING, stage="top"))
    assert len(laboratory._inputs) == 1
    assert np.array_equal(laboratory.inputs(PROBING).vectors, first.vectors)


def test_a_head_that_gives_margins_leaves_a_calibration_and_another_does_not(laboratory):
    machine = laboratory.probe(replace(PROBING, head="rbf-svm"), fixed_hyperparameters({}))
    assert machine.calibration.weights.shape == (3, 3)
    assert (machine.predictions.probabilities.argmax(axis=1) == machine.predictions.labels).mean() > 0.7
    assert laboratory.probe(PROBING, fixed_hyperparameters({})).calibration is None


def test_a_hopeless_probe_can_be_stopped(laboratory):
    def stop(fold, so_far):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        laboratory.probe(PROBING, fixed_hyperparameters({}), stop)


def test_features_are_told_of_once_and_stay_at_hand(laboratory):
    sizes = [(32, 32), (40, 40)]
    assert not laboratory.has_features("tiny", sizes[0])
    for size in [*sizes, *sizes]:
        laboratory.features("tiny", size)
    assert all(laboratory.has_features("tiny", size) for size in sizes)
    told = events(laboratory, "features")
    assert [event["size"] for event in told] == ["32x32", "40x40"]
    assert all(event["computed"] + event["reused"] == 60 for event in told)


def test_what_reads_the_features_is_told_and_how_long_it_will_take(make_laboratory, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "_LANE_PIXELS", 8 * 32 * 32)
    laboratory = make_laboratory()
    laboratory._cache = tmp_path / "fresh"
    laboratory.features("tiny", (32, 32))
    [message] = events(laboratory, "message")
    assert message["text"].startswith("engine: ")
    [told] = events(laboratory, "features")
    assert told["engine"]
    assert told["images_per_second"] > 1
    last = events(laboratory, "progress")[-1]
    assert (last["done"], last["total"], last["eta_seconds"]) == (60, 60, 0)
    assert last["rate"] > 1


def test_the_engine_can_be_forced(make_laboratory, tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOTL_ENGINE", "keras")
    laboratory = make_laboratory()
    laboratory._cache = tmp_path / "fresh"
    assert laboratory.features("tiny", (32, 32)).engine.startswith("Keras ")


def test_the_cache_is_kept_within_its_limit_but_never_without_what_this_run_uses(
    make_laboratory, tmp_path, monkeypatch
):
    cache = tmp_path / "fresh"
    old = cache / "features" / "other" / "old.npy"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"x" * 5000)
    os.utime(old, (time.time() - 10_000,) * 2)
    monkeypatch.setenv("AUTOTL_CACHE_LIMIT_GB", "0.000001")
    laboratory = make_laboratory()
    laboratory._cache = cache
    first = laboratory.features("tiny", (32, 32))
    laboratory.features("tiny", (40, 40))
    assert not old.exists()
    assert first.network.file.exists()
    laboratory._features.clear()
    laboratory._complete.clear()
    assert laboratory.features("tiny", (32, 32)).reused == 60


def test_the_speed_of_reading_is_measured_where_something_was_read(make_laboratory, tmp_path):
    laboratory = make_laboratory()
    laboratory._cache = tmp_path / "fresh"
    laboratory.features("tiny", (32, 32))
    assert 1 < laboratory.images_per_second("tiny", (32, 32)) < 1e6


def test_a_larger_size_is_expected_to_take_as_much_longer_and_another_backbone_twice_as_long(laboratory):
    laboratory._pixels_per_second["tiny"] = 1000 * 32 * 32
    assert laboratory.images_per_second("tiny", (64, 64)) == pytest.approx(250)
    assert laboratory.images_per_second("other", (32, 32)) == pytest.approx(500)


def test_the_speed_of_an_unknown_machine_is_guessed_with_caution(laboratory):
    assert 10 < laboratory.images_per_second("tiny", (224, 224)) < 100


def test_an_evaluator_that_fails_is_left_out_of_a_trials_scores(laboratory, monkeypatch):
    def explode(labels, probabilities):
        raise RuntimeError("never")

    broken = {**laboratory.plugins.evaluators, "broken": Evaluator("broken", explode)}
    monkeypatch.setattr(laboratory.plugins, "evaluators", broken)
    items = laboratory.run.split.validation
    labels = laboratory.labels[items]
    scores = laboratory.all_scores(Predictions(items, labels, np.eye(3)[labels]))
    assert scores["accuracy"] == 1.0
    assert "broken" not in scores
    assert "recall" not in scores


def test_a_fine_tuned_trial_leaves_its_network_and_predicts_the_validation_split(laboratory, monkeypatch):
    monkeypatch.setattr(fine_tuning, "MAX_EPOCHS", 1)
    epochs = []
    folder = laboratory.run.trial_folder(3)
    outcome = laboratory.fine_tune(TUNING, fixed_hyperparameters({}), lambda epoch, found: epochs.append(epoch), folder)
    assert outcome.predictions.items.tolist() == laboratory.run.split.validation.tolist()
    assert sorted(p.name for p in folder.iterdir()) == ["network.keras", "network.onnx", "replay.npz"]
    assert epochs == [1]
    told = events(laboratory, "progress")[-1]
    assert (told["stage"], told["done"], told["total"], told["eta_seconds"]) == ("fine-tuning", 1, 1, 0)
    how, speed = outcome.training["how"], outcome.training["products_per_second"]
    assert how.startswith("from cached activations (1 view, ")
    assert speed > 0
    assert outcome.training == {
        "trainable_stages": 1, "learning_rate": 1e-3, "weight_decay": 1e-4, "augment": False,
        "freeze_depth": 2, "epochs": 1, "out_of_time": False,
        "start": "the fitted probe", "how": how, "fill_seconds": outcome.training["fill_seconds"],
        "epoch_seconds": outcome.training["epoch_seconds"], "products_per_second": speed,
    }  # fmt: skip
    assert {name.split("/")[0] for name in outcome.params} == {"dense"}


def test_the_decoded_pictures_are_kept_with_the_run(laboratory):
    pixels = laboratory._pixels((32, 32))
    split, dataset = laboratory.run.split, laboratory.run.dataset
    assert pixels.shape == (len(split.development), 32, 32, 3)
    from autotl.images.decoder import decode

    assert (pixels[5] == decode(dataset.path(split.development[5]), 32, 32)).all()
    [file] = (laboratory.run.folder / "pixels").iterdir()
    written = file.stat().st_mtime_ns
    laboratory._pixels((32, 32))
    assert file.stat().st_mtime_ns == written


def test_time_that_runs_out_while_decoding_leaves_nothing_half_done(make_laboratory):
    left = iter([1.0] * 5)
    laboratory = make_laboratory(seconds_left=lambda: next(left, 0.0))
    with pytest.raises(OutOfTimeError, match="while the images were decoded"):
        laboratory._pixels((32, 32))
    assert not list((laboratory.run.folder / "pixels").iterdir())


def test_time_that_runs_out_while_reading_features_is_an_error(make_laboratory, tmp_path):
    laboratory = make_laboratory(seconds_left=lambda: 0.0)
    laboratory._cache = tmp_path / "fresh"
    with pytest.raises(OutOfTimeError):
        laboratory.features("tiny", (32, 32))


LABELS, PROBABILITIES = np.array([0, 0, 1]), np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])


@pytest.mark.parametrize(
    ("objective", "value", "sign"),
    [("accuracy", 2 / 3, 1), ("balanced_accuracy", 0.75, 1), ("log_loss", -np.log([0.9, 0.4, 0.8]).mean(), -1)],
)
def test_the_objective_is_a_number_with_a_direction(make_laboratory, objective, value, sign):
    laboratory = make_laboratory(objective=objective)
    assert laboratory.point(LABELS, PROBABILITIES) == pytest.approx(value)
    assert laboratory.sign == sign


def test_a_misspelt_objective_is_answered_with_the_nearest(make_laboratory):
    with pytest.raises(ConfigError, match="did you mean 'accuracy'"):
        make_laboratory(objective="acuracy")


def test_the_score_of_a_trial_has_an_interval_around_it(laboratory):
    outcome = laboratory.probe(PROBING, fixed_hyperparameters({}), ignore)
    score = laboratory.score(outcome.predictions)
    assert score.low <= score.value <= score.high
    assert score.value == laboratory.point(outcome.predictions.labels, outcome.predictions.probabilities)


def test_a_record_says_everything_needed_to_make_the_candidate_again(laboratory):
    outcome = laboratory.probe(PROBING, fixed_hyperparameters({}), ignore)
    found = record(4, outcome, laboratory.score(outcome.predictions), started=time.time() - 3)
    assert (found.number, found.state, found.size) == (4, "complete", "32x32")
    assert found.seconds == pytest.approx(3, abs=1)
    assert candidate_of(found) == PROBING
    assert math.isfinite(found.score.value)


def test_the_record_of_a_fine_tuned_trial_gives_its_training_back():
    from autotl.interfaces import TrialRecord

    more = {"freeze_depth": 2, "epochs": 3, "out_of_time": False}
    training = {"trainable_stages": 1, "learning_rate": 1e-3, "weight_decay": 1e-4, "augment": False, **more}
    assert candidate_of(TrialRecord(1, "complete", **describe(TUNING), training=training)) == TUNING


def test_several_workers_share_the_cores():
    assert threads_per_worker(1) is None
    assert threads_per_worker(2) == max(1, os.cpu_count() // 2)
    assert threads_per_worker(10_000) == 1
