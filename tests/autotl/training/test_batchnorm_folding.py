"""A fused network computes and learns what the given one does."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from autotl.training.batchnorm_folding import fold_batchnorm


def network(*, trainable=False):
    """Convolutions of every kind with batch normalisation behind them, and one whose output is read twice."""
    inputs = keras.Input((6, 6, 4))
    x = layers.Conv2D(8, 1, name="point")(inputs)
    x = layers.ReLU(6.0)(layers.BatchNormalization(name="a")(x))
    x = layers.DepthwiseConv2D(5, strides=2, padding="same", use_bias=False, name="depth")(x)
    x = layers.BatchNormalization(scale=False, name="b")(x)
    y = layers.Conv2D(8, 3, padding="same", dilation_rate=2, name="wide")(x)
    y = layers.BatchNormalization(center=False, name="c")(y)
    z = layers.Conv2D(8, 1, name="twice")(y)
    x = layers.Add()([x, layers.BatchNormalization(name="d")(z), z])
    model = keras.Model(inputs, layers.Dense(2, "softmax")(layers.GlobalAveragePooling2D()(x)))
    rng = np.random.default_rng(0)
    for variable in model.variables:
        variable.assign(
            rng.uniform(0.1, 0.5, variable.shape) * (1 if "variance" in variable.path else rng.choice([-1, 1]))
        )
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = trainable
    return model


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


@pytest.fixture
def images():
    return np.random.default_rng(1).normal(size=(16, 6, 6, 4)).astype("float32")


def test_it_computes_the_same_with_fewer_layers(images):
    model = network()
    fused = fold_batchnorm(model)
    assert kinds(fused).count("Folded") == 3
    assert [layer.name for layer in fused.layers if isinstance(layer, layers.BatchNormalization)] == ["d"]
    assert fused.predict_on_batch(images) == pytest.approx(model.predict_on_batch(images), abs=1e-5)


def test_what_it_learns_is_learned_by_the_given_networks_layers(images):
    labels = np.arange(16) % 2
    plain, given = network(), network()
    fused = fold_batchnorm(given)
    assert {id(v) for v in fused.trainable_variables} == {id(v) for v in given.trainable_variables}
    for model in (plain, fused):
        model.compile(keras.optimizers.SGD(0.05), "sparse_categorical_crossentropy", jit_compile=False)
        for _ in range(3):
            model.train_on_batch(images, labels)
    for expected, found in zip(plain.get_weights(), given.get_weights(), strict=True):
        assert found == pytest.approx(expected, rel=1e-3, abs=1e-4)
    assert not np.allclose(given.get_layer("depth").kernel, network().get_layer("depth").kernel, atol=1e-3)


def test_normalisation_that_trains_stays():
    assert "Folded" not in kinds(fold_batchnorm(network(trainable=True)))


def test_several_inputs_stay_in_order():
    a, b = keras.Input((3,), name="a"), keras.Input((5,), name="b")
    model = keras.Model([a, b], layers.Dense(2)(layers.Concatenate()([b, a])))
    fused = fold_batchnorm(model)
    assert [tensor.shape for tensor in fused.inputs] == [(None, 3), (None, 5)]
    parts = [np.ones((4, 3), "float32"), np.zeros((4, 5), "float32")]
    assert fused.predict_on_batch(parts) == pytest.approx(model.predict_on_batch(parts), abs=1e-6)
