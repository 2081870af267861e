"""An item that somebody gives to a model on the Try page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from autotl_ui.try_model.item_prediction import Predictions
from autotl_ui.workspace.runs import RunView


@dataclass(frozen=True)
class TriedItem:
    """An item to classify.

    name: what it is called. key: differs with its content. predict(run): the model's answer. show(): draws it.
    show_reasons(run, key): draws what the answer rests on.
    """

    name: str
    key: str
    predict: Callable[[RunView], Predictions]
    show: Callable[[], None]
    show_reasons: Callable[[RunView, str], None]
