"""Heads side by side: the loss is the sum over the targets whose label is known, and each answer is its own head's."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from autotl.targets import UNKNOWN
from autotl.training.joint_heads import divide, side_by_side, sum_of_losses

SIZES = (2, 3)


def head(n_classes: int) -> keras.Model:
    inputs = keras.Input((4,))
    return keras.Model(inputs, layers.Dense(n_classes, "softmax")(inputs))


@pytest.fixture
def features() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)


def test_the_network_answers_what_each_head_answers(features: np.ndarray) -> None:
    heads = [head(n) for n in SIZES]
    answers = keras.ops.convert_to_numpy(side_by_side(heads)(features))
    for part, own in zip(divide(answers, SIZES), heads, strict=True):
        np.testing.assert_allclose(part, keras.ops.convert_to_numpy(own(features)), atol=1e-6)
        np.testing.assert_allclose(part.sum(axis=1), 1)


def test_the_loss_of_an_item_is_the_sum_over_the_targets_whose_label_is_known() -> None:
    answers = np.array([[0.8, 0.2, 0.5, 0.3, 0.2]] * 4, dtype=np.float32)
    labels = np.array([[0, 2], [1, UNKNOWN], [UNKNOWN, 0], [UNKNOWN, UNKNOWN]], dtype=np.float32)
    found = keras.ops.convert_to_numpy(sum_of_losses(SIZES)(keras.ops.convert_to_tensor(labels), answers))
    expected = [-np.log(0.8) - np.log(0.2), -np.log(0.2), -np.log(0.5), 0]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_an_item_without_a_label_for_a_target_does_not_train_its_head(features: np.ndarray) -> None:
    heads = [head(n) for n in SIZES]
    model = side_by_side(heads)
    model.compile(keras.optimizers.SGD(0.1), sum_of_losses(SIZES), jit_compile=False)
    before = [own.get_weights() for own in heads]
    model.train_on_batch(features, np.array([[0, UNKNOWN], [1, UNKNOWN]] * 3))
    assert not np.allclose(before[0][0], heads[0].get_weights()[0])
    np.testing.assert_array_equal(before[1][0], heads[1].get_weights()[0])
