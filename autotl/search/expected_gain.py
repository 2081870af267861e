"""The gain to expect from more trials or from fine-tuning, estimated from the results so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autotl.interfaces import ScoreInterval

_ORDERS = 200
FEWEST_TRIALS = 10
ERROR_REMOVED, ERROR_SPREAD = 0.2, 0.35
"""The share of the error that one more step of fine-tuning removed, and how much that differs: from -0.3 (drawings) and
0.0 to 0.3 (cloth, clothes) to 0.9 (cloth, two thirds of the network)."""


def expect_gain(values: Sequence[float], *, larger_is_better: bool) -> ScoreInterval | None:
    """The gain in the objective to expect from ten times as many probes, with an 80 % interval; never negative.

    What ten times as many brought last time: the best of all trials over the best of a tenth of them, in random orders.
    Gains of a search only shrink, so this errs on the hopeful side. None after fewer than ten completed probes, which
    say too little.
    """
    if len(values) < FEWEST_TRIALS:
        return None
    signed = np.asarray(values) * (1 if larger_is_better else -1)
    rng = np.random.default_rng(0)
    tenth = max(1, round(len(signed) / 10))
    gains = [signed.max() - rng.permutation(signed)[:tenth].max() for _ in range(_ORDERS)]
    # The untuned default is among the first in any search.
    gains = np.minimum(gains, signed.max() - signed[0])
    low, middle, high = np.quantile(gains, [0.1, 0.5, 0.9])
    return ScoreInterval(float(middle), float(low), float(high))


def gain_sentence(gain: ScoreInterval, objective: str) -> str:
    """What `expect_gain` found, in words."""
    return (
        f"ten times as many probes would probably improve {objective} by {gain.value:.3f} "
        f"(80 %: {gain.low:.3f} to {gain.high:.3f})"
    )


@dataclass(frozen=True)
class FineTuneGain:
    """The change in the objective to expect from fine-tuning, with an 80 % interval, and its cost in seconds."""

    gain: ScoreInterval
    seconds: float

    def sentence(self, objective: str) -> str:
        """In words."""
        return (
            f"fine-tuning may change {objective} by {self.gain.value:+.3f} "
            f"(80 %: {self.gain.low:+.3f} to {self.gain.high:+.3f}) for about {self.seconds:.0f} s"
        )


def expect_fine_tune_gain(best: float, start: float, *, larger_is_better: bool, seconds: float) -> FineTuneGain:
    """Guess what a fine-tune trial would add to the best value from the value of what it starts from.

    The share of the error that goes is taken as normal.
    """
    sign = 1 if larger_is_better else -1
    error = max(0.0, 1 - start if larger_is_better else start)
    shares = (ERROR_REMOVED - 1.28 * ERROR_SPREAD, ERROR_REMOVED, ERROR_REMOVED + 1.28 * ERROR_SPREAD)
    low, middle, high = sorted(start - best + sign * error * share for share in shares)
    return FineTuneGain(ScoreInterval(middle, low, high), seconds)
