"""What another process needs to run a trial that the study has given: plain values, which travel as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from autotl.trial import TrialRecord


@dataclass(frozen=True)
class Tuning:
    """What was decided about a fine-tune trial.

    start_from: the trial from whose weights it starts, None for the probe. searched: whether its choices were sampled.
    may_prune: whether it may be pruned. max_seconds: of training one fold. most_folds: None for as many as the time
    allows. first_cycles, first_folds: the values of earlier trials there. best_first_cycle: the trial whose
    predictions after its first cycle it is compared with.
    """

    start_from: int | None = None
    searched: bool = False
    may_prune: bool = False
    max_seconds: float = math.inf
    most_folds: int | None = None
    first_cycles: tuple[float, ...] = ()
    first_folds: tuple[float, ...] = ()
    best_first_cycle: int | None = None


@dataclass(frozen=True)
class TrialTask:
    """A trial that the study has given, with all that was decided about it where the leaderboard is known.

    begun: its record so far, the number and all choices among it; the head's parameters only where it was asked for
        them. whole: it needs its complete score, for it was asked for by name. untimed: no limit of time cuts it short.
    default: the number of the untuned default, None before there is one. rivals: the trials it is compared with, the
        best of each strategy, by number. tuning: of a fine-tune trial.
    """

    begun: TrialRecord
    whole: bool = False
    untimed: bool = False
    default: int | None = None
    rivals: tuple[int, ...] = ()
    tuning: Tuning = field(default_factory=Tuning)

    def to_json(self) -> dict[str, object]:
        """Plain values; None for an infinite time."""
        tuning = {one.name: getattr(self.tuning, one.name) for one in fields(Tuning)}
        if math.isinf(self.tuning.max_seconds):
            tuning["max_seconds"] = None
        return {
            "begun": self.begun.to_json(), "whole": self.whole, "untimed": self.untimed, "default": self.default,
            "rivals": list(self.rivals), "tuning": tuning,
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> TrialTask:
        """The inverse of `to_json`; raises KeyError or TypeError if it is something else."""
        told = document["tuning"]
        tuning: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in told.items()}
        if tuning["max_seconds"] is None:
            tuning["max_seconds"] = math.inf
        return cls(
            TrialRecord.from_json(document["begun"]), document["whole"], document["untimed"], document["default"],
            tuple(document["rivals"]), Tuning(**tuning),
        )  # fmt: skip
