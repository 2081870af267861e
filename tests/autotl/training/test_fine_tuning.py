"""Fine-tuning changes what is above the freeze depth, nothing below it, and ends when the time does."""

from __future__ import annotations

import math
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers

from autotl.errors import OutOfTimeError
from autotl.features.frozen_network import open_session
from autotl.runtime import keras_backend
from autotl.training import fine_tuning
from autotl.training.activation_cache import ActivationCache, split_network
from autotl.training.classifiers import predict
from autotl.training.emphasis import Emphasis
from autotl.training.fine_tuning import PlainInputs, assemble, continue_from, epochs_for, train
from autotl.trial import Training

N_TRAIN, N_VALIDATION = 64, 20
STAGES = ("shallow", "middle", "deep")
GENTLE = Training(trainable_stages=1, learning_rate=3e-3, weight_decay=1e-4, augment=False)


def head(n_features):
    """A head for two classes with batch normalisation of its own."""
    inputs = keras.Input((n_features,))
    x = layers.BatchNormalization(name="head.bn")(layers.Dense(8, "relu", name="head.hidden")(inputs))
    return keras.Model(inputs, layers.Dense(2, "softmax", name="head.out")(x))


@pytest.fixture
def pixels():
    """Images that are bright on the left or on the right."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 120, (N_TRAIN + N_VALIDATION, 32, 32, 3), dtype=np.uint8)
    labels = np.arange(len(images)) % 2
    images[labels == 0, :, :16] += 100
    images[labels == 1, :, 16:] += 100
    return images, labels


@pytest.fixture
def tuning(tiny, pixels, monkeypatch):
    """tuning(Training(...)): trains and gives the result and the weights before and after, by variable.

    cached: a folder for activations, from which is trained then.
    """
    monkeypatch.setattr(fine_tuning, "MAX_EPOCHS", 2)

    def tuning(
        training=GENTLE, *, stage="top", pooling="avg", seconds_left=lambda: math.inf, after=None, seed=0, cached=None,
        start=None, emphasis=None,
    ):  # fmt: skip
        images, labels = pixels
        with keras_backend.session(seed):
            width = {"joined": 36, "top": 16, "top-1": 12}[stage] * (2 if "+" in pooling else 1)
            backbone = tiny.build(32, 32)
            model, depth = assemble(
                backbone, head(width), stage=stage, pooling=pooling,
                trainable_stages=training.trainable_stages,
            )  # fmt: skip
            before = {v.path: np.array(v) for v in model.variables}
            if start:
                assert continue_from(model, start)
            at_start = predict(model, images)
            inputs = PlainInputs(model, images.__getitem__, augment=training.augment, seed=seed)
            if cached:
                parts = split_network(model, backbone, stage=stage, pooling=pooling, freeze_depth=depth)
                inputs = ActivationCache(
                    parts, images.__getitem__,
                    folders=[cached.with_name(f"{cached.name}-{i}") for i in range(len(parts.layers))],
                    n_items=len(images), train_items=np.arange(N_TRAIN), augment=training.augment, seed=seed,
                )  # fmt: skip
            result = train(
                model, training, inputs, labels,
                train_items=np.arange(N_TRAIN), validation_items=np.arange(N_TRAIN, len(images)),
                after_epoch=after or (lambda epoch, found: None), seconds_left=seconds_left, seed=seed,
                emphasis=emphasis,
            )  # fmt: skip
        changed = {path for path, value in before.items() if not np.array_equal(value, weights(model)[path])}
        return SimpleNamespace(
            result=result, depth=depth, changed=changed, start=at_start[N_TRAIN:], at_start=at_start, before=before
        )

    return tuning


def weights(model):
    return {v.path: np.array(v) for v in model.variables}


@pytest.mark.parametrize(
    ("stage", "trainable", "depth", "trained"),
    [
        ("top", 1, 2, {"deep"}),
        ("top", 2, 1, {"middle", "deep"}),
        ("top", 4, 0, {"shallow", "middle", "deep"}),
        ("top-1", 1, 1, {"middle"}),
        ("joined", 1, 2, {"deep"}),
    ],
)
def test_weights_below_the_freeze_depth_stay_and_those_above_change(tuning, stage, trainable, depth, trained):
    found = tuning(Training(trainable, 3e-3, 1e-4, augment=False), stage=stage)
    assert found.depth == depth
    assert {path.split(".")[0] for path in found.changed if path.startswith(STAGES)} == trained
    assert any(path.startswith("head.hidden") for path in found.changed)


@pytest.mark.parametrize("trainable", [1, 4])
def test_batch_normalisation_of_the_backbone_stays_at_every_depth_and_the_heads_learns(tuning, trainable):
    found = tuning(Training(trainable, 3e-3, 1e-4, augment=True))
    normalisation = {path for path in found.before if ".bn/" in path}
    assert len(normalisation) == 4 * len(STAGES) + 4
    assert {path.split("/")[0] for path in found.changed & normalisation} == {"head.bn"}
    assert "head.bn/moving_mean" in found.changed


def test_batch_normalisation_inside_a_nested_model_stays_too(tiny):
    inputs = keras.Input((8, 8, 3))
    inner = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 1), layers.BatchNormalization(name="inner")])
    backbone = keras.Model(inputs, layers.ReLU(name="top")(inner(inputs)))
    assemble(
        backbone, keras.Sequential([keras.Input((4,)), layers.Dense(2)]), stage="top", pooling="avg", trainable_stages=1
    )
    assert inner.layers[0].trainable
    assert not inner.get_layer("inner").trainable


def test_the_probabilities_are_those_of_the_network_after_the_last_epoch(tuning, pixels):
    told = []
    found = tuning(after=lambda epoch, probabilities: told.append(probabilities))
    assert found.result.epochs == len(told) == 2
    again = predict(found.result.network, pixels[0][N_TRAIN:])
    assert found.result.probabilities == pytest.approx(again, abs=1e-6)
    assert np.array_equal(found.result.probabilities, told[-1])
    assert not np.array_equal(found.result.probabilities, found.start)


def test_training_improves_on_the_probe_and_tells_of_every_epoch(tuning, pixels, monkeypatch):
    monkeypatch.setattr(fine_tuning, "MAX_EPOCHS", 12)
    monkeypatch.setattr(fine_tuning, "MIN_EPOCHS", 12)
    truth, told = pixels[1][N_TRAIN:], []
    found = tuning(
        Training(4, 1e-2, 1e-4, augment=False),
        pooling="avg+max",
        after=lambda epoch, probabilities: told.append(epoch),
    )
    assert told == list(range(1, 13))
    assert (found.result.probabilities.argmax(axis=1) == truth).mean() > 0.7


@pytest.mark.parametrize(("n_train", "epochs"), [(60, 20), (1000, 13), (5000, 6), (100_000, 6)])
def test_a_small_set_is_shown_more_often(n_train, epochs):
    assert epochs_for(n_train) == epochs


def rates(monkeypatch):
    """The learning rate of every step that is taken from now on."""
    seen, read = [], PlainInputs.read

    def spy(self, items, epoch):
        if epoch:
            seen.append(float(self.trainer.optimizer.learning_rate))
        return read(self, items, epoch)

    monkeypatch.setattr(PlainInputs, "read", spy)
    return seen


def test_the_learning_rate_rises_then_falls_towards_zero(tuning, monkeypatch):
    monkeypatch.setattr(fine_tuning, "MAX_EPOCHS", 20)
    seen = rates(monkeypatch)
    tuning(Training(1, 0.1, 1e-4, augment=False))
    peak = int(np.argmax(seen))
    assert peak == round(fine_tuning.WARM_UP * len(seen)) - 1
    assert (np.diff(seen[: peak + 1]) > 0).all()
    assert (np.diff(seen[peak:]) < 0).all()
    assert seen[peak] == pytest.approx(0.1, rel=0.1)
    assert seen[-1] == pytest.approx(0.1 / len(seen), rel=0.01)


def test_where_the_time_ends_first_the_learning_rate_has_fallen_by_then(tuning, monkeypatch):
    monkeypatch.setattr(fine_tuning, "MAX_EPOCHS", 20)
    seen = rates(monkeypatch)
    left = iter(np.linspace(1000.0, 600.0, 10).tolist() + [1.0] + [-1.0] * 99)
    assert tuning(Training(1, 0.1, 1e-4, augment=False), seconds_left=lambda: next(left)).result.out_of_time
    assert len(seen) < 12
    assert seen[-1] < 0.001


def test_after_epoch_may_end_the_trial(tuning):
    class Pruned(Exception):  # noqa: N818
        pass

    def prune(epoch, probabilities):
        raise Pruned

    with pytest.raises(Pruned):
        tuning(after=prune)


def test_time_that_runs_out_in_the_first_epoch_is_an_error(tuning):
    with pytest.raises(OutOfTimeError, match="before the first epoch"):
        tuning(seconds_left=lambda: 0.0)


def test_time_that_runs_out_later_leaves_what_was_trained_so_far(tuning, pixels, monkeypatch):
    monkeypatch.setattr(fine_tuning, "MAX_EPOCHS", 30)
    # Once before, the two batches of an epoch, and one batch more.
    left = iter([100.0] * 4 + [-1.0] * 9)
    found = tuning(seconds_left=lambda: next(left))
    assert (found.result.out_of_time, found.result.epochs) == (True, 1)
    assert found.result.probabilities == pytest.approx(predict(found.result.network, pixels[0][N_TRAIN:]), abs=1e-6)


def test_the_same_seed_trains_the_same_network(tuning):
    augmented = Training(2, 3e-3, 1e-4, augment=True)
    first, second, other = (tuning(augmented, seed=seed).result.probabilities for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_weights_of_one_for_every_item_change_nothing(tuning):
    plain = tuning().result.probabilities
    weighted = tuning(emphasis=Emphasis(weigh=lambda items, losses: np.ones(len(items)))).result.probabilities
    assert weighted == pytest.approx(plain, abs=1e-6)


@pytest.mark.parametrize(("how", "cached"), [("drawn", False), ("weighed", True)])
def test_only_what_is_drawn_and_has_weight_is_learned(tuning, pixels, tmp_path, how, cached, monkeypatch):
    monkeypatch.setattr(fine_tuning, "MAX_EPOCHS", 6)
    labels = pixels[1]
    ones = np.flatnonzero(labels[:N_TRAIN] == 1)
    emphasis = {
        "drawn": Emphasis(draw=lambda rng: rng.choice(ones, N_TRAIN)),
        "weighed": Emphasis(weigh=lambda items, losses: 2.0 * labels[items]),
    }[how]
    training = Training(2 if cached else 4, 5e-2, 1e-4, augment=False)
    found = tuning(training, emphasis=emphasis, cached=tmp_path / "cut" if cached else None, stage="top")
    assert found.result.probabilities[:, 1].mean() > found.start[:, 1].mean() + 0.1


def test_losses_are_those_of_the_network_before_it_learns_from_the_batch(tuning, pixels):
    seen = []

    def weigh(items, losses):
        seen.append((items, losses()))
        return np.ones(len(items))

    found = tuning(emphasis=Emphasis(weigh=weigh))
    items, losses = seen[0]
    assert losses == pytest.approx(-np.log(found.at_start[items, pixels[1][items]]), abs=1e-5)
    assert len(seen) == 2 * N_TRAIN // 32


def test_the_exported_graph_takes_bytes_and_agrees_with_keras_without_augmentation(tuning, pixels):
    found = tuning(Training(2, 3e-3, 1e-4, augment=True), stage="joined", pooling="avg+max")
    graph = found.result.to_onnx()
    assert not any("andom" in node.op_type + node.name for node in graph.graph.node)
    images = pixels[0][N_TRAIN:]
    [exported] = open_session(graph.SerializeToString()).run(["probabilities"], {"images": images})
    assert exported == pytest.approx(predict(found.result.network, images), abs=1e-4)
    assert exported == pytest.approx(found.result.probabilities, abs=1e-4)


@pytest.mark.parametrize(
    ("stage", "pooling", "trainable"), [("top", "avg", 1), ("top", "avg+max", 2), ("joined", "avg+max", 1)]
)
def test_training_from_cached_activations_gives_the_weights_of_plain_training(
    tuning, tmp_path, stage, pooling, trainable
):
    training = Training(trainable, 3e-3, 1e-4, augment=False)
    options = {"stage": stage, "pooling": pooling}
    plain = tuning(training, **options)
    cached = tuning(training, cached=tmp_path / "cut", **options)
    assert cached.changed == plain.changed
    # Half precision has 11 bits, so that an activation is off by up to 0.05 %. Adam makes steps of one size
    # whatever the gradient's, so that a weight may be off by a part of the 4 steps of 0.003.
    expected, found = weights(plain.result.network), weights(cached.result.network)
    assert max(np.abs(found[path] - value).max() for path, value in expected.items()) < 3e-3
    moved = {path for path in plain.changed if "kernel" in path}
    off = sum(np.abs(found[path] - expected[path]).sum() for path in moved)
    assert off < 0.02 * sum(np.abs(expected[path] - plain.before[path]).sum() for path in moved)
    assert cached.result.probabilities == pytest.approx(plain.result.probabilities, abs=2e-3)


def test_cached_training_is_exported_with_the_frozen_part(tuning, pixels, tmp_path):
    found = tuning(Training(2, 3e-3, 1e-4, augment=True), stage="joined", cached=tmp_path / "cut")
    [exported] = open_session(found.result.to_onnx().SerializeToString()).run(None, {"images": pixels[0][N_TRAIN:]})
    assert exported == pytest.approx(found.result.probabilities, abs=2e-3)


def test_time_that_runs_out_while_a_view_is_computed_leaves_what_was_trained_so_far(tuning, tmp_path, monkeypatch):
    monkeypatch.setattr(fine_tuning, "MAX_EPOCHS", 30)
    # The chunk of view 0, what is allowed, two batches, the chunk of view 1.
    left = iter([100.0] * 4 + [-1.0] * 9)
    augmented = Training(1, 3e-3, 1e-4, augment=True)
    found = tuning(augmented, seconds_left=lambda: next(left), cached=tmp_path / "cut")
    assert (found.result.out_of_time, found.result.epochs) == (True, 1)


def test_a_deeper_trial_starts_where_the_one_above_it_ended(tuning, tmp_path):
    above = tuning(cached=tmp_path / "above")
    above.result.network.save(tmp_path / "network.keras")
    deeper = tuning(Training(2, 3e-3, 1e-4, augment=False), start=tmp_path / "network.keras", seed=5)
    assert deeper.start == pytest.approx(above.result.probabilities, abs=2e-3)


def test_a_start_that_does_not_fit_or_is_not_there_changes_nothing(tiny, tmp_path):
    smaller, _ = assemble(tiny.build(32, 32), head(12), stage="top-1", pooling="avg", trainable_stages=1)
    smaller.save(tmp_path / "network.keras")
    model, _ = assemble(tiny.build(32, 32), head(16), stage="top", pooling="avg", trainable_stages=2)
    before = weights(model)
    assert not continue_from(model, tmp_path / "network.keras")
    assert not continue_from(model, tmp_path / "nothing.keras")
    (tmp_path / "damaged.keras").write_bytes(b"PK")
    assert not continue_from(model, tmp_path / "damaged.keras")
    assert all(np.array_equal(value, before[path]) for path, value in weights(model).items())
