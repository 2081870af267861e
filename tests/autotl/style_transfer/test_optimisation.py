"""The optimiser, on a loss whose least value is known."""

from __future__ import annotations

import numpy as np
import pytest

from autotl.errors import PluginError
from autotl.style_transfer.optimisation import minimise

WANTED = np.array([[-0.5, 0.25], [0.75, 1.5]], np.float32)
"""Its ends lie outside of the range of pixels."""


def loss(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two terms, whose sum is the squared distance."""
    distance = image - WANTED
    terms = np.array([(distance[0] ** 2).sum(), (distance[1] ** 2).sum()], np.float32)
    return terms, 2 * distance


def test_the_least_loss_within_the_range_of_pixels_is_found():
    found = minimise(loss, np.full((2, 2), 0.5), steps=20, after_step=lambda *_: None)
    np.testing.assert_allclose(found.image, [[0, 0.25], [0.75, 1]], atol=1e-6)
    assert not found.interrupted


def test_each_step_is_told_with_the_image_so_far():
    told: list[tuple[int, float]] = []
    minimise(loss, np.full((2, 2), 0.1), steps=20, after_step=lambda n, image: told.append((n, loss(image)[0].sum())))
    assert [number for number, _ in told] == list(range(1, len(told) + 1))
    assert [value for _, value in told] == sorted((value for _, value in told), reverse=True)


def test_no_more_steps_are_taken_than_were_asked_for():
    told: list[int] = []
    found = minimise(loss, np.full((2, 2), 0.1), steps=1, after_step=lambda number, _: told.append(number))
    assert (found.steps, told) == (1, [1])


def test_an_interruption_returns_the_best_image_so_far():
    def interrupt(number: int, _image: np.ndarray) -> None:
        raise KeyboardInterrupt

    found = minimise(loss, np.full((2, 2), 0.1), steps=20, after_step=interrupt)
    assert (found.interrupted, found.steps) == (True, 1)
    assert loss(found.image)[0].sum() < loss(np.full((2, 2), 0.1))[0].sum()


def test_an_interruption_before_the_first_step_leaves_no_image():
    def interrupted(_image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        minimise(interrupted, np.full((2, 2), 0.1), steps=20, after_step=lambda *_: None)


def test_a_loss_that_is_not_finite_is_an_error():
    with pytest.raises(PluginError, match="the loss is not finite"):
        minimise(
            lambda image: (np.array([np.nan]), np.zeros_like(image)), np.zeros((2, 2)), steps=5,
            after_step=lambda *_: None,
        )  # fmt: skip
