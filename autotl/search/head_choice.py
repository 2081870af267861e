"""Which heads the time that is left allows, and which are not tried any more."""

from __future__ import annotations

import numpy as np

from autotl.evidence.leaderboard import Leaderboard
from autotl.interfaces import Head
from autotl.search.costs import TrialCosts
from autotl.search.limits import Limits
from autotl.search.lost_trials import TRIED_AGAIN
from autotl.search.space import Space
from autotl.trial import FINE_TUNE, PROBE, TrialRecord

HEAD_SHARE, NEW_HEAD_SHARE = 0.05, 0.12
"""A head that needs a larger share of the time left for one trial is left alone; one not yet seen may take more."""
_FAVOURITE_SHARE = 0.4
MAX_FAILURES, MAX_CRASHES = 3, 2
"""A head is dropped after so many trials in a row that failed or could not be afforded, and after so many that ended a
process: the next ones would do the same."""


class HeadChoice:
    """Decides by costs and time; heads are named.

    dropped: why heads are not tried any more, as `look` has found.
    """

    def __init__(self, space: Space, costs: TrialCosts, limits: Limits, rng: np.random.Generator) -> None:
        self._space, self._costs, self._limits, self._rng = space, costs, limits, rng
        self.dropped: dict[str, str] = {}

    def look(self, board: Leaderboard) -> None:
        """Drop the heads whose next trial would only repeat earlier results."""
        for name, head in self._space.heads.items():
            own = sorted((t for t in board.trials if t.head == name), key=lambda trial: trial.number)
            why = _why_dropped(own)
            if not why and head.recipe and any(t.state == "complete" and _leaves_nothing_open(t, head) for t in own):
                why = "it has been run, and leaves nothing to search"
            if why:
                self.dropped[name] = why

    @property
    def are_all_dropped(self) -> bool:
        """Whether no head is left to be tried."""
        return set(self._space.heads) <= set(self.dropped)

    def names(self) -> list[str]:
        """The heads of the space that any probe may have; the default where there are none."""
        free = [name for name, head in self._space.heads.items() if not (head.recipe and head.recipe.strategy)]
        return [name for name in free if name not in self.dropped] or [self._space.default_head.name]

    def cost(self, head: str) -> float:
        """Expected seconds of cross-validating a head."""
        return self._costs.probe_cost(head, network=head in self._space.networks)

    def least_cost(self) -> float:
        """Of the cheapest one."""
        return min(self.cost(head) for head in self.names())

    def is_cheap(self, head: str) -> bool:
        """Whether one trial of a head takes a small share of the time left; the default head always counts as cheap."""
        share = HEAD_SHARE if self._costs.has_seen(head) else NEW_HEAD_SHARE
        return head == self._space.default_head.name or self.cost(head) <= share * self._limits.seconds_left()

    def may_try(self, head: str) -> bool:
        """Whether a trial of a head is worth its share of the time left; the cheapest one always is."""
        return self.is_cheap(head) or head == min(self.names(), key=self.cost)

    def to_read_with(self) -> str | None:
        """The head that is tried first on a new reading; None if all are recipes, which fix theirs."""
        free = [name for name in self.names() if name in self._space.heads and not self._space.heads[name].recipe]
        default = self._space.default_head.name
        return default if default in free else min(free, key=self.cost, default=None)

    def pinned(self, board: Leaderboard) -> dict[str, str]:
        """A head that the time left allows, where it does not allow them all, by Optuna's key."""
        left, heads = self._limits.seconds_left(), self.names()
        if self.dropped:  # the default may stand in where only recipes are left
            alive = [name for name in self._space.heads if name not in self.dropped]
            heads = [name for name in heads if name in alive] or alive
        cheap = [name for name in heads if self.is_cheap(name) and self.cost(name) <= left]
        if len(cheap) == len(heads) and not self.dropped:
            return {}
        cheap = cheap or [min(heads, key=self.cost)]
        best = board.best(PROBE)
        favourite = best.head if best and best.head in cheap and self._rng.random() < _FAVOURITE_SHARE else None
        return {f"strategy={PROBE}/head": favourite or cheap[self._rng.integers(len(cheap))]}


def _why_dropped(trials: list[TrialRecord]) -> str:
    """Why a head with these trials, in their order, is not tried any more; empty where it may be."""
    # A trial that is lost for the first time may have been lost with its machine.
    trials = [trial for trial in trials if trial.cause != "lost" or TRIED_AGAIN not in trial.reason]
    if any(trial.cause == "export" for trial in trials):
        return "it cannot be exported"
    since = next((i for i, trial in enumerate(reversed(trials)) if trial.state == "complete"), len(trials))
    # The network may have ended those that were fine-tuned; see `FineTuneSearch`.
    probes = [trial for trial in trials[len(trials) - since :] if trial.strategy != FINE_TUNE]
    crashes = [trial for trial in probes if trial.cause in ("crash", "lost")]
    if len(crashes) >= MAX_CRASHES:
        return f"{len(crashes)} of its trials ended their process, or did not end by themselves"
    latest = trials[-MAX_FAILURES:]
    if len(latest) == MAX_FAILURES and all(t.state == "failed" or t.cause in ("obstacle", "time") for t in latest):
        return f"its last {MAX_FAILURES} trials failed or could not be afforded"
    return ""


def _leaves_nothing_open(trial: TrialRecord, head: Head) -> bool:
    """Whether another trial of a recipe would be the same again."""
    recipe = head.recipe
    assert recipe is not None
    fixed = (recipe.strategy, recipe.backbone, recipe.size, recipe.stage, recipe.pooling)
    return trial.strategy == PROBE and not trial.params and all(choice is not None for choice in fixed)
