"""The next step of a search, or why it ends: from the trials so far, what they cost, and the time that is left.

The order is: the untuned default; the readings that a sample recommends; many probes on the best of them; fine-tuning
from the head downwards where it may pay; then probes and fine-tune trials with sampled choices in turns. Nothing is
begun that cannot end in time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from autotl.evidence.leaderboard import Leaderboard, trials_without_gain
from autotl.search.always_tried import AlwaysTried, place_overrides
from autotl.search.costs import TrialCosts
from autotl.search.fine_tune_schedule import FineTuneSchedule
from autotl.search.fine_tune_search import FineTuneSearch
from autotl.search.head_choice import HeadChoice
from autotl.search.limits import Limits
from autotl.search.reading_choice import ReadingChoice
from autotl.search.reading_score import ReadingScore
from autotl.search.space import Space
from autotl.search.step import Step
from autotl.trial import FINE_TUNE, POOLINGS, PROBE, STAGES, Candidate, Params

PROBE_SHARE = 0.5
"""In auto mode fine-tuning begins at the latest when this share of the time or the trials is used."""
CLEAR_GAIN = 0.03
"""The share by which the sample's log loss has to fall where a reading is to be worth a pass over all images."""
STALLED_TRIALS = 12
"""Probes have stalled when so many in a row brought nothing better."""
SOON_SHARE = 0.75
"""Fine-tuning is near when this share of what it waits for has passed."""
PATIENCE_TRIALS = 60
"""After so many trials in a row without anything better, and nothing else to try, a search with a budget ends early."""


class Planner:
    """Decides; it runs nothing and keeps no trial.

    strategy: "auto", or the only one to use; seed: of what is drawn at random. asked: heads that were asked for by
    name: each is run once, whatever it costs.
    """

    def __init__(
        self, space: Space, costs: TrialCosts, limits: Limits, *, strategy: str, seed: int, asked: Sequence[str] = ()
    ) -> None:
        rng = np.random.default_rng(seed)
        self.heads = HeadChoice(space, costs, limits, rng)
        self.always = AlwaysTried(space, costs, limits, self.heads)
        self.readings = ReadingChoice(space, costs, limits, rng)
        self.schedule = FineTuneSchedule(space, costs, limits)
        self.tuning = FineTuneSearch(
            space, self.schedule, costs, limits, beside_probes=strategy != FINE_TUNE
        )  # fmt: skip
        self._space, self._costs, self._limits, self._strategy = space, costs, limits, strategy
        self._why_no_fine_tuning = ""
        self._asked = tuple(asked)

    @property
    def strategies(self) -> tuple[str, ...]:
        """The strategies that this run may use."""
        return self._space.strategies if self._strategy == "auto" else (self._strategy,)

    @property
    def why_no_fine_tuning(self) -> str:
        """Why no fine-tune trial was run, where none was."""
        return self._why_no_fine_tuning or self._why_impossible() or "the search ended before its turn came"

    def _why_impossible(self) -> str:
        """Why this run cannot fine-tune anything; empty if it can."""
        if FINE_TUNE in self.strategies:
            return ""
        if self._strategy == PROBE:
            return "only linear probes were asked for"
        if self._space.why_no_fine_tuning:
            return self._space.why_no_fine_tuning
        if not self._space.tunable:
            return "encoders are frozen, and no other backbone takes part"
        return "none of the heads can sit on a network that trains"

    def first_overrides(self, scores: Sequence[ReadingScore]) -> list[Params]:
        """What is worth knowing first: the default head on what the sample recommends, then each other head there.

        Before them word counts, where texts are learned: they cost seconds, and no other source may be better. Where
        the default reads several sources side by side, each of them alone, so that one sees what each brings.

        scores: of readings on the sample, best first.
        """
        if PROBE not in self.strategies:
            return []
        home = self._space.default().reading
        best, on_default_head, default = home, [], self._space.default_head.name
        if scores and default in self._space.heads:
            known = next((score.log_loss for score in scores if score.reading.place == home.place), np.inf)
            tops = {score.reading.place: score for score in reversed(scores)}  # the best of each place
            for place in dict.fromkeys(score.reading.place for score in scores):
                if place != home.place and self.readings.pays(tops[place], known, CLEAR_GAIN):
                    best = tops[place].reading
                    on_default_head.append(place_overrides(best))
                    break  # the next best waits until this one is known
            affordable = {home.place, best.place}
            top = next((score.reading for score in scores if score.reading.place in affordable), None)
            if top and (top.stage, top.pooling) != (STAGES[0], POOLINGS[0]):
                on_default_head.append(top.to_json())
        others = [n for n in self._space.heads if n != default and (n in self._asked or self.heads.is_cheap(n))]
        first: list[Params] = [self.always.overrides(reading) for reading in self._space.on_every_board()]
        first += [{"strategy": PROBE, "head": default, **where} for where in on_default_head]
        then = [{"strategy": PROBE, "head": name, **place_overrides(best)} for name in others]
        # What was asked for by name has its turn before anything is tried twice.
        return [*then, *first] if self._asked else [*first, *then]

    def next(
        self, board: Leaderboard, scores: Sequence[ReadingScore], share_of_trials: float, *, others_tune: bool = False,
        begun: Collection[str] = (),
    ) -> Step | str:  # fmt: skip
        """The next step, or why there is none.

        others_tune: another process is fine-tuning at this moment; begun: heads that are being tried, or will be next.
        """
        left = self._limits.seconds_left()
        self.heads.look(board)
        if share_of_trials >= 1:
            return "the trial is done" if self._limits.trials == 1 else f"all {self._limits.trials} trials are done"
        owed = self._owed_step(board, others_tune=others_tune, begun=begun)
        if owed:
            return owed
        if self.heads.are_all_dropped:
            return "; ".join(f"{name} is not tried again: {why}" for name, why in self.heads.dropped.items())
        if left <= self.heads.least_cost():
            return "the time is used up"
        waited = trials_without_gain(board.of(PROBE), board.larger_is_better)
        stalled = waited >= STALLED_TRIALS
        if PROBE in self.strategies and stalled:
            # The longer nothing better is found, the less a reading has to promise.
            gain = CLEAR_GAIN if waited < PATIENCE_TRIALS / 2 else -0.05
            reading, head = self.readings.unread(board, scores, gain), self.heads.to_read_with()
            if reading and head:
                return Step(overrides={"strategy": PROBE, "head": head, **reading.to_json()})
        if FINE_TUNE in self.strategies:
            spent = self._share_spent(left, share_of_trials)
            if stalled or spent >= PROBE_SHARE or PROBE not in self.strategies:
                # How deep to go next is known when that trial has ended.
                step = "another process is fine-tuning" if others_tune else self._next_fine_tune_step(board)
                if isinstance(step, Step) or PROBE not in self.strategies:
                    return step
        if (
            self._limits.trials is None
            and waited >= PATIENCE_TRIALS
            and (FINE_TUNE not in self.strategies or self.tuning.is_over(board))
        ):
            return f"the last {waited} trials brought nothing better, and more would be unlikely to"
        return Step(pinned={"strategy": PROBE, **self.readings.pinned(board, scores), **self.heads.pinned(board)})

    def tunes_soon(self, board: Leaderboard) -> bool:
        """Whether fine-tuning is near, and would be proposed by what is known now."""
        left = self._limits.seconds_left()
        near = trials_without_gain(board.of(PROBE), board.larger_is_better) >= SOON_SHARE * STALLED_TRIALS
        near = near or self._share_spent(left, 0.0) >= SOON_SHARE * PROBE_SHARE
        return FINE_TUNE in self.strategies and near and isinstance(self.tuning.next(board), Step)

    def is_owed(self, candidate: Candidate, board: Leaderboard) -> bool:
        """Whether a trial is run whatever it costs, and to its end.

        It is if it is the first of a head, or of a strategy, that was asked for, or of a source that stands on every
        leaderboard: word counts, and the parts of the default where it reads several side by side.
        """
        if candidate.backbone.name in {reading.backbone for reading in self.always.untried(board)}:
            return True
        if self._strategy == FINE_TUNE and candidate.strategy == FINE_TUNE and not board.of(FINE_TUNE):
            return True
        return candidate.head.name in self._asked and not self._had_its_turn(candidate.head.name, board)

    def _had_its_turn(self, head: str, board: Leaderboard) -> bool:
        fine_tuning = self._strategy == FINE_TUNE
        return any(
            t.head == head and t.cause != "lost" and (t.strategy == FINE_TUNE or not fine_tuning) for t in board.trials
        )

    def _owed_step(self, board: Leaderboard, *, others_tune: bool, begun: Collection[str]) -> Step | None:
        """The first trial of something that was asked for by name, and what is said before it where time is short."""
        waiting = [
            name for name in self._asked
            if name not in begun and name not in self.heads.dropped and not self._had_its_turn(name, board)
        ]  # fmt: skip
        if self._strategy == FINE_TUNE:
            if others_tune:
                return None
            if not board.of(FINE_TUNE):
                step = self._next_fine_tune_step(board, whatever=True)
                return step if isinstance(step, Step) else None
            able = [name for name in waiting if name in self._space.fine_tune_heads]
            return Step(overrides={"strategy": FINE_TUNE, "head": able[0]}) if able else None
        for name in waiting:
            recipe = self._space.heads[name].recipe
            strategy = recipe.strategy if recipe and recipe.strategy in self.strategies else PROBE
            left, needed = self._limits.seconds_left(), self.heads.cost(name)
            said = f"{name} was asked for by name, so it is run once, whatever it costs"
            if needed > left:
                said += f": about {needed:.0f} s are expected, and {max(0.0, left):.0f} s are left"
            return Step(overrides={"strategy": strategy, "head": name}, message=said if needed > left else "")
        return self.always.step(board, begun)

    def obstacle(self, candidate: Candidate, board: Leaderboard) -> str:
        """Why a trial cannot end in the time that is left; empty where it can."""
        left, place = self._limits.seconds_left(), candidate.reading.place
        reading = self._costs.reading_seconds(*place)
        if not self.readings.can_read(*place):
            return f"reading its features would take about {reading:.0f} s, too much of the time left"
        if candidate.strategy == FINE_TUNE:
            needed, worth_it = self.schedule.seconds(candidate, board), True
        else:
            needed = self.heads.cost(candidate.head.name) + reading
            worth_it = candidate.strategy != PROBE or self.heads.may_try(candidate.head.name)
        if needed > left or not worth_it:
            return f"it would take about {needed:.0f} s, too much of the {left:.0f} s left"
        return ""

    def _next_fine_tune_step(self, board: Leaderboard, *, whatever: bool = False) -> Step | str:
        """The next fine-tune trial; or why there is none, which is kept where nothing was fine-tuned before.

        whatever: even where the time does not suffice.
        """
        step = self.tuning.next(board, whatever=whatever)
        if isinstance(step, str) and not board.of(FINE_TUNE):
            self._why_no_fine_tuning = step
        return step

    def _share_spent(self, left: float, share_of_trials: float) -> float:
        budget = self._limits.budget_seconds
        return max(share_of_trials, 1 - left / budget if budget else 0.0)
