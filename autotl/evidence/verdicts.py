"""Judging from paired differences whether fine-tuning paid, and whether the champion beats the untuned default."""

from __future__ import annotations

import math
from collections.abc import Sequence

from autotl.interfaces import ScoreInterval
from autotl.runs.verdicts import DefaultVerdict, FineTuningVerdict
from autotl.trial import TrialRecord


def judge_fine_tuning(
    difference: ScoreInterval | None, trial: TrialRecord | None, *, objective: str, larger_is_better: bool, reason: str
) -> FineTuningVerdict:
    """Say whether fine-tuning pays, with the paired interval and its cost; or why that is not known.

    difference: the best fine-tune trial minus the best probe on the validation split; reason: why none was tried.
    """
    if difference is None or trial is None:
        return FineTuningVerdict(f"fine-tuning was not tried: {reason}")
    pays = difference.low > 0 if larger_is_better else difference.high < 0
    hurts = difference.high < 0 if larger_is_better else difference.low > 0
    cost = _duration(trial.seconds)
    amount = in_words(difference, objective, larger_is_better=larger_is_better)
    if pays:
        claim = f"fine-tuning buys {amount} for {cost}"
    elif hurts:
        claim = f"fine-tuning costs {cost} and is worse: {amount}; the frozen backbone is enough here"
    else:
        claim = (
            f"fine-tuning for {cost} made no statistically significant difference: {amount}; "
            "the frozen backbone is enough"
        )
    return FineTuningVerdict(claim, difference, trial.seconds, trial.number, pays)


def judge_default(
    difference: ScoreInterval | None, *, objective: str, larger_is_better: bool, n_others: int,
    passed_over: Sequence[str] = (),
) -> DefaultVerdict:  # fmt: skip
    """Say whether the search beat the untuned default on the test split.

    difference: None where the default is champion. n_others: how many other trials there were. passed_over: why better
        trials could not be the champion.
    """
    if difference is None and passed_over:
        count = "a better trial was" if len(passed_over) == 1 else f"{len(passed_over)} better trials were"
        return DefaultVerdict(f"the untuned default is the champion because {count} passed over: {passed_over[0]}")
    if difference is None:
        why = "nothing that was tried did better" if n_others else "nothing else was tried"
        return DefaultVerdict(f"the untuned default is the champion: {why}")
    better, worse = difference.low > 0, difference.high < 0
    if not larger_is_better:
        better, worse = worse, better
    amount = in_words(difference, objective, larger_is_better=larger_is_better)
    if better:
        claim = f"the champion beats the untuned default by {amount}"
    elif worse:
        claim = f"the champion is worse than the untuned default on the test split: {amount}"
    else:
        claim = f"the champion is statistically indistinguishable from the untuned default on the test split: {amount}"
    return DefaultVerdict(claim, difference, better)


def in_words(difference: ScoreInterval, objective: str, *, larger_is_better: bool) -> str:
    """A difference with its interval; shares in points (hundredths), losses as they are."""
    if not math.isfinite(difference.low):
        return f"{difference.value:+.3f} {objective} (no interval: too few independent images)"
    if not larger_is_better:
        return f"{difference.value:+.3f} {objective} (95 % CI {difference.low:+.3f} to {difference.high:+.3f})"
    value, low, high = (100 * x for x in (difference.value, difference.low, difference.high))
    if not low and not high:  # an interval of no width would read as a certainty
        return f"+0.0 points of {objective} (both are right about the same images)"
    return f"{value:+.1f} points of {objective} (95 % CI {low:+.1f} to {high:+.1f})"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} minutes"
