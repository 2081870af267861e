"""Classifying any number of images with an exported model, part by part, so that memory does not grow."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from autotl.deploy.predictor import Prediction, Predictor
from autotl.errors import ConfigError
from autotl.images.given_images import GivenImage, read_source
from autotl.images.safe_decode import decode_risk
from autotl.runs.events import Listener, Progress

Batches = Iterable[Sequence[Prediction]]
"""Predictions as `classify` gives them."""


N_AT_ONCE = 128
"""Four batches of the model: little is lost at the seams, and on any machine one is done within seconds."""


def classify(
    predictor: Predictor, images: Sequence[GivenImage], *, doubts: bool = True, listeners: Sequence[Listener] = ()
) -> Iterator[list[Prediction]]:
    """Predictions as `Predictor.predict` gives them, in the order of the images, so many at once.

    A file whose decoder would bring this process down gets an error, and the next one is not harmed.
    doubts: whether to add the doubts that the model offers. listeners: told the progress at the start and after each
    batch.
    """
    began = time.monotonic()
    for start in range(0, len(images), N_AT_ONCE):
        _tell(listeners, start, len(images), began)
        yield predictor.answer([_spared(image) for image in images[start : start + N_AT_ONCE]], doubts=doubts)
    _tell(listeners, len(images), len(images), began)


def _spared(given: GivenImage) -> GivenImage:
    """The same image, or a problem in its place where its decoder would bring this process down."""
    if given.problem or not isinstance(given.image, str | bytes):
        return given
    risk = decode_risk(read_source(given.image))
    return GivenImage(given.name, problem=risk) if risk else given


def _tell(listeners: Sequence[Listener], done: int, total: int, began: float) -> None:
    """Tell how many files are done; began: when the first was, by the monotonic clock."""
    rate = done / max(time.monotonic() - began, 1e-3)
    event = Progress("predict", done, total, rate or None, (total - done) / rate if rate else None)
    for listener in listeners:
        listener(event)


@dataclass
class Outcome:
    """How many images were answered so far, and how many of them could not be read; first: the first of these."""

    n_images: int = 0
    n_unreadable: int = 0
    first: str = ""

    def count(self, batches: Batches) -> Iterator[Sequence[Prediction]]:
        """Pass the batches on."""
        for batch in batches:
            unreadable = [row for row in batch if "error" in row]
            if unreadable and not self.first:
                self.first = f"{unreadable[0]['item']}: {unreadable[0]['error']}"
            self.n_images += len(batch)
            self.n_unreadable += len(unreadable)
            yield batch

    def sentence(self) -> str:
        """What to say of the images that could not be read; empty where there are none."""
        if not self.n_unreadable:
            return ""
        if self.n_images == 1:
            return f"the image could not be read: {self.first}"
        share = "none" if self.n_unreadable == self.n_images else f"{self.n_unreadable}"
        negated = "could be" if share == "none" else "could not be"
        return f"{share} of {self.n_images} images {negated} read; the first is {self.first}"

    def require_any(self) -> None:
        """Raise ConfigError where no image could be read."""
        if self.n_unreadable == self.n_images:
            raise ConfigError(self.sentence() or "there was nothing to classify")
