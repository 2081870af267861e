"""Training ends in time, and follows from the seed and the number of epochs alone."""

from __future__ import annotations

import math

import numpy as np
import pytest

from autotl.autoencoding.training import _Steps, train
from autotl.errors import OutOfTimeError
from autotl.interfaces import Autoencoder
from autotl.runtime import keras_backend


def dense(edge: int, n_latents: int):
    """The smallest variational autoencoder: it is compiled in no time."""
    import keras

    pixels = keras.Input((edge, edge, 3))
    values = keras.layers.Flatten()(pixels)
    encoder = keras.Model(pixels, [keras.layers.Dense(n_latents)(values) for _ in range(2)])
    latents = keras.Input((n_latents,))
    values = keras.layers.Dense(edge * edge * 3, activation="sigmoid")(latents)
    return encoder, keras.Model(latents, keras.layers.Reshape((edge, edge, 3))(values))


VAE = Autoencoder("dense", dense, variational=True)


class Clock:
    """Seconds left, which each batch takes some of."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds

    def run(self, steps: _Steps, step_seconds: float) -> list[np.ndarray]:
        batches = []
        for batch in steps:
            batches.append(batch)
            self.left -= step_seconds
        return batches


def made_steps(clock: Clock, n_items: int = 640, epochs: int | None = None) -> _Steps:
    return _Steps(n_items, epochs, lambda: clock.left, np.random.default_rng(0))


def test_the_pace_of_the_first_epochs_decides_how_many_fit_into_the_time():
    clock = Clock(100.0)
    steps = made_steps(clock)
    clock.run(steps, 0.1)  # ten batches an epoch: 100 epochs would take all of it
    assert 80 <= steps.epochs <= 95
    assert steps.done == steps.total
    assert 0 < clock.left < 20


def test_a_time_that_suffices_for_all_epochs_changes_nothing():
    short, long = Clock(1e6), Clock(math.inf)
    few, many = (clock.run(made_steps(clock), 1e-3) for clock in (short, long))
    assert len(few) == len(many)
    assert all((one == other).all() for one, other in zip(few, many, strict=True))


def test_the_learning_rate_of_a_planned_number_is_that_of_the_same_number_when_asked_for():
    clock = Clock(20.0)
    steps = made_steps(clock)
    rates = [steps.learning_rate for _ in _with_time(steps, clock, 0.1)]
    again = made_steps(Clock(math.inf), epochs=steps.epochs)
    assert rates == [again.learning_rate for _ in again]
    assert rates[0] < max(rates)
    assert rates[-1] < 0.01 * max(rates)


def test_an_epoch_shows_each_image_once_but_for_the_odd_rest():
    clock = Clock(math.inf)
    batches = clock.run(made_steps(clock, n_items=150, epochs=1), 0.0)
    seen = np.concatenate(batches)
    assert [len(batch) for batch in batches] == [64, 64]
    assert len(np.unique(seen)) == 128


def test_fewer_images_than_a_batch_make_one_batch_of_all():
    clock = Clock(math.inf)
    assert [len(batch) for batch in clock.run(made_steps(clock, n_items=5, epochs=3), 0.0)] == [5, 5, 5]


def test_training_that_slows_down_ends_with_the_time():
    clock = Clock(30.0)
    steps = made_steps(clock)
    for n, _ in enumerate(steps):
        clock.left -= 0.1 if n < 30 else 1.0
    assert steps.done < steps.total
    assert steps.epochs >= 1


def test_the_same_seed_and_number_of_epochs_give_the_same_network_within_any_time():
    images = np.random.default_rng(0).integers(0, 256, (64, 16, 16, 3), dtype=np.uint8)
    found = []
    for seconds in (math.inf, 600.0):
        with keras_backend.session(3):
            trained, training = train(VAE, images, n_latents=4, seconds=seconds, epochs=2, seed=3)
            found.append(trained.encode(images))
        assert (training.epochs, training.out_of_time) == (2, False)
    assert (found[0] == found[1]).all()


def test_a_time_without_a_whole_epoch_is_an_error_that_says_what_to_change():
    images = np.zeros((64, 16, 16, 3), dtype=np.uint8)
    with keras_backend.session(0), pytest.raises(OutOfTimeError, match=r"--seconds.*--edge"):
        train(VAE, images, n_latents=4, seconds=0.0)


def _with_time(steps: _Steps, clock: Clock, step_seconds: float):
    for batch in steps:
        yield batch
        clock.left -= step_seconds
