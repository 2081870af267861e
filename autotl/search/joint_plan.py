"""What a joint fine-tune trains: one reading for all targets, a head for each, and how deep the time allows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from autotl.errors import ConfigError
from autotl.evidence.leaderboard import Leaderboard
from autotl.interfaces import Head
from autotl.search.context import SearchContext
from autotl.search.fine_tune_cost import Estimate
from autotl.search.fine_tune_schedule import FEWEST_EPOCHS, SETUP_SECONDS, probe_on_network
from autotl.trial import (
    FINE_TUNE,
    LEARNING_RATE,
    POOLINGS,
    PROBE,
    STAGES,
    WEIGHT_DECAY,
    Candidate,
    Params,
    Reading,
    Training,
    TrialRecord,
)


@dataclass(frozen=True)
class Searched:
    """A target whose own search is complete.

    loss: the log loss of its champion on items that it was not fitted on, as a share of that of guessing.
    """

    context: SearchContext
    board: Leaderboard
    loss: float


@dataclass(frozen=True)
class JointPlan:
    """reading, training: of the network; heads: of each target, by name, with the parameters of the head."""

    reading: Reading
    training: Training
    heads: Mapping[str, tuple[str, Params]]

    def candidate(self, name: str, context: SearchContext) -> Candidate:
        """What is trained for a target. context: of its run."""
        head = context.plugins.pick(Head, self.heads[name][0])
        return Candidate(FINE_TUNE, context.space.backbone(self.reading.backbone), self.reading, head, self.training)

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        heads = {name: {"head": head, "params": dict(params)} for name, (head, params) in self.heads.items()}
        return {"reading": self.reading.to_json(), "training": {**self.training.to_json()}, "heads": heads}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> JointPlan:
        """Read what `to_json` returned."""
        reading = Reading.from_json(document["reading"])
        assert reading is not None
        heads = {name: (one["head"], one["params"]) for name, one in document["heads"].items()}
        return cls(reading, Training.from_json(document["training"]), heads)


def plan_jointly(targets: Mapping[str, Searched], *, seconds_left: float) -> JointPlan | str:
    """Choose what is trained; returns why nothing is, where the time does not suffice.

    Backbone and size are those of the target with the largest loss; the stages are those that all targets read best,
    or where they differ all stages. As many stages train as the time allows in all folds, or else in one, but no more
    than in the best fine-tune trial of that target; where it has none and the time is not limited, those that hold a
    third of the network's computations. Raises ConfigError if a target has no head that can sit on a network.
    """
    reading = common_reading(list(targets.values()))
    heads = {name: _head(name, target, reading) for name, target in targets.items()}
    plan = JointPlan(reading, Training(1, LEARNING_RATE, WEIGHT_DECAY, augment=False), heads)
    name, largest = max(targets.items(), key=lambda item: len(item[1].context.run.split.development))
    candidate = plan.candidate(name, largest.context)
    largest.context.inputs.get(candidate)  # so that reading its features is no longer to be paid
    depths = _depths(largest.context, candidate, max(targets.values(), key=lambda one: one.loss), seconds_left)
    tuned = [trial for target in targets.values() for trial in target.board.of(FINE_TUNE)]
    depth = _affordable(largest.context, candidate, depths, tuned, n_targets=len(targets), left=seconds_left)
    return depth if isinstance(depth, str) else replace(plan, training=replace(plan.training, trainable_stages=depth))


def expected_seconds(plan: JointPlan, contexts: Mapping[str, SearchContext]) -> float:
    """What training all folds should take. contexts: of the runs of all targets, by name."""
    name, context = max(contexts.items(), key=lambda item: len(item[1].run.split.development))
    estimate = context.costs.fine_tune_seconds(plan.candidate(name, context))
    n_epochs = context.run.split.n_folds * estimate.n_epochs
    return len(contexts) * SETUP_SECONDS + _seconds(estimate, n_epochs)


def common_reading(targets: Sequence[Searched]) -> Reading:
    """The reading that serves all targets: see `plan_jointly`."""
    space = targets[0].context.space
    found = [
        (target.loss, best.reading)
        for target in targets
        if (best := probe_on_network(target.board, target.context.space.tunable)) and best.reading
    ]
    if not found:
        default = space.on_network(replace(space.default(), strategy=FINE_TUNE))
        return default.reading
    _, hardest = max(found, key=lambda one: one[0])
    alike = {(reading.stage, reading.pooling) for _, reading in found}
    return hardest if len(alike) == 1 else replace(hardest, stage=STAGES[0], pooling=POOLINGS[0])


def _head(name: str, target: Searched, reading: Reading) -> tuple[str, Params]:
    """The best head on the reading that can sit on a network, else the best on any, with its parameters."""
    able = target.context.space.fine_tune_heads
    probes = [trial for trial in target.board.completed if trial.strategy == PROBE and trial.head in able]
    for trial in sorted(probes, key=lambda one: one.reading != reading):
        return trial.head, trial.params
    if not able:
        raise ConfigError(
            f"no network can be trained for all targets: none of the heads {', '.join(target.context.space.heads)} of "
            f"{name!r} can sit on one; add --heads logistic, or leave out --joint"
        )
    return able[0], {}


def _depths(context: SearchContext, candidate: Candidate, hardest: Searched, left: float) -> Sequence[int]:
    """How many stages may train, shallow to deep."""
    steps, best = context.costs.step_depths(candidate), hardest.board.best(FINE_TUNE)
    if best:
        return [depth for depth in steps if depth <= best.training["trainable_stages"]] or steps[:1]
    return steps[: len(steps) // 2 + 1] if math.isinf(left) else steps


def _affordable(
    context: SearchContext, candidate: Candidate, depths: Sequence[int], tuned: Sequence[TrialRecord], *,
    n_targets: int, left: float,
) -> int | str:  # fmt: skip
    """How many stages train in the time that is left, or why none can."""
    assert candidate.training is not None
    first_training, setup, n_folds = candidate.training, n_targets * SETUP_SECONDS, context.run.split.n_folds

    def estimate(depth: int) -> Estimate:
        training = replace(first_training, trainable_stages=depth)
        return context.costs.fine_tune_seconds(replace(candidate, training=training), tuned)

    known = {depth: estimate(depth) for depth in depths}
    for n in (n_folds, 1):
        if fitting := [depth for depth, one in known.items() if setup + _seconds(one, n * one.n_epochs) <= left]:
            return fitting[-1]
    first = known[depths[0]]
    least = setup + _seconds(first, max(FEWEST_EPOCHS, first.n_epochs // 2))
    if least <= left:
        return depths[0]
    return f"{max(0.0, left):.0f} s were left, and training a network for all targets takes about {least:.0f} s"


def _seconds(estimate: Estimate, n_epochs: int) -> float:
    return estimate.seconds(n_epochs, filled=False, augment=False)
