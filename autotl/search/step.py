"""The next step of a search, as the planner decides it."""

from __future__ import annotations

from dataclasses import dataclass, field

from autotl.trial import FINE_TUNE, Params


@dataclass(frozen=True)
class Step:
    """A trial to run.

    overrides: values in place of the defaults of all its parameters; empty where they are sampled, but for those that
    are pinned, by Optuna's keys. message: what to say before it starts.
    """

    overrides: Params = field(default_factory=dict)
    pinned: Params = field(default_factory=dict)
    message: str = ""

    @property
    def samples_fine_tuning(self) -> bool:
        """Whether the choices of a fine-tune trial are to be sampled."""
        return not self.overrides and self.pinned.get("strategy") == FINE_TUNE

    @property
    def is_decided_by_results(self) -> bool:
        """Whether it follows from what the trials before it brought, so that none of them may be in progress."""
        return bool(self.overrides or self.message or self.samples_fine_tuning)
