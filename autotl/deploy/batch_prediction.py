"""Classifying any number of items with an exported model, part by part, so that memory does not grow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from autotl.data.modalities import modality_named
from autotl.deploy.predictor import Prediction
from autotl.errors import ConfigError
from autotl.runs.events import Listener, Progress

Batches = Iterable[Sequence[Prediction]]
"""Predictions of one target as `classify` gives them."""
Row = TypeVar("Row", bound=Mapping[str, object])


N_AT_ONCE = 128
"""Four batches of the model: little is lost at the seams, and on any machine one is done within seconds."""


class AnyPredictor(Protocol[Row]):
    """An exported model of one target, or of several."""

    reader: Any

    def answer(self, given: Sequence[Any], *, doubts: bool = True) -> list[Row]:
        """One answer for each item."""


def classify(
    predictor: AnyPredictor[Row], items: Sequence[Any], *, doubts: bool = True, listeners: Sequence[Listener] = ()
) -> Iterator[list[Row]]:
    """Predictions as `Predictor.predict` gives them, in the order of the items, so many at once.

    A file whose decoder would bring this process down gets an error, and the next one is not harmed.
    doubts: whether to add the doubts that the model offers. listeners: told the progress at the start and after each
    batch.
    """
    began = time.monotonic()
    risk_of = modality_named(predictor.reader.item).risk
    for start in range(0, len(items), N_AT_ONCE):
        _tell(listeners, start, len(items), began)
        yield predictor.answer([_spared(item, risk_of) for item in items[start : start + N_AT_ONCE]], doubts=doubts)
    _tell(listeners, len(items), len(items), began)


def _spared(given: Any, risk_of: Callable[[Any], str]) -> Any:
    """The same item, or a problem in its place where reading it would bring this process down."""
    risk = "" if given.problem else risk_of(given)
    return type(given)(given.name, problem=risk) if risk else given


def _tell(listeners: Sequence[Listener], done: int, total: int, began: float) -> None:
    """Tell how many files are done; began: when the first was, by the monotonic clock."""
    rate = done / max(time.monotonic() - began, 1e-3)
    event = Progress("predict", done, total, rate or None, (total - done) / rate if rate else None)
    for listener in listeners:
        listener(event)


@dataclass
class Outcome:
    """How many items were answered so far, and how many of them could not be read; first: the first of these.

    item: what one is called.
    """

    item: str = "image"
    n_items: int = 0
    n_unreadable: int = 0
    first: str = ""

    def count(self, batches: Iterable[Sequence[Row]]) -> Iterator[Sequence[Row]]:
        """Pass the batches on."""
        for batch in batches:
            unreadable = [row for row in batch if "error" in row]
            if unreadable and not self.first:
                self.first = f"{unreadable[0]['item']}: {unreadable[0]['error']}"
            self.n_items += len(batch)
            self.n_unreadable += len(unreadable)
            yield batch

    def sentence(self) -> str:
        """What to say of the items that could not be read; empty if there are none."""
        if not self.n_unreadable:
            return ""
        if self.n_items == 1:
            return f"the {self.item} could not be read: {self.first}"
        share = "none" if self.n_unreadable == self.n_items else f"{self.n_unreadable}"
        negated = "could be" if share == "none" else "could not be"
        return f"{share} of {self.n_items} {self.item}s {negated} read; the first is {self.first}"

    def require_any(self) -> None:
        """Raise ConfigError if no item could be read."""
        if self.n_unreadable == self.n_items:
            raise ConfigError(self.sentence() or "there was nothing to classify")
