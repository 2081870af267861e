"""How the budget is shared between the search and what comes after it, as fast as the machine is at the moment.

What the first model took (fitting it, writing it) was measured in this run; what comes after the search is so many
times that, scaled by how much busier the machine has become since.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from autotl.data.split import Split
from autotl.runtime.clock import Clock
from autotl.runtime.contention import Contention

EXPORTS = 2
"""The champion is written before it is tested, and once more with its scores."""
CLOSING_EXPORTS, LEAST_CLOSING_SECONDS = 2.5, 1.5
"""Report, panels, registry and the end of the process take so many times what writing a model takes, or at least so
long."""
PANELS_SHARE = 0.4
"""Of that, for the panels, which may be left out."""
EVIDENCE_SHARE, MOST_EVIDENCE_SECONDS = 0.08, 20.0
"""Share of the budget reserved for evidence beyond the scores, and its limit, enough for a few thousand images."""
UNKNOWN_EXPORT_SECONDS = 1.0
"""Writing a model, until one has been written."""
SECONDS_PER_ITEM = 0.0005
"""Of the conclusion: some hundred calls for the interval of every score of three sets of predictions."""
QUIET_THREADS = 0.3
"""While others want less than this share of a core, the machine counts as this program's own."""


@dataclass(frozen=True)
class Written:
    """What writing a model took, and how many threads of others ran meanwhile."""

    seconds: float
    threads: float


class SearchTime:
    """Seconds that the search may take.

    champion_seconds: what fitting the champion again, and asking it, is expected to take; 0 until known.
    enforced: whether trials have to end in time; the baselines, without which there is nothing to show, and the
    conclusion do not.
    """

    def __init__(self, clock: Clock, split: Split, contention: Contention | None = None) -> None:
        self._clock, self._contention = clock, contention or Contention()
        self._evaluating = SECONDS_PER_ITEM * (len(split.development) + 2 * len(split.test))
        self._written: Written | None = None
        self.champion_seconds = 0.0
        self.enforced = False

    def learn_export(self, seconds: float) -> None:
        """Take note of what writing a model has just taken; 0 where none was written."""
        if seconds:
            self._written = Written(seconds, self._contention.threads())

    def concluding(self) -> float:
        """Seconds that the conclusion would take from now on."""
        evaluating = self._evaluating * self._contention.slowdown()
        return EXPORTS * self._export() + self._closing() + evaluating + self.champion_seconds + self._evidence()

    def left(self) -> float:
        """Of the budget, less what the conclusion is expected to take; infinite without a budget."""
        return self._clock.left() - self.concluding() if self._clock.budget_seconds is not None else math.inf

    def for_panels(self) -> float:
        """Seconds until the model has to be written with its scores; infinite without a budget."""
        return self._clock.left() - self._export() - (1 - PANELS_SHARE) * self._closing()

    def for_trials(self) -> float:
        """The same, but infinite while it is not enforced."""
        return self.left() if self.enforced else math.inf

    def _evidence(self) -> float:
        """Seconds reserved for evidence."""
        return min(EVIDENCE_SHARE * (self._clock.budget_seconds or math.inf), MOST_EVIDENCE_SECONDS)

    def _export(self) -> float:
        """Seconds of writing a model."""
        written = self._written
        return (
            written.seconds * self._busier_than(written)
            if written
            else UNKNOWN_EXPORT_SECONDS * self._contention.slowdown()
        )

    def _closing(self) -> float:
        return max(LEAST_CLOSING_SECONDS * self._contention.slowdown(), CLOSING_EXPORTS * self._export())

    def _busier_than(self, written: Written) -> float:
        """How many times longer one thread takes now than when the model was written.

        A little less of others does not count as less: what they take is known only roughly while they take much.
        """
        now = self._contention.threads()
        before = self._contention.slowdown_by(written.threads)
        ratio = self._contention.slowdown_by(now) / before
        return ratio if now < QUIET_THREADS else max(1.0, ratio)
