"""What to try next, and when to stop: decided from the trials so far, what they cost, and the time that is left.

The order is: the untuned default; the readings that a sample recommends; many probes on the best of them; fine-tuning
from the head downwards where it may pay; probes again. Nothing is begun that cannot end in time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from autotl.evidence.leaderboard import Leaderboard, trials_without_gain
from autotl.interfaces import Size
from autotl.search.fine_tune_schedule import FineTuneSchedule
from autotl.search.laboratory import Laboratory
from autotl.search.screening import ReadingScore
from autotl.search.space import Space
from autotl.trial import DEFAULT_HEAD, FINE_TUNE, PROBE, Reading, format_size

PROBE_SHARE = 0.5
"""In auto mode fine-tuning begins at the latest when this share of the time or the trials is used."""
MAX_FEATURE_SHARE = 0.45
"""Reading features for one more backbone or size may take this share of the time left."""
CLEAR_GAIN, GAIN_PER_SHARE = 0.03, 0.3
"""A reading is worth a whole pass where the sample's log loss falls by the first share, and by the second times the
share of the time left that the pass takes: by a tenth for a quarter of the time."""
HEAD_SHARE, NEW_HEAD_SHARE = 0.05, 0.12
"""A head that needs a larger share of the time left for one trial is left alone; one not yet seen may take more."""
TOP_READINGS, ELSEWHERE_SHARE = 4, 0.15
"""Most probes read one of the best readings of the sample; this share looks elsewhere."""
SETTLED_TRIALS = 12
"""Probes have settled when so many in a row brought nothing better."""
PATIENCE_TRIALS = 60
"""After so many trials in a row without anything better, and nothing else to try, a search with a budget ends early."""


@dataclass(frozen=True)
class Limits:
    """When to stop. seconds_left: until the end of the search, infinite without a budget; trials: None for any."""

    seconds_left: Callable[[], float]
    budget_seconds: float | None
    trials: int | None


@dataclass(frozen=True)
class Step:
    """A trial to run: wish, if any, names its parameters; the others are sampled, but for those pinned.

    told: what to tell people before it starts.
    """

    wish: Mapping[str, Any] = field(default_factory=dict)
    pinned: Mapping[str, Any] = field(default_factory=dict)
    told: str = ""


class Planner:
    """Decides; it runs nothing and keeps no trial."""

    def __init__(self, laboratory: Laboratory, space: Space, limits: Limits) -> None:
        self.laboratory = laboratory
        self.space = space
        self.limits = limits
        self.schedule = FineTuneSchedule(laboratory, space, limits.seconds_left, self.probe_cost)
        self.why_no_fine_tuning = ""
        self._rng = np.random.default_rng(laboratory.run.config.seed)

    @property
    def strategies(self) -> tuple[str, ...]:
        """The strategies that this run may use."""
        asked = self.laboratory.run.config.strategy
        return self.space.strategies if asked == "auto" else (asked,)

    def first_overrides(self, ranks: Sequence[ReadingScore]) -> list[dict[str, Any]]:
        """What is worth knowing first: the default head on what the sample recommends, then each other head there."""
        if PROBE not in self.strategies:
            return []
        first = next(iter(self.space.backbones.values()))
        home = (first.name, first.sizes[0])
        wishes: list[dict[str, Any]] = []
        best = {"backbone": home[0], "size": format_size(home[1])}
        if ranks and DEFAULT_HEAD in self.space.heads:
            known = next((rank.log_loss for rank in ranks if _place(rank.reading) == home), np.inf)
            for place in dict.fromkeys(_place(rank.reading) for rank in ranks):
                rank = next(rank for rank in ranks if _place(rank.reading) == place)
                if place == home or not self._pays(rank, known, CLEAR_GAIN):
                    continue
                best = {"backbone": place[0], "size": format_size(place[1])}
                wishes.append({"head": DEFAULT_HEAD, **best})
                break  # the next best waits until this one is known
            affordable = {(home[0], format_size(home[1])), (best["backbone"], best["size"])}
            tops = (r.reading for r in ranks if (r.reading.backbone, format_size(r.reading.size)) in affordable)
            top = next(tops, None)
            if top and (top.stage, top.pooling) != ("joined", "avg+max"):
                wishes.append({"head": DEFAULT_HEAD, **_wish(top)})
        heads = [name for name in self.space.heads if name != DEFAULT_HEAD and self.is_cheap(name)]
        return [{"strategy": PROBE, **wish} for wish in [*wishes, *({"head": name, **best} for name in heads)]]

    def next(
        self, board: Leaderboard, ranks: Sequence[ReadingScore], share_of_trials: float, *, others_tune: bool = False
    ) -> Step | str:
        """The next step, or why there is none; others_tune: another process is fine-tuning at this moment."""
        left = self.limits.seconds_left()
        if share_of_trials >= 1:
            return f"all {self.limits.trials} trials are done"
        if left <= min(self.probe_cost(name) for name in self._heads()):
            return "the time is used up"
        if FINE_TUNE not in self.strategies:
            asked = self.laboratory.run.config.strategy == PROBE
            self.why_no_fine_tuning = (
                "only linear probes were asked for" if asked else "none of the heads can sit on a network that trains"
            )
        waited = trials_without_gain(board.of(PROBE), board.larger_is_better)
        settled = waited >= SETTLED_TRIALS
        if PROBE in self.strategies and settled:
            # The longer nothing better is found, the less a reading has to promise.
            gain = CLEAR_GAIN if waited < PATIENCE_TRIALS / 2 else -0.05
            reading, head = self._worth_reading(board, ranks, gain), self._head_to_read_with()
            if reading and head:
                return Step(wish={"strategy": PROBE, "head": head, **_wish(reading)})
        if FINE_TUNE in self.strategies:
            spent = self._share_spent(left, share_of_trials)
            if settled or spent >= PROBE_SHARE or PROBE not in self.strategies:
                # How deep to go next is known when that trial has ended.
                step = "another process is fine-tuning" if others_tune else self._next_fine_tune_step(board)
                if isinstance(step, Step) or PROBE not in self.strategies:
                    return step
        if self.limits.trials is None and waited >= PATIENCE_TRIALS:
            return f"the last {waited} trials brought nothing better, and more would be unlikely to"
        return Step(pinned={"strategy": PROBE, **self._pinned_reading(board, ranks), **self._pinned_head(board)})

    def _next_fine_tune_step(self, board: Leaderboard) -> Step | str:
        """The next fine-tune trial; or why there is none, which is kept where nothing was fine-tuned before."""
        rung = self.schedule.next(board)
        if isinstance(rung, str):
            if not board.of(FINE_TUNE):
                self.why_no_fine_tuning = rung
            return rung
        candidate, training = rung.candidate, rung.candidate.training
        assert training is not None
        reading = Reading(candidate.backbone, candidate.size, candidate.stage, candidate.pooling)
        wish = {"strategy": FINE_TUNE, "head": candidate.head, **asdict(training), **_wish(reading), **rung.params}
        return Step(wish=wish, told=rung.told)

    def can_read(self, backbone: str, size: Size) -> bool:
        """Whether reading features takes a tolerable share of the time left, if any."""
        return self.laboratory.reading_seconds(backbone, size) <= MAX_FEATURE_SHARE * self.limits.seconds_left()

    def _worth_reading(self, board: Leaderboard, ranks: Sequence[ReadingScore], gain: float) -> Reading | None:
        """A place not yet read whose loss on the sample is lower by a share, if the time allows reading it."""
        best = board.best(PROBE)
        if best is None:
            return None
        known = [r for r in ranks if self.laboratory.has_features(*_place(r.reading))]
        here = min((r.log_loss for r in known), default=np.inf)
        # One that failed once, or could not be afforded, would be so again.
        failed = {(t.backbone, t.size) for t in board.trials if t.state != "complete"}
        places = ((rank, _place(rank.reading)) for rank in ranks)
        unread = (
            rank
            for rank, place in places
            if not self.laboratory.has_features(*place) and (place[0], format_size(place[1])) not in failed
        )
        return next((rank.reading for rank in unread if self._pays(rank, here, gain)), None)

    def _pays(self, rank: ReadingScore, known: float, gain: float) -> bool:
        """Whether a reading promises enough over a known log loss for the time that reading it takes."""
        place = _place(rank.reading)
        share = self.laboratory.reading_seconds(*place) / max(1e-3, self.limits.seconds_left())
        needed = gain + GAIN_PER_SHARE * share
        return self.can_read(*place) and rank.log_loss <= (1 - needed) * known

    def _pinned_reading(self, board: Leaderboard, ranks: Sequence[ReadingScore]) -> dict[str, Any]:
        """One of the best readings by the sample, mostly of where the best probe reads; now and then any stage."""
        places = [(b.name, size) for b in self.space.backbones.values() for size in b.sizes]
        ready = [place for place in places if self.laboratory.has_features(*place)]
        best = board.best(PROBE)
        if not ready:
            return {}
        chosen = next((p for p in ready if best and (p[0], format_size(p[1])) == (best.backbone, best.size)), ready[0])
        if len(ready) > 1 and self._rng.random() < ELSEWHERE_SHARE:
            chosen = ready[self._rng.integers(len(ready))]
        pinned = {"backbone": chosen[0], f"backbone={chosen[0]}/size": format_size(chosen[1])}
        here = [rank.reading for rank in ranks if _place(rank.reading) == chosen][:TOP_READINGS]
        if not here or self._rng.random() < ELSEWHERE_SHARE:
            return pinned
        # The first is twice as likely as the second, and so on.
        chances = 0.5 ** np.arange(len(here))
        reading = here[self._rng.choice(len(here), p=chances / chances.sum())]
        return {**pinned, "stage": reading.stage, "pooling": reading.pooling}

    def _pinned_head(self, board: Leaderboard) -> dict[str, Any]:
        """A head that the time left allows, where it does not allow them all."""
        left = self.limits.seconds_left()
        heads = self._heads()
        cheap = [name for name in heads if self.is_cheap(name) and self.probe_cost(name) <= left]
        if len(cheap) == len(heads):
            return {}
        cheap = cheap or [min(heads, key=self.probe_cost)]
        best = board.best(PROBE)
        favourite = best.head if best and best.head in cheap and self._rng.random() < 0.4 else None
        return {f"strategy={PROBE}/head": favourite or cheap[self._rng.integers(len(cheap))]}

    def _head_to_read_with(self) -> str | None:
        """The head that is tried first where nothing was read before; None where all are recipes, which fix theirs."""
        free = [name for name in self._heads() if name in self.space.heads and not self.space.heads[name].recipe]
        return DEFAULT_HEAD if DEFAULT_HEAD in free else min(free, key=self.probe_cost, default=None)

    def _heads(self) -> list[str]:
        """The heads of the space that any probe may have; the default where there are none."""
        free = [name for name, head in self.space.heads.items() if not (head.recipe and head.recipe.strategy)]
        return free or [DEFAULT_HEAD]

    def probe_cost(self, head: str) -> float:
        """Expected seconds of cross-validating a head."""
        return self.laboratory.probe_cost(head, network=head in self.space.networks)

    def is_cheap(self, head: str) -> bool:
        """Whether one trial of a head takes a small share of the time left; the default head always counts as cheap."""
        share = HEAD_SHARE if self.laboratory.has_seen(head) else NEW_HEAD_SHARE
        return head == DEFAULT_HEAD or self.probe_cost(head) <= share * self.limits.seconds_left()

    def may_try(self, head: str) -> bool:
        """Whether a trial of a head is worth its share of the time left; the cheapest one always is."""
        return self.is_cheap(head) or head == min(self._heads(), key=self.probe_cost)

    def _share_spent(self, left: float, share_of_trials: float) -> float:
        budget = self.limits.budget_seconds
        return max(share_of_trials, 1 - left / budget if budget else 0.0)


def _place(reading: Reading) -> tuple[str, Size]:
    return reading.backbone, reading.size


def _wish(reading: Reading) -> dict[str, Any]:
    return {
        "backbone": reading.backbone, "size": format_size(reading.size),
        "stage": reading.stage, "pooling": reading.pooling,
    }  # fmt: skip
