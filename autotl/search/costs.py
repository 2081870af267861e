"""What the planner asks about the costs of trials before they start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from autotl.interfaces import Size
from autotl.search.fine_tune_cost import Estimate
from autotl.trial import Candidate, TrialRecord


class TrialCosts(Protocol):
    """Expected costs in seconds; backbones and heads by their names."""

    def has_features(self, backbone: str, size: Size) -> bool:
        """Whether the features of every item have been read."""

    def reading_seconds(self, backbone: str, size: Size) -> float:
        """Of reading the features of every item; 0 where that is done."""

    def has_seen(self, head: str) -> bool:
        """Whether the head has been cross-validated before."""

    def probe_cost(self, head: str, *, network: bool = False) -> float:
        """Of cross-validating a head whose features are read; network: it is a Keras model."""

    def fit_cost(self, head: str, *, network: bool = False) -> float:
        """Of fitting a head once."""

    def fine_tune_seconds(self, candidate: Candidate, measured: Sequence[TrialRecord] = ()) -> Estimate:
        """Of a fine-tune trial; measured: earlier trials of this run, of which those on the same network count."""

    def step_depths(self, candidate: Candidate) -> tuple[int, ...]:
        """How many stages to train, one after the other, above the candidate's reading."""
