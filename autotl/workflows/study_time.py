"""How the budget of a study of several targets is shared: what each target gets, and what is reserved for the end."""

from __future__ import annotations

import math

from autotl.runtime.clock import Clock
from autotl.runtime.contention import Contention

JOINT_SECONDS, JOINT_SECONDS_PER_TARGET = 1.5, 0.5
"""The deployable of all targets and the index of their reports take about so long on a quiet machine."""
LEAST_SECONDS = 1.0
"""For a target when the time is used up: its baselines and its conclusion are made all the same."""


class StudyTime:
    """Seconds that a target may take.

    clock: that of the study. n_targets: how many the study has.
    """

    def __init__(self, clock: Clock, n_targets: int, contention: Contention | None = None) -> None:
        self.clock, self._n_targets, self._contention = clock, n_targets, contention or Contention()

    def concluding(self) -> float:
        """Seconds that what answers all targets is expected to take."""
        return (JOINT_SECONDS + JOINT_SECONDS_PER_TARGET * self._n_targets) * self._contention.slowdown()

    def share(self, n_left: int) -> float:
        """What the next of the n_left targets may take of the budget; infinite without a budget."""
        left = self.clock.left()
        return max((left - self.concluding()) / n_left, LEAST_SECONDS) if math.isfinite(left) else math.inf
