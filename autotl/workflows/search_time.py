"""How the budget is shared between the search and what comes after it."""

from __future__ import annotations

import math

from autotl.data.split import Split
from autotl.runtime.clock import Clock

CLOSING_SECONDS = 3.0
"""Report, evidence, registry and the end of the process; refit and export, which are measured, come on top."""
SECONDS_PER_ITEM = 0.0007
"""Of the conclusion: some hundred calls for the interval of every score of three sets of predictions."""
CONCLUDING_EXPORTS = 3
"""The conclusion takes about so many times what refitting and exporting the default took."""


class SearchTime:
    """Seconds that the search may take.

    export_seconds: what refitting and exporting the default took; champion_seconds: what fitting the champion again is
    expected to take; 0 until known. enforced: whether trials have to end in time; the baselines, without which there is
    nothing to show, and the conclusion do not.
    """

    def __init__(self, clock: Clock, split: Split) -> None:
        self._clock = clock
        self._closing = CLOSING_SECONDS + SECONDS_PER_ITEM * (len(split.development) + 2 * len(split.test))
        self.export_seconds = 0.0
        self.champion_seconds = 0.0
        self.enforced = False

    def left(self) -> float:
        """Of the budget, less what the conclusion is expected to take; infinite without a budget."""
        concluding = self._closing + CONCLUDING_EXPORTS * self.export_seconds + self.champion_seconds
        return self._clock.left() - concluding

    def for_trials(self) -> float:
        """The same, but infinite while it is not enforced."""
        return self.left() if self.enforced else math.inf
