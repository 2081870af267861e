"""What more time would be likely to buy, from what the time so far has bought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_ORDERS = 200
FEWEST_TRIALS = 10
ERROR_REMOVED, ERROR_SPREAD = 0.03, 0.08
"""The share of the best probe's error that fine-tuning the last one to three stages removed, and how much that differs
from set to set: from -0.15 (digits) and -0.06 (stamps) to 0.07 (clothes) and 0.08 (textile), in five minutes each. The
trials of a run itself soon outweigh it."""
_TRIAL_SPREAD = 0.05


@dataclass(frozen=True)
class Outlook:
    """The gain in the objective that ten times as many probes would be likely to bring, with an 80 % interval.

    What ten times as many brought last time: the best of all trials over the best of a tenth of them, in random orders.
    Gains of a search only shrink, so this errs on the hopeful side.
    """

    gain: float
    low: float
    high: float

    def sentence(self, objective: str) -> str:
        """In words."""
        return (
            f"ten times as many probes would be likely to bring {self.gain:.3f} of {objective} more "
            f"(80 %: {self.low:.3f} to {self.high:.3f})"
        )


def look_ahead(values: Sequence[float], *, larger_is_better: bool) -> Outlook | None:
    """The outlook after some completed probes; None after fewer than ten, which say too little."""
    if len(values) < FEWEST_TRIALS:
        return None
    signed = np.asarray(values) * (1 if larger_is_better else -1)
    rng = np.random.default_rng(0)
    tenth = max(1, round(len(signed) / 10))
    gains = [signed.max() - rng.permutation(signed)[:tenth].max() for _ in range(_ORDERS)]
    # The untuned default is among the first in any search.
    gains = np.minimum(gains, signed.max() - signed[0])
    low, middle, high = np.quantile(gains, [0.1, 0.5, 0.9])
    return Outlook(float(middle), float(low), float(high))


@dataclass(frozen=True)
class Guess:
    """What fine-tuning would be likely to add to the objective, with an 80 % interval, and to cost in seconds."""

    gain: float
    low: float
    high: float
    seconds: float

    def sentence(self, objective: str) -> str:
        """In words."""
        return (
            f"fine-tuning is likely to add {self.gain:+.3f} of {objective} (80 %: {self.low:+.3f} to {self.high:+.3f}) "
            f"for about {self.seconds:.0f} s"
        )


def guess_fine_tuning(best: float, seen: Sequence[float], *, larger_is_better: bool, seconds: float) -> Guess:
    """Guess from the best probe's value and from the values of this run's fine-tune trials so far, if any.

    The share of the error that goes is taken as normal, and each trial seen as a noisy look at it (a conjugate prior).
    """
    error = 1 - best if larger_is_better else best
    sign = 1 if larger_is_better else -1
    shares = [sign * (value - best) / error for value in seen] if error > 0 else []
    precision = 1 / ERROR_SPREAD**2 + len(shares) / _TRIAL_SPREAD**2
    mean = (ERROR_REMOVED / ERROR_SPREAD**2 + sum(shares) / _TRIAL_SPREAD**2) / precision
    spread = 1.28 / precision**0.5
    # Adding 0 makes -0 a 0.
    ends = sorted(sign * error * share + 0.0 for share in (mean - spread, mean + spread))
    return Guess(sign * error * mean + 0.0, ends[0], ends[1], seconds)
