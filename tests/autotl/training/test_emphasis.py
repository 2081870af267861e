"""What is drawn and weighed for fine-tuning fits what is trained on, or is an error that says so."""

from __future__ import annotations

import numpy as np
import pytest

from autotl.training.emphasis import Emphasis

ITEMS = np.array([3, 5, 9])


def no_losses():
    raise AssertionError("nobody asked for the losses")


def test_by_default_every_item_takes_part_once_and_no_loss_is_computed():
    emphasis = Emphasis()
    assert emphasis.of_epoch(ITEMS, np.random.default_rng(0)) is ITEMS
    assert emphasis.of_batch(ITEMS, no_losses) is None


def test_an_item_may_be_drawn_several_times():
    drawn = Emphasis(draw=lambda rng: rng.choice([5], 3)).of_epoch(ITEMS, np.random.default_rng(0))
    assert drawn.tolist() == [5, 5, 5]


def test_another_number_of_items_than_are_trained_on_is_an_error():
    with pytest.raises(ValueError, match="2 items were drawn for an epoch; expected 3"):
        Emphasis(draw=lambda rng: np.array([3, 5])).of_epoch(ITEMS, np.random.default_rng(0))


def test_weights_may_depend_on_the_losses():
    emphasis = Emphasis(weigh=lambda items, losses: losses() * items)
    found = emphasis.of_batch(ITEMS, lambda: np.array([1.0, 0.0, 2.0]))
    assert found.tolist() == [3.0, 0.0, 18.0]
    assert found.dtype == np.float32


@pytest.mark.parametrize("weights", [[1.0, 1.0], [1.0, -1.0, 1.0], [1.0, np.nan, 1.0], [1.0, np.inf, 1.0]])
def test_weights_that_cannot_be_are_an_error(weights):
    with pytest.raises(ValueError, match="the weights of a batch of 3 items are"):
        Emphasis(weigh=lambda items, losses: weights).of_batch(ITEMS, no_losses)
