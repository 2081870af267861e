"""Which readings are worth the time, by how a sample of the images scored them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autotl.evidence.leaderboard import Leaderboard
from autotl.interfaces import Size
from autotl.search.costs import TrialCosts
from autotl.search.limits import Limits
from autotl.search.reading_score import ReadingScore
from autotl.search.space import Space
from autotl.trial import PROBE, Reading, format_size

MAX_FEATURE_SHARE = 0.45
"""Reading features for one more backbone or size may take this share of the time left."""
GAIN_PER_SHARE = 0.3
"""A reading is worth a whole pass where the sample's log loss falls by the share that is asked for, and by this times
the share of the time left that the pass takes more: by a tenth for a quarter of the time."""
TOP_READINGS, ELSEWHERE_SHARE = 4, 0.15
"""Most probes read one of the best readings of the sample; this share looks elsewhere."""


class ReadingChoice:
    """Decides by costs and time."""

    def __init__(self, space: Space, costs: TrialCosts, limits: Limits, rng: np.random.Generator) -> None:
        self._space, self._costs, self._limits, self._rng = space, costs, limits, rng

    def can_read(self, backbone: str, size: Size) -> bool:
        """Whether reading features takes a tolerable share of the time left, if any."""
        return self._costs.reading_seconds(backbone, size) <= MAX_FEATURE_SHARE * self._limits.seconds_left()

    def pays(self, score: ReadingScore, known: float, gain: float) -> bool:
        """Whether a reading promises enough over a known log loss for the time that reading it takes."""
        place = score.reading.place
        share = self._costs.reading_seconds(*place) / max(1e-3, self._limits.seconds_left())
        needed = gain + GAIN_PER_SHARE * share
        return self.can_read(*place) and score.log_loss <= (1 - needed) * known

    def unread(self, board: Leaderboard, scores: Sequence[ReadingScore], gain: float) -> Reading | None:
        """The best of a place not yet read whose loss on the sample is lower by a share, if the time allows reading it.

        scores: best first. None before a probe has completed, and where there is no such reading.
        """
        if board.best(PROBE) is None:
            return None
        known = [score for score in scores if self._costs.has_features(*score.reading.place)]
        here = min((score.log_loss for score in known), default=np.inf)
        # One that failed once, or could not be afforded, would be so again.
        failed = {trial.reading.place for trial in board.trials if trial.state != "complete" and trial.reading}
        unread = (
            score
            for score in scores
            if not self._costs.has_features(*score.reading.place) and score.reading.place not in failed
        )
        return next((score.reading for score in unread if self.pays(score, here, gain)), None)

    def pinned(self, board: Leaderboard, scores: Sequence[ReadingScore]) -> dict[str, str]:
        """One of the best readings by the sample, mostly of where the best probe reads; now and then any stage.

        By Optuna's keys; only places whose features have been read.
        """
        places = [(b.name, size) for b in self._space.backbones.values() for size in b.sizes]
        ready = [place for place in places if self._costs.has_features(*place)]
        if not ready:
            return {}
        best = board.best(PROBE)
        chosen = next((p for p in ready if best and best.reading and p == best.reading.place), ready[0])
        if len(ready) > 1 and self._rng.random() < ELSEWHERE_SHARE:
            chosen = ready[self._rng.integers(len(ready))]
        pinned = {"backbone": chosen[0], f"backbone={chosen[0]}/size": format_size(chosen[1])}
        here = [score.reading for score in scores if score.reading.place == chosen][:TOP_READINGS]
        if not here or self._rng.random() < ELSEWHERE_SHARE:
            return pinned
        # The first is twice as likely as the second, and so on.
        chances = 0.5 ** np.arange(len(here))
        reading = here[self._rng.choice(len(here), p=chances / chances.sum())]
        return {**pinned, "stage": reading.stage, "pooling": reading.pooling}
