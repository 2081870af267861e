"""What is trained for all targets: a reading that serves all, a head for each, and as deep as the time allows."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from autotl.errors import ConfigError
from autotl.evidence.leaderboard import rank
from autotl.interfaces import ScoreInterval
from autotl.search.joint_plan import JointPlan, Searched, common_reading, plan_jointly
from autotl.trial import FINE_TUNE, PROBE, Reading, Training, TrialRecord

TOP, JOINED = Reading("tiny", (32, 32), "top", "avg"), Reading("tiny", (32, 32), "joined", "avg+max")


@pytest.fixture
def searched(context: Any) -> Any:
    """searched(trial, ..., loss=0.5): a target with these trials."""

    def searched(*trials: TrialRecord, loss: float = 0.5) -> Searched:
        board = rank(trials, objective="accuracy", larger_is_better=True, default=0)
        return Searched(context, board, loss)

    return searched


def probe(number: int, value: float, reading: Reading = TOP, head: str = "logistic", **params: Any) -> TrialRecord:
    score = ScoreInterval(value, value - 0.1, value + 0.1)
    return TrialRecord(number, "complete", PROBE, reading, head, params, score=score)


def test_stages_that_all_targets_read_best_are_read_and_all_stages_where_they_differ(searched: Any) -> None:
    first, alike = searched(probe(0, 0.9)), searched(probe(0, 0.8))
    assert common_reading([first, alike]) == TOP
    other = searched(probe(0, 0.9, replace(TOP, stage="top-1")))
    assert common_reading([first, other]) == JOINED


def test_backbone_and_size_are_those_of_the_target_with_the_largest_loss(searched: Any) -> None:
    large = replace(TOP, size=(48, 48))
    easy, hard = searched(probe(0, 0.9), loss=0.1), searched(probe(0, 0.6, large), loss=0.7)
    assert common_reading([easy, hard]).size == common_reading([hard, easy]).size == (48, 48)


def test_a_head_comes_from_the_best_probe_on_the_reading_that_can_sit_on_a_network(searched: Any) -> None:
    chosen = searched(
        probe(0, 0.9, head="svm"),
        probe(1, 0.8, JOINED, **{"logistic/C": 3.0}),
        probe(2, 0.7, TOP, **{"logistic/C": 5.0}),
    )
    plan = plan_jointly({"a": chosen, "b": searched(probe(0, 0.9))}, seconds_left=math.inf)
    assert isinstance(plan, JointPlan)
    assert plan.heads["a"] == ("logistic", {"logistic/C": 5.0})
    assert JointPlan.from_json(plan.to_json()) == plan


def test_more_time_trains_more_stages_and_too_little_time_none(searched: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    targets = {"a": searched(probe(0, 0.9)), "b": searched(probe(0, 0.9))}
    costs = targets["a"].context.costs
    monkeypatch.setattr(costs, "images_per_second", lambda *_: 20.0)
    depths = costs.step_depths(plan_jointly(targets, seconds_left=math.inf).candidate("a", targets["a"].context))
    found = [plan_jointly(targets, seconds_left=left) for left in (1.0, 60.0, 1e6)]
    assert str(found[0]).startswith("1 s were left, and training a network for all targets takes about ")
    middle, deepest = (plan.training.trainable_stages for plan in found[1:])
    assert middle <= deepest == depths[-1]


def test_no_more_stages_train_than_in_the_best_fine_tune_trial_of_the_hardest_target(searched: Any) -> None:
    score, training = ScoreInterval(0.95, 0.9, 1.0), Training(1, 1e-3, 1e-4, augment=False)
    tuned = TrialRecord(1, "complete", FINE_TUNE, TOP, "logistic", {}, training=training.to_json(), score=score)
    for loss, expected in ((0.9, True), (0.1, False)):
        targets = {"a": searched(probe(0, 0.9), tuned, loss=loss), "b": searched(probe(0, 0.9), loss=0.5)}
        plan = plan_jointly(targets, seconds_left=1e6)
        assert isinstance(plan, JointPlan)
        assert (plan.training.trainable_stages == 1) == expected


def test_without_a_head_that_can_sit_on_a_network_nothing_is_planned(searched: Any) -> None:
    target = searched(probe(0, 0.9))
    bare = replace(target, context=replace(target.context, space=replace(target.context.space, fine_tune_heads=())))
    with pytest.raises(ConfigError, match=r"none of the heads .* can sit on one; add --heads logistic"):
        plan_jointly({"a": bare, "b": bare}, seconds_left=math.inf)
