"""Fine-tuning changes what is above the freeze depth, nothing below it, and never for the worse."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers

from autotl import backend, finetune
from autotl.candidate import Training
from autotl.classifiers import predict
from autotl.errors import OutOfTimeError
from autotl.finetune import PlainInputs, assemble, continue_from, train
from autotl.network import open_session
from autotl.prefix import Activations, cut

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
    """Pictures that are bright on the left or on the right."""
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
    monkeypatch.setattr(finetune, "MAX_EPOCHS", 2)

    def tuning(
        training=GENTLE, *, stage="top", pooling="avg", score=None, out_of_time=lambda: False, after=None, seed=0,
        cached=None, start=None,
    ):  # fmt: skip
        images, labels = pixels
        with backend.session(seed):
            width = {"joined": 36, "top": 16, "top-1": 12}[stage] * (2 if "+" in pooling else 1)
            backbone = tiny.build(32, 32)
            model, depth = assemble(
                backbone, head(width), stage=stage, pooling=pooling,
                trainable_stages=training.trainable_stages,
            )  # fmt: skip
            before = {v.path: np.array(v) for v in model.variables}
            if start:
                assert continue_from(model, start)
            probabilities = predict(model, images[N_TRAIN:])
            inputs = PlainInputs(model, images.__getitem__, augment=training.augment, seed=seed)
            if cached:
                parts = cut(model, backbone, stage=stage, pooling=pooling, freeze_depth=depth)
                inputs = Activations(
                    parts, images.__getitem__,
                    folders=[cached.with_name(f"{cached.name}-{i}") for i in range(len(parts.layers))],
                    n_items=len(images), train_items=np.arange(N_TRAIN), augment=training.augment, seed=seed,
                )  # fmt: skip
            result = train(
                model, training, inputs, labels,
                train_items=np.arange(N_TRAIN), validation_items=np.arange(N_TRAIN, len(images)),
                score=score or (lambda p: float((p.argmax(axis=1) == labels[N_TRAIN:]).mean())),
                after_epoch=after or (lambda epoch, value: None), out_of_time=out_of_time, seed=seed,
            )  # fmt: skip
        changed = {path for path, value in before.items() if not np.array_equal(value, weights(model)[path])}
        return SimpleNamespace(result=result, depth=depth, changed=changed, start=probabilities, before=before)

    return tuning


def weights(model):
    return {v.path: np.array(v) for v in model.variables}


def rising():
    """A score that calls every epoch better than the one before."""
    values = iter(range(100))
    return lambda probabilities: float(next(values))


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
    found = tuning(Training(trainable, 3e-3, 1e-4, augment=False), stage=stage, score=rising())
    assert found.depth == depth
    assert {path.split(".")[0] for path in found.changed if path.startswith(STAGES)} == trained
    assert any(path.startswith("head.hidden") for path in found.changed)


@pytest.mark.parametrize("trainable", [1, 4])
def test_batch_normalisation_of_the_backbone_stays_at_every_depth_and_the_heads_learns(tuning, trainable):
    found = tuning(Training(trainable, 3e-3, 1e-4, augment=True), score=rising())
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


def test_an_epoch_that_does_not_help_leaves_the_probe_it_started_from(tuning):
    values = iter([1.0, 0.5, 0.4])
    found = tuning(score=lambda probabilities: next(values))
    assert (found.result.best_epoch, found.result.epochs) == (0, 2)
    assert not found.changed
    assert found.result.probabilities == pytest.approx(found.start, abs=1e-6)


def test_the_best_epoch_is_kept_and_its_probabilities_are_those_of_the_network(tuning, pixels):
    values = iter([0.1, 0.9, 0.5])
    found = tuning(score=lambda probabilities: next(values))
    assert (found.result.best_epoch, found.result.epochs) == (1, 2)
    again = predict(found.result.network, pixels[0][N_TRAIN:])
    assert found.result.probabilities == pytest.approx(again, abs=1e-6)
    assert not np.array_equal(found.result.probabilities, found.start)


def test_training_improves_on_the_probe_and_tells_of_every_epoch(tuning, monkeypatch):
    monkeypatch.setattr(finetune, "MAX_EPOCHS", 12)
    told = []
    found = tuning(
        Training(4, 1e-2, 1e-4, augment=False),
        pooling="avg+max",
        after=lambda epoch, value: told.append((epoch, value)),
    )
    assert [epoch for epoch, _ in told] == list(range(1, found.result.epochs + 1))
    assert found.result.best_epoch >= 1
    assert max(value for _, value in told) > 0.7


def test_training_stops_when_it_has_not_improved_for_some_epochs(tuning, monkeypatch):
    monkeypatch.setattr(finetune, "MAX_EPOCHS", 30)
    assert tuning(score=lambda probabilities: 0.5).result.epochs == finetune.PATIENCE_EPOCHS


def test_after_epoch_may_end_the_trial(tuning):
    class Pruned(Exception):  # noqa: N818
        pass

    def prune(epoch, value):
        raise Pruned

    with pytest.raises(Pruned):
        tuning(after=prune)


def test_time_that_runs_out_in_the_first_epoch_is_an_error(tuning):
    with pytest.raises(OutOfTimeError, match="before the first epoch"):
        tuning(out_of_time=lambda: True)


def test_time_that_runs_out_later_leaves_the_best_epoch_so_far(tuning, monkeypatch):
    monkeypatch.setattr(finetune, "MAX_EPOCHS", 30)
    asked = iter([False] * 2 + [False] + [False] + [True])  # two batches, the end of the epoch, one batch more
    found = tuning(score=rising(), out_of_time=lambda: next(asked))
    assert (found.result.out_of_time, found.result.epochs, found.result.best_epoch) == (True, 1, 1)


def test_the_same_seed_trains_the_same_network(tuning):
    augmented = Training(2, 3e-3, 1e-4, augment=True)
    first, second, other = (tuning(augmented, score=rising(), seed=seed).result.probabilities for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_the_exported_graph_takes_bytes_and_agrees_with_keras_without_augmentation(tuning, pixels):
    found = tuning(Training(2, 3e-3, 1e-4, augment=True), stage="joined", pooling="avg+max", score=rising())
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
    plain = tuning(training, score=rising(), **options)
    cached = tuning(training, score=rising(), cached=tmp_path / "cut", **options)
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
    found = tuning(Training(2, 3e-3, 1e-4, augment=True), stage="joined", score=rising(), cached=tmp_path / "cut")
    [exported] = open_session(found.result.to_onnx().SerializeToString()).run(None, {"images": pixels[0][N_TRAIN:]})
    assert exported == pytest.approx(found.result.probabilities, abs=2e-3)


def test_time_that_runs_out_while_a_view_is_computed_leaves_the_best_epoch_so_far(tuning, tmp_path, monkeypatch):
    monkeypatch.setattr(finetune, "MAX_EPOCHS", 30)
    # The chunk of view 0, two batches, the end of the epoch, the chunk of view 1.
    asked = iter([False, False, False, False, True])
    augmented = Training(1, 3e-3, 1e-4, augment=True)
    found = tuning(augmented, score=rising(), out_of_time=lambda: next(asked), cached=tmp_path / "cut")
    assert (found.result.out_of_time, found.result.epochs, found.result.best_epoch) == (True, 1, 1)


def test_a_deeper_trial_starts_where_the_one_above_it_ended(tuning, tmp_path):
    above = tuning(score=rising(), cached=tmp_path / "above")
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
