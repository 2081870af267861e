"""Judging from paired differences whether fine-tuning paid, and whether the champion beats the untuned default."""

from __future__ import annotations

import math
from collections.abc import Sequence

from autotl.interfaces import ScoreInterval
from autotl.runs.verdicts import DefaultVerdict, FineTuningVerdict
from autotl.runtime.durations import duration
from autotl.trial import TrialRecord


def judge_fine_tuning(
    difference: ScoreInterval | None,
    trial: TrialRecord | None,
    *,
    objective: str,
    larger_is_better: bool,
    reason: str,
    clear: bool = True,
    tested: ScoreInterval | None = None,
    n_items: int = 0,
) -> FineTuningVerdict:
    """Say whether fine-tuning pays, with the paired interval and its cost; or why that is not known.

    difference: the best fine-tune trial minus the best of the others, on n_items images of the search. reason: why none
    was tried. clear: whether it is better at the level that allows for the number of fine-tune trials. tested: the
    same difference on the test split, where it is known: what it contradicts is not claimed.
    """
    if difference is None or trial is None:
        return FineTuningVerdict(f"fine-tuning was not tried: {reason}")
    better, worse = is_better(difference, larger_is_better), is_worse(difference, larger_is_better)
    sign = 1 if larger_is_better else -1
    contradicted = tested is not None and not sign * tested.value > 0
    pays = better and clear and not contradicted
    cost = duration(trial.seconds)
    amount = in_words(difference, objective, larger_is_better=larger_is_better)
    if pays:
        claim = f"fine-tuning buys {amount} for {cost}"
    elif better and clear and tested is not None:
        on_test = in_words(tested, objective, larger_is_better=larger_is_better)
        claim = f"fine-tuning for {cost} looked better in the search, {amount}, and not on the test split: {on_test}"
    elif better:
        claim = (
            f"fine-tuning for {cost} looked better, {amount}, but not beyond doubt for the best of several attempts; "
            "the frozen backbone is enough"
        )
    elif worse:
        claim = f"fine-tuning costs {cost} and is worse: {amount}; the frozen backbone is enough here"
    else:
        claim = (
            f"fine-tuning for {cost} made no statistically significant difference: {amount}; "
            "the frozen backbone is enough"
        )
    return FineTuningVerdict(claim, difference, trial.seconds, trial.number, pays, tested, n_items)


def judge_default(
    difference: ScoreInterval | None, *, objective: str, larger_is_better: bool, n_others: int,
    passed_over: Sequence[str] = (), searched: ScoreInterval | None = None,
) -> DefaultVerdict:  # fmt: skip
    """Say whether the search beat the untuned default on the test split.

    difference: None if the default is champion. n_others: how many other trials there were. passed_over: why better
    trials could not be the champion. searched: the difference in the search.
    """
    if difference is None and passed_over:
        count = "a better trial was" if len(passed_over) == 1 else f"{len(passed_over)} better trials were"
        claim = f"the untuned default is the champion because {count} passed over: {passed_over[0]}"
        return DefaultVerdict(claim, searched=searched)
    if difference is None:
        why = "nothing that was tried did clearly better" if n_others else "nothing else was tried"
        return DefaultVerdict(f"the untuned default is the champion: {why}", searched=searched)
    better, worse = is_better(difference, larger_is_better), is_worse(difference, larger_is_better)
    amount = in_words(difference, objective, larger_is_better=larger_is_better)
    if better:
        claim = f"the champion beats the untuned default by {amount}"
    elif worse:
        claim = f"the champion is worse than the untuned default on the test split: {amount}"
    else:
        claim = f"the champion is statistically indistinguishable from the untuned default on the test split: {amount}"
    return DefaultVerdict(claim, difference, better, searched)


def is_better(difference: ScoreInterval, larger_is_better: bool) -> bool:
    """Whether the whole interval is on the good side of 0."""
    return difference.low > 0 if larger_is_better else difference.high < 0


def is_worse(difference: ScoreInterval, larger_is_better: bool) -> bool:
    """Whether the whole interval is on the bad side of 0."""
    return is_better(difference, not larger_is_better)


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
