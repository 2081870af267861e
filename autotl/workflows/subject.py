"""The subject of a piece of evidence: a champion with its held-out answers and the findings so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from autotl.predictions import Predictions
from autotl.runs.result import RunResult

if TYPE_CHECKING:  # they import Keras, and `fit` imports this module before Keras' backend is chosen
    from autotl.deploy.champion import Champion
    from autotl.search.context import SearchContext


@dataclass(frozen=True)
class Subject:
    """A champion under examination.

    searched: its trial's answers in the search, each by a head that was not fitted on the item; tested: the champion's
    answers on the test split. result: scores, advice, and the fields that earlier pieces of evidence have filled.
    """

    context: SearchContext
    champion: Champion
    searched: Predictions
    tested: Predictions
    result: RunResult
