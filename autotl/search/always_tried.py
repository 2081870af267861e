"""What stands on every leaderboard beside the default: word counts, and each part of pairs alone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from autotl.evidence.leaderboard import Leaderboard
from autotl.search.costs import TrialCosts
from autotl.search.head_choice import HeadChoice
from autotl.search.limits import Limits
from autotl.search.space import Space
from autotl.search.step import Step
from autotl.trial import PROBE, Params, Reading

QUICK_SECONDS = 15.0
"""A reading that takes no longer is tried however little time is left, since the default is compared with it."""


@dataclass(frozen=True)
class AlwaysTried:
    """Decides when each reading that stands on every leaderboard has its first trial."""

    space: Space
    costs: TrialCosts
    limits: Limits
    heads: HeadChoice

    def untried(self, board: Leaderboard) -> list[Reading]:
        """The readings that had no trial yet."""
        tried = {trial.reading.backbone for trial in board.trials if trial.reading}
        return [one for one in self.space.on_every_board() if one.backbone not in tried]

    def overrides(self, reading: Reading) -> Params:
        """Its first trial: the default head, or the first that takes part, on all that the source gives."""
        free = [name for name, head in self.space.heads.items() if head.recipe is None]
        default = self.space.default_head.name
        return {"strategy": PROBE, "head": default if default in free else free[0], **place_overrides(reading)}

    def step(self, board: Leaderboard, begun: Collection[str]) -> Step | None:
        """The first trial of a reading without one, if due. begun: heads that are being tried, or will be next."""
        missing = self.untried(board)
        if not missing:
            return None
        left, cost = self.limits.seconds_left(), self.heads.cost(self.space.default_head.name)
        is_quick = self.costs.reading_seconds(*missing[0].place) + cost <= QUICK_SECONDS
        # Those that were queued come by themselves, as long as there is time.
        is_due = left > 0 and not begun
        is_last = left <= self.heads.least_cost() and is_quick
        return Step(overrides=self.overrides(missing[0])) if is_due or is_last else None


def place_overrides(reading: Reading) -> dict[str, str]:
    """The backbone and the size alone: stage and pooling are the default's."""
    return {key: value for key, value in reading.to_json().items() if key in ("backbone", "size")}
