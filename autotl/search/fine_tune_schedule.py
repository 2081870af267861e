"""Fine-tuning from the head downwards: what is trained next, at which size, and what that would bring and cost."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import pairwise

from autotl.evidence.leaderboard import Leaderboard, trials_without_gain
from autotl.interfaces import Head, Size
from autotl.search.costs import TrialCosts
from autotl.search.expected_gain import expect_fine_tune_gain
from autotl.search.limits import Limits
from autotl.search.space import Space
from autotl.trial import (
    FINE_TUNE,
    LEARNING_RATE,
    PROBE,
    WEIGHT_DECAY,
    Candidate,
    Params,
    Reading,
    Training,
    TrainingDetails,
    TrialRecord,
)

MAX_DISAPPOINTMENTS = 2
"""After so many fine-tune trials in a row without a gain over those before them no other is begun."""
FEWEST_EPOCHS = 3
"""A fine-tune trial is begun where half of its epochs, and at least so many, fit into the time."""
OVERRUN = 2.0
"""Training of a fold ends after so many times what it should take, the learning rate having fallen by then."""
SETUP_SECONDS = 6.0
"""Building the network, fitting its head and writing its graph."""


@dataclass(frozen=True)
class FineTuneStep:
    """A fine-tune trial to run. params: of its head; message: its expected gain and cost.

    may_lead: whether it would be the best trial if it did well for one of its kind.
    """

    candidate: Candidate
    params: Params
    message: str
    may_lead: bool = True


class FineTuneSchedule:
    """Decides; it runs nothing and keeps no trial.

    The schedule stands on the reading of the best probe, at the largest size that leaves time for its deepest step, and
    stays there: every step starts from the weights of the one above it. A step is passed over where it would leave too
    little time for the deeper one. The last step shows altered images to the best depth.
    """

    def __init__(self, space: Space, costs: TrialCosts, limits: Limits) -> None:
        self._space, self._costs, self._limits = space, costs, limits

    def next(self, board: Leaderboard, *, whatever: bool = False) -> FineTuneStep | str:
        """The next step, or why there is none.

        whatever: even where the time does not suffice, or no backbone that can be fine-tuned has been probed.
        """
        tuned = self._tried(board)
        if trials_without_gain(tuned, board.larger_is_better) >= MAX_DISAPPOINTMENTS:
            return f"the last {MAX_DISAPPOINTMENTS} fine-tune trials brought nothing better"
        best = probe_on_network(board, self._space.tunable)
        start, leader = best.reading if best else None, board.best() or best
        if start is None and whatever and self._space.tunable:
            start = self._space.on_network(replace(self._space.default(), strategy=FINE_TUNE)).reading
        if start is None or leader is None:
            return "no probe has completed that it could start from"
        top, params = self._start(start, tuned, board)
        left = self._limits.seconds_left()
        candidate = self._reachable(self._ahead(top, tuned, board), board, left)
        if candidate is None:
            return "fine-tuning has gone as deep as it goes"
        needed = self.seconds(candidate, board)
        guess = expect_fine_tune_gain(
            leader.score.value, self._value_before(candidate, board), seconds=needed,
            larger_is_better=board.larger_is_better,
        )  # fmt: skip
        may_lead = guess.gain.high >= 0 if board.larger_is_better else guess.gain.low <= 0
        said = guess.sentence(board.objective)
        if needed > left:
            if whatever:
                said = f"fine-tuning was asked for, so it is run once, though {max(0, left):.0f} s are left: {said}"
                return FineTuneStep(candidate, params, said)
            return f"{max(0, left):.0f} s were left, and {said}"
        return FineTuneStep(candidate, params, said, may_lead)

    def steps(self, board: Leaderboard) -> list[Candidate]:
        """All steps, shallow to deep, on the schedule's reading; empty before a probe has completed."""
        best = probe_on_network(board, self._space.tunable)
        if best is None or best.reading is None:
            return []
        top, _ = self._start(best.reading, self._tried(board), board)
        return [_at_depth(top, depth) for depth in self._costs.step_depths(top)]

    def has_step(self, candidate: Candidate) -> bool:
        """Whether a candidate is trained as the schedule's steps are."""
        return candidate.training is not None and is_step(candidate.training.to_json())

    def longest(self, candidate: Candidate, board: Leaderboard) -> float:
        """Return the time limit in seconds for training one fold; infinite without a budget."""
        if math.isinf(self._limits.seconds_left()):
            return math.inf
        return OVERRUN * self.seconds(candidate, board, whole=True)

    def _tried(self, board: Leaderboard) -> list[TrialRecord]:
        """The steps that have ended, in the order in which they were begun."""
        return [t for t in board.of(FINE_TUNE) if t.state != "failed" and is_step(t.training)]

    def _start(self, best: Reading, tuned: list[TrialRecord], board: Leaderboard) -> tuple[Candidate, Params]:
        """The topmost step, and its head's parameters; tuned: the steps tried."""
        done = [trial for trial in tuned if trial.state == "complete"]
        sign = 1 if board.larger_is_better else -1
        former = max(done, key=lambda t: sign * t.score.value) if done else tuned[-1] if tuned else None
        if former and former.reading:
            return self._top(former.reading, self._space.heads[former.head]), former.params
        head, params = self._head_to_tune(board)
        size = self._size_to_tune(best, head, board)
        return self._top(replace(best, size=size), head), params

    def start_from(self, candidate: Candidate, board: Leaderboard) -> TrialRecord | None:
        """The best fine-tune trial that the candidate, which unfreezes more, can start from."""
        assert candidate.training is not None
        for trial in board.completed:
            same = trial.strategy == FINE_TUNE and trial.head == candidate.head.name
            if (
                same
                and is_step(trial.training)
                and trial.reading == candidate.reading
                and trial.training["trainable_stages"] < candidate.training.trainable_stages
            ):
                return trial
        return None

    def seconds(self, candidate: Candidate, board: Leaderboard, *, whole: bool = False) -> float:
        """What a fine-tune trial would take; whole: with all its epochs, otherwise with the fewest it is begun for."""
        tuned, read = board.of(FINE_TUNE), candidate.reading
        estimate = self._costs.fine_tune_seconds(candidate, tuned)
        epochs = estimate.n_epochs if whole else max(FEWEST_EPOCHS, estimate.n_epochs // 2)
        # One pass keeps the activations for all depths.
        filled = any(
            trial.training.get("fill_seconds")
            for trial in tuned
            if trial.reading and (trial.reading.place, trial.reading.pooling) == (read.place, read.pooling)
        )
        network = candidate.head.name in self._space.networks
        setup = SETUP_SECONDS + self._costs.fit_cost(candidate.head.name, network=network)
        augment = bool(candidate.training and candidate.training.augment)
        training = estimate.seconds(epochs, filled=filled, augment=augment)
        return setup + self._costs.reading_seconds(*read.place) + training

    def _top(self, reading: Reading, head: Head) -> Candidate:
        """The topmost step: the last stage alone."""
        training = Training(1, LEARNING_RATE, WEIGHT_DECAY, augment=False)
        return Candidate(FINE_TUNE, self._space.backbone(reading.backbone), reading, head, training)

    def _ahead(self, top: Candidate, tuned: list[TrialRecord], board: Leaderboard) -> list[Candidate]:
        """The steps not yet tried, shallow to deep; after the last the best one again, with altered images."""
        reached = max((trial.training["trainable_stages"] for trial in tuned), default=0)
        deeper = [depth for depth in self._costs.step_depths(top) if depth > reached]
        if deeper or any(trial.training["augment"] for trial in tuned):
            return [_at_depth(top, depth) for depth in deeper]
        sign = 1 if board.larger_is_better else -1
        done = [trial for trial in tuned if trial.state == "complete"]
        best = max(done, key=lambda t: sign * t.score.value) if done else tuned[-1]
        return [_at_depth(top, best.training["trainable_stages"], augment=True)]

    def _reachable(self, ahead: list[Candidate], board: Leaderboard, left: float) -> Candidate | None:
        """The first that leaves enough time for the next one, if that could be done at all."""
        for candidate, deeper in pairwise(ahead):
            after = self.seconds(deeper, board)
            if after > left or self.seconds(candidate, board, whole=True) + after <= left:
                return candidate
        return ahead[-1] if ahead else None

    def _head_to_tune(self, board: Leaderboard) -> tuple[Head, Params]:
        """The best probe's head with its parameters, of those that can sit on an unfrozen backbone."""
        for trial in board.completed:
            if trial.strategy == PROBE and trial.head in self._space.fine_tune_heads:
                return self._space.heads[trial.head], trial.params
        return self._space.heads[self._space.fine_tune_heads[0]], {}

    def _size_to_tune(self, best: Reading, head: Head, board: Leaderboard) -> Size:
        """The largest size, up to that of the best probe, at which the deepest step could still be trained."""
        sizes = [size for size in self._space.backbones[best.backbone].sizes if size <= best.size]
        for size in sorted(sizes, reverse=True):
            top = self._top(replace(best, size=size), head)
            if self.seconds(_at_depth(top, self._costs.step_depths(top)[-1]), board) <= self._limits.seconds_left():
                return size
        return best.size

    def _value_before(self, candidate: Candidate, board: Leaderboard) -> float:
        """The value of what a fine-tune trial starts from: another one, or the best probe at its size."""
        place = candidate.reading.place
        probes = (t for t in board.completed if t.strategy == PROBE and t.reading and t.reading.place == place)
        start = self.start_from(candidate, board) or next(probes, board.best())
        return start.score.value if start and start.score.is_defined else 0.0


def is_step(training: TrainingDetails) -> bool:
    """Whether the choices of a trial are the schedule's."""
    told = Training(0, LEARNING_RATE, WEIGHT_DECAY, augment=False).to_json() | training
    choices = (told["learning_rate"], told["weight_decay"], told["dropout"], told["label_smoothing"])
    return choices == (LEARNING_RATE, WEIGHT_DECAY, 0.0, 0.0)


def probe_on_network(board: Leaderboard, networks: Collection[str]) -> TrialRecord | None:
    """The best probe on a backbone that can be fine-tuned, or the best other trial on one; None if there is none."""
    found = [trial for trial in board.completed if trial.reading and trial.reading.backbone in networks]
    return next((trial for trial in found if trial.strategy == PROBE), found[0] if found else None)


def _at_depth(top: Candidate, depth: int, *, augment: bool = False) -> Candidate:
    assert top.training is not None
    return replace(top, training=replace(top.training, trainable_stages=depth, augment=augment))
