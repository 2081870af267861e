"""Joint training is said to help only where the whole interval says so, and the test does not contradict."""

from __future__ import annotations

import math
from typing import Any

import pytest

from autotl.evidence.joint_verdicts import MARGIN, judge_joint
from autotl.runs.joint_result import JointVerdict
from autotl.scores import ScoreInterval


def judged(difference: ScoreInterval, **options: Any) -> JointVerdict:
    own = {"objective": "accuracy", "larger_is_better": True, "has_bounds": True, "seconds": 190.0, "n_items": 320}
    return judge_joint("garment", difference, **(own | options))


@pytest.mark.parametrize(
    ("low", "high", "decision"),
    [
        (0.01, 0.05, "better"), (-0.05, -0.01, "worse"), (-MARGIN / 2, 0.02, "no worse"), (-0.03, 0.05, "not decided"),
        (math.nan, math.nan, "not decided"),
    ],
)  # fmt: skip
def test_the_interval_decides(low: float, high: float, decision: str) -> None:
    found = judged(ScoreInterval(0.0 if math.isnan(low) else (low + high) / 2, low, high))
    assert found.decision == decision
    assert found.claim.startswith("garment: ")
    assert found.claim.endswith("; it took 3m10s for all targets")


def test_of_a_loss_less_is_better_and_no_margin_is_known() -> None:
    loss = {"objective": "log_loss", "larger_is_better": False, "has_bounds": False}
    assert judged(ScoreInterval(-0.2, -0.3, -0.1), **loss).decision == "better"
    assert judged(ScoreInterval(0.2, 0.1, 0.3), **loss).decision == "worse"
    assert judged(ScoreInterval(0.0, -0.001, 0.001), **loss).decision == "not decided"


def test_what_the_test_contradicts_is_not_claimed() -> None:
    better = ScoreInterval(0.03, 0.01, 0.05)
    confirmed = judged(better, tested=ScoreInterval(0.01, -0.02, 0.04))
    assert confirmed.decision == "better"
    assert "+3.0 points of accuracy (95 % CI +1.0 to +5.0); on the test split +1.0 points" in confirmed.claim
    refuted = judged(better, tested=ScoreInterval(-0.01, -0.04, 0.02))
    assert refuted.decision == "not decided"
    assert "looked better in the search" in refuted.claim
    assert "not on the test split: -1.0 points" in refuted.claim
    loss = {"objective": "log_loss", "larger_is_better": False, "has_bounds": False}
    same = judged(ScoreInterval(-0.2, -0.3, -0.1), tested=ScoreInterval(0.0, -0.1, 0.1), **loss)
    assert same.decision == "not decided"
