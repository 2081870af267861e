"""Trains an autoencoder on small images, within a stated time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from autotl.autoencoding.objective import LEARNING_RATE, compiled
from autotl.autoencoding.trained import TrainedAutoencoder, as_fractions
from autotl.errors import OutOfTimeError
from autotl.interfaces import Autoencoder
from autotl.runtime.progress import OnProgress

BATCH_ITEMS = 64
MOST_EPOCHS, MOST_STEPS = 400, 20_000
WARM_UP_STEPS, PACE_STEPS = 20, 12
"""Steps in which the learning rate rises, and after which the pace is known."""
_SLACK = 0.9
"""Share of the time that is planned with: the pace of the first epoch is not that of all."""


@dataclass(frozen=True)
class Training:
    """How an autoencoder was trained.

    epochs: passes through all images. out_of_time: whether the time ended before the planned number. seconds: taken.
    """

    epochs: int
    out_of_time: bool
    seconds: float


def train(
    autoencoder: Autoencoder, pixels: np.ndarray, *, n_latents: int, seconds: float, epochs: int | None = None,
    seed: int = 0, progress: OnProgress = lambda _done, _total: None,
) -> tuple[TrainedAutoencoder, Training]:  # fmt: skip
    """Train on pixels, uint8 (n, edge, edge, 3); call it within `keras_backend.session(seed)`.

    seconds: how long it may take, infinite for no limit. epochs: how many; None for as many as the time allows at the
    pace of the first. The weights follow from the seed and the number of epochs, unless the time runs out before.
    progress: told the steps, of which an epoch has one for each batch. Raises OutOfTimeError where not even the first
    epoch ends in time.
    """
    trained = TrainedAutoencoder(*autoencoder.build(pixels.shape[1], n_latents))
    began = time.monotonic()
    steps = _Steps(len(pixels), epochs, lambda: seconds - (time.monotonic() - began), np.random.default_rng(seed))
    model = compiled(trained, seed=seed)
    for batch in steps:
        fractions = as_fractions(pixels[batch])
        model.optimizer.learning_rate = steps.learning_rate
        model.train_on_batch(fractions, fractions)
        progress(steps.done + 1, steps.total)
    taken = time.monotonic() - began
    if not steps.epochs:
        raise OutOfTimeError(
            f"the {seconds:.0f} seconds for the autoencoder ended before it had seen each of the {len(pixels)} images "
            "once. Give it more with --seconds, or use smaller images with --edge."
        )
    return trained, Training(steps.epochs, steps.done < steps.total, taken)


class _Steps:
    """The batches of all epochs until the time ends, int (n,) each; done: how many were taken."""

    def __init__(
        self, n_items: int, epochs: int | None, seconds_left: Callable[[], float], rng: np.random.Generator
    ) -> None:
        self._n_items, self._seconds_left, self._rng = n_items, seconds_left, rng
        self._batch_items = min(BATCH_ITEMS, n_items)
        self.per_epoch = n_items // self._batch_items
        self._first = self.per_epoch * math.ceil(PACE_STEPS / self.per_epoch)
        self._is_planned = epochs is not None
        self._n_epochs = epochs or max(1, min(MOST_EPOCHS, MOST_STEPS // self.per_epoch))
        self.done = 0

    @property
    def total(self) -> int:
        """Number of steps that are planned."""
        return self._n_epochs * self.per_epoch

    @property
    def epochs(self) -> int:
        """Number of whole epochs that are done."""
        return self.done // self.per_epoch

    @property
    def learning_rate(self) -> float:
        """For the next step: it rises, and falls to zero along a cosine from where the number of epochs is known."""
        later = min(1.0, max(0, self.done - self._first) / max(1, self.total - self._first))
        rising = min(1.0, (self.done + 1) / WARM_UP_STEPS)
        return LEARNING_RATE * rising * 0.5 * (1 + math.cos(math.pi * later))

    def __iter__(self) -> Iterator[np.ndarray]:
        second = math.inf
        while self.done < self.total:
            order = self._rng.permutation(self._n_items)  # its odd rest is left out, another one each time
            for place in range(self.per_epoch):
                left = self._seconds_left()
                if left <= 0:
                    return
                if self.done == 1:
                    second = left  # the first step also compiles the network
                yield order[place * self._batch_items : (place + 1) * self._batch_items]
                self.done += 1
            if not self._is_planned and self.done == self._first and math.isfinite(second):
                self._plan(second, self._seconds_left())

    def _plan(self, second: float, left: float) -> None:
        """Set the number of epochs by the time that was left at the second step, and that which is left now."""
        epoch_seconds = max(1e-6, second - left) / (self.done - 1) * self.per_epoch
        affordable = self.epochs + int(_SLACK * left / epoch_seconds)
        self._n_epochs = max(self.epochs, min(self._n_epochs, affordable))
