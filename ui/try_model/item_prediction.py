"""What a model says of one item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from autotl.deploy.prediction_texts import NONE_BELOW


@dataclass(frozen=True)
class ItemPrediction:
    """The predicted class with the probability of every class, or the reason why there is no prediction.

    classes: the plausible classes; unsure: whether the confidence is below the accept threshold; p_value: small if the
    item is like none of the classes. Each is None if the model does not offer it. A model of several labels gives
    `labels` in place of `label`; one of a number gives `value`, and `low` and `high`, the ends of its interval.
    """

    label: str = ""
    probabilities: Mapping[str, float] = field(default_factory=dict)
    error: str = ""
    classes: tuple[str, ...] | None = None
    unsure: bool | None = None
    p_value: float | None = None
    labels: tuple[str, ...] | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def is_like_none(self) -> bool:
        """Whether the item is like none of the classes."""
        return self.p_value is not None and self.p_value <= NONE_BELOW

    @property
    def probability(self) -> float:
        """The probability of the predicted class."""
        return self.probabilities[self.label]


Predictions: TypeAlias = Mapping[str, ItemPrediction]
"""What a model says of one item, by target; under "" for a model of one target, or where the item cannot be read."""


def failed(why: str) -> Predictions:
    """What is said of an item that could not be classified; why: the reason."""
    return {"": ItemPrediction(error=why)}


def read_predictions(found: Mapping[str, Any]) -> Predictions:
    """The predictions of one item as `predict` gives them."""
    targets = found.get("targets", {"": found})
    return {name: _read(one) for name, one in targets.items()}


def _read(found: Mapping[str, Any]) -> ItemPrediction:
    classes, labels = (found.get(name) for name in ("set", "labels"))
    return ItemPrediction(
        found.get("label", ""), found.get("probabilities", {}), found.get("error", ""),
        None if classes is None else tuple(classes), found.get("unsure"), found.get("none_of_these"),
        None if labels is None else tuple(labels), found.get("value"), found.get("low"), found.get("high"),
    )  # fmt: skip
