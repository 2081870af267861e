"""Judging from a paired difference whether training one network for several targets helps one of them."""

from __future__ import annotations

from autotl.evidence.verdicts import in_words, is_better, is_worse
from autotl.interfaces import ScoreInterval
from autotl.runs.joint_result import Decision, JointVerdict
from autotl.runtime.durations import duration

MARGIN = 0.01
"""The non-inferiority margin, one point: "no worse" is said if the interval excludes a larger loss. It is for scores
from 0 to 1, or from -1 to 1, that are better when larger; of others only "better" and "worse" are said."""


def judge_joint(
    name: str,
    difference: ScoreInterval,
    *,
    objective: str,
    larger_is_better: bool,
    has_bounds: bool,
    seconds: float,
    n_items: int,
    tested: ScoreInterval | None = None,
) -> JointVerdict:
    """Say whether joint training is better for a target than its own champion, with the paired interval and its cost.

    difference: the joint network minus the champion, on n_items images of the search. has_bounds: whether the objective
    is a share, in points. seconds: of the joint training of all targets. tested: the same difference on the test split,
    where it is known: what it contradicts is not claimed.
    """

    def words(found: ScoreInterval) -> str:
        return in_words(found, objective, larger_is_better=larger_is_better)

    decision = decide(difference, larger_is_better=larger_is_better, has_bounds=has_bounds)
    amount, cost, sign = words(difference), duration(seconds), 1 if larger_is_better else -1
    if decision == "better" and tested is not None and not sign * tested.value > 0:
        decision = "not decided"
        claim = f"joint training looked better in the search, {amount}, and not on the test split: {words(tested)}"
    elif decision == "better":
        on_test = f"; on the test split {words(tested)}" if tested else ""
        claim = f"joint training is better than its own champion by {amount}{on_test}"
    elif decision == "worse":
        claim = f"joint training is worse than its own champion: {amount}"
    elif decision == "no worse":
        claim = f"joint training is no worse than its own champion, within {100 * MARGIN:.0f} point: {amount}"
    else:
        claim = f"whether joint training helps is not decided: {amount}"
    return JointVerdict(decision, f"{name}: {claim}; it took {cost} for all targets", difference, tested, n_items)


def decide(difference: ScoreInterval, *, larger_is_better: bool, has_bounds: bool) -> Decision:
    """What the interval of a difference allows to say."""
    if not difference.has_interval:
        return "not decided"
    if is_better(difference, larger_is_better):
        return "better"
    if is_worse(difference, larger_is_better):
        return "worse"
    return "no worse" if has_bounds and larger_is_better and difference.low > -MARGIN else "not decided"
