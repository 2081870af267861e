"""How long the process in which networks are trained may take for a trial."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from autotl.search.head_deadlines import TRIAL_SHARE
from autotl.search.trial_task import TrialTask
from autotl.trial import PROBE

GRACE_SHARE, LEAST_GRACE_SECONDS, MOST_GRACE_SECONDS = 0.1, 5.0, 60.0
"""A trial ends by itself when its time is gone, and then writes its files. This share of the budget is waited for that,
within these limits."""
SPARE_SECONDS, SPARE_FACTOR = 600.0, 10.0
"""Where no time is set: this factor times what a trial took or is expected to take, and without a budget these seconds
more."""


class TrialDeadlines:
    """Deadlines for trials, and how long those so far took.

    budget_seconds: of the whole run; None for no limit.
    """

    def __init__(self, budget_seconds: float | None) -> None:
        share = GRACE_SHARE * (budget_seconds or math.inf)
        self._grace = min(MOST_GRACE_SECONDS, max(LEAST_GRACE_SECONDS, share))
        self._longest: dict[str, float] = {}

    def took(self, task: TrialTask, seconds: float) -> None:
        """Remember how long a trial took."""
        strategy = task.begun.strategy
        self._longest[strategy] = max(self._longest.get(strategy, 0.0), seconds)

    def for_trial(
        self, task: TrialTask, seconds_left: float, *, n_folds: int, expected: Callable[[], float]
    ) -> Callable[[], float]:
        """Return the seconds left for a trial.

        seconds_left: until the end of the search; infinite if nothing is cut short. n_folds: of the cross-validation.
        expected: what the trial should take.
        """
        began, left, of_fold = time.monotonic(), max(0.0, seconds_left), task.tuning.max_seconds
        if math.isinf(seconds_left):
            limit = SPARE_SECONDS + self._generous(task, expected)
        elif task.untimed:  # of a fine-tune trial the first fold, and what comes before it
            needed = 2 * of_fold if math.isfinite(of_fold) else self._generous(task, expected)
            limit = self._grace + max(left, needed)
        elif task.begun.strategy == PROBE:
            limit = self._grace + TRIAL_SHARE * left
        else:
            folds = min(n_folds, task.tuning.most_folds or n_folds)
            limit = self._grace + min(left, (folds + 1) * of_fold)
        return lambda: limit - (time.monotonic() - began)

    def for_all_targets(self, seconds_left: float, expected: Callable[[], float]) -> Callable[[], float]:
        """Return the seconds left for a joint fine-tune; the arguments are those of `for_trial`."""
        began = time.monotonic()
        no_limit = math.isinf(seconds_left)
        limit = SPARE_SECONDS + SPARE_FACTOR * expected() if no_limit else self._grace + max(0.0, seconds_left)
        return lambda: limit - (time.monotonic() - began)

    def _generous(self, task: TrialTask, expected: Callable[[], float]) -> float:
        return SPARE_FACTOR * max(self._longest.get(task.begun.strategy, 0.0), expected())
