"""Fine-tuning from the head downwards: what is trained next, at which size, and what that would bring and cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from autotl.evidence.leaderboard import Leaderboard, trials_without_gain
from autotl.interfaces import Size, TrialRecord
from autotl.search.expected_gain import expect_fine_tune_gain
from autotl.search.laboratory import Laboratory
from autotl.search.space import Space
from autotl.training.activation_cache import MAX_VIEWS
from autotl.training.fine_tuning import epochs_for
from autotl.trial import FINE_TUNE, LEARNING_RATE, PROBE, WEIGHT_DECAY, Candidate, Training, format_size, parse_size

MAX_DISAPPOINTMENTS = 2
"""After so many fine-tune trials in a row without a gain over those before them no other is begun."""
FEWEST_EPOCHS = 3
"""A fine-tune trial is begun where half of its epochs, and at least so many, fit into the time."""
_SETUP_SECONDS = 6.0
"""Building the network, fitting its head and writing its graph."""


@dataclass(frozen=True)
class FineTuneStep:
    """A fine-tune trial to run. params: of its head; told: what it is likely to bring and to cost."""

    candidate: Candidate
    params: Mapping[str, Any]
    told: str


class FineTuneSchedule:
    """Decides; it runs nothing and keeps no trial.

    The schedule stands on the reading of the best probe, at the largest size that leaves time for its deepest rung, and
    stays there: every rung starts from the weights of the one above it. A rung is passed over where it would leave too
    little time for the deeper one. The last step shows altered pictures to the best depth.
    """

    def __init__(
        self,
        laboratory: Laboratory,
        space: Space,
        seconds_left: Callable[[], float],
        probe_cost: Callable[[str], float],
    ) -> None:
        self._laboratory = laboratory
        self._space = space
        self._seconds_left = seconds_left
        self._probe_cost = probe_cost

    def next(self, board: Leaderboard) -> FineTuneStep | str:
        """The next rung, or why there is none."""
        tuned = [trial for trial in board.of(FINE_TUNE) if trial.state != "failed"]
        if trials_without_gain(tuned, board.larger_is_better) >= MAX_DISAPPOINTMENTS:
            return f"the last {MAX_DISAPPOINTMENTS} fine-tune trials brought nothing better"
        best = board.best(PROBE) or board.best()
        if best is None or best.backbone not in self._space.backbones:
            return "no probe has completed that it could start from"
        if tuned:
            former = board.best(FINE_TUNE) or tuned[-1]
            top, params = _top(former, parse_size(former.size), former.head), former.params
        else:
            head, params = self._head_to_tune(board)
            top = _top(best, self._size_to_tune(best, head, board), head)
        left = self._seconds_left()
        candidate = self._reachable(self._ahead(top, tuned, board), board, left)
        if candidate is None:
            return "fine-tuning has gone as deep as it goes"
        needed = self.seconds(candidate, board)
        leader = board.best() or best
        guess = expect_fine_tune_gain(
            leader.score.value, self._value_before(candidate, board), seconds=needed,
            larger_is_better=board.larger_is_better,
        ).sentence(board.objective)  # fmt: skip
        return (
            FineTuneStep(candidate, params, guess) if needed <= left else f"{max(0, left):.0f} s were left, and {guess}"
        )

    def start_from(self, candidate: Candidate, board: Leaderboard) -> TrialRecord | None:
        """The best fine-tune trial that the candidate, which unfreezes more, can start from."""
        assert candidate.training is not None
        for trial in board.completed:
            same = trial.strategy == FINE_TUNE and trial.head == candidate.head
            read = (trial.backbone, trial.size, trial.stage, trial.pooling)
            if (
                same
                and read == (candidate.backbone, format_size(candidate.size), candidate.stage, candidate.pooling)
                and trial.training["trainable_stages"] < candidate.training.trainable_stages
            ):
                return trial
        return None

    def seconds(self, candidate: Candidate, board: Leaderboard, *, whole: bool = False) -> float:
        """What a fine-tune trial would take; whole: with all its epochs, otherwise with the fewest it is begun for."""
        laboratory = self._laboratory
        tuned = board.of(FINE_TUNE)
        estimate = laboratory.fine_tune_seconds(candidate, tuned)
        epochs = epochs_for(len(laboratory.run.split.train))
        epochs = epochs if whole else max(FEWEST_EPOCHS, epochs // 2)
        # One pass keeps the activations for all depths.
        filled = any(
            t.training.get("fill_seconds")
            for t in tuned
            if (t.backbone, t.size, t.pooling) == (candidate.backbone, format_size(candidate.size), candidate.pooling)
        )
        fill = 0.0 if filled else estimate.fill_seconds
        if candidate.training and candidate.training.augment:
            fill += min(MAX_VIEWS - 1, epochs) * estimate.view_seconds
        head = self._probe_cost(candidate.head) / max(1, laboratory.run.split.n_folds)
        reading = laboratory.reading_seconds(candidate.backbone, candidate.size)
        return _SETUP_SECONDS + head + reading + fill + epochs * estimate.epoch_seconds

    def _ahead(self, top: Candidate, tuned: list[TrialRecord], board: Leaderboard) -> list[Candidate]:
        """The steps not yet tried, shallow to deep; after the last the best one again, with altered pictures."""
        reached = max((trial.training["trainable_stages"] for trial in tuned), default=0)
        deeper = [depth for depth in self._laboratory.step_depths(top) if depth > reached]
        if deeper or any(trial.training["augment"] for trial in tuned):
            return [_at_depth(top, depth) for depth in deeper]
        best = board.best(FINE_TUNE) or tuned[-1]
        return [_at_depth(top, best.training["trainable_stages"], augment=True)]

    def _reachable(self, ahead: list[Candidate], board: Leaderboard, left: float) -> Candidate | None:
        """The first that leaves enough time for the next one, if that could be done at all."""
        for candidate, deeper in pairwise(ahead):
            after = self.seconds(deeper, board)
            if after > left or self.seconds(candidate, board, whole=True) + after <= left:
                return candidate
        return ahead[-1] if ahead else None

    def _head_to_tune(self, board: Leaderboard) -> tuple[str, Mapping[str, Any]]:
        """The best probe's head with its parameters, of those that can sit on an unfrozen backbone."""
        for trial in board.completed:
            if trial.strategy == PROBE and trial.head in self._space.fine_tune_heads:
                return trial.head, trial.params
        return self._space.fine_tune_heads[0], {}

    def _size_to_tune(self, best: TrialRecord, head: str, board: Leaderboard) -> Size:
        """The largest size, up to that of the best probe, at which the deepest rung could still be trained."""
        most = parse_size(best.size)
        sizes = [size for size in self._space.backbones[best.backbone].sizes if size <= most]
        for size in sorted(sizes, reverse=True):
            top = _top(best, size, head)
            if self.seconds(_at_depth(top, self._laboratory.step_depths(top)[-1]), board) <= self._seconds_left():
                return size
        return most

    def _value_before(self, candidate: Candidate, board: Leaderboard) -> float:
        """The value of what a fine-tune trial starts from: another one, or the best probe at its size."""
        place = (candidate.backbone, format_size(candidate.size))
        probes = (t for t in board.completed if t.strategy == PROBE and (t.backbone, t.size) == place)
        start = self.start_from(candidate, board) or next(probes, board.best())
        return start.score.value if start and start.score.is_defined else 0.0


def _top(trial: TrialRecord, size: Size, head: str) -> Candidate:
    """The topmost rung, the last stage alone, on what a trial reads."""
    training = Training(1, LEARNING_RATE, WEIGHT_DECAY, augment=False)
    return Candidate(FINE_TUNE, trial.backbone, size, trial.stage, trial.pooling, head, training)


def _at_depth(top: Candidate, depth: int, *, augment: bool = False) -> Candidate:
    assert top.training is not None
    return replace(top, training=replace(top.training, trainable_stages=depth, augment=augment))
