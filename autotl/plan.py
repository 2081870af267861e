"""What to try next, and when to stop: decided from the trials so far, what they cost, and the time that is left.

The order is: the untuned default; the readings that a sample recommends; many probes on the best of them; fine-tuning
from the head downwards where it may pay; probes again. Nothing is begun that cannot end in time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from autotl.candidate import (
    FINE_TUNE,
    LEARNING_RATE,
    PROBE,
    WEIGHT_DECAY,
    Candidate,
    Space,
    Training,
    parse_size,
)
from autotl.finetune import epochs_for
from autotl.interfaces import Size, TrialRecord
from autotl.leaderboard import Leaderboard
from autotl.outlook import guess_fine_tuning
from autotl.prefix import MAX_VIEWS
from autotl.scout import Rank, Reading
from autotl.trials import DEFAULT_HEAD, Laboratory

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
MAX_DISAPPOINTMENTS = 2
"""After so many fine-tune trials in a row without a gain over those before them no other is begun."""
FEWEST_EPOCHS = 3
"""A fine-tune trial is begun where half of its epochs, and at least so many, fit into the time."""
_SETUP_SECONDS = 6.0
"""Building the network, fitting its head and writing its graph."""


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
        self.why_no_fine_tuning = ""
        self._rng = np.random.default_rng(laboratory.run.config.seed)

    @property
    def strategies(self) -> tuple[str, ...]:
        """The strategies that this run may use."""
        asked = self.laboratory.run.config.strategy
        return self.space.strategies if asked == "auto" else (asked,)

    def first_wishes(self, ranks: Sequence[Rank]) -> list[dict[str, Any]]:
        """What is worth knowing first: the default head on what the sample recommends, then each other head there."""
        if PROBE not in self.strategies:
            return []
        first = next(iter(self.space.backbones.values()))
        home = (first.name, first.sizes[0])
        wishes: list[dict[str, Any]] = []
        best = {"backbone": home[0], "size": text(home[1])}
        if ranks and DEFAULT_HEAD in self.space.heads:
            known = next((rank.log_loss for rank in ranks if _place(rank.reading) == home), np.inf)
            for place in dict.fromkeys(_place(rank.reading) for rank in ranks):
                rank = next(rank for rank in ranks if _place(rank.reading) == place)
                if place == home or not self._pays(rank, known, CLEAR_GAIN):
                    continue
                best = {"backbone": place[0], "size": text(place[1])}
                wishes.append({"head": DEFAULT_HEAD, **best})
                break  # the next best waits until this one is known
            affordable = {(home[0], text(home[1])), (best["backbone"], best["size"])}
            tops = (r.reading for r in ranks if (r.reading.backbone, text(r.reading.size)) in affordable)
            top = next(tops, None)
            if top and (top.stage, top.pooling) != ("joined", "avg+max"):
                wishes.append({"head": DEFAULT_HEAD, **_wish(top)})
        heads = [name for name in self.space.heads if name != DEFAULT_HEAD and self.is_cheap(name)]
        return [{"strategy": PROBE, **wish} for wish in [*wishes, *({"head": name, **best} for name in heads)]]

    def next(
        self, board: Leaderboard, ranks: Sequence[Rank], share_of_trials: float, *, others_tune: bool = False
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
        probes = [t for t in _in_order(board) if t.strategy == PROBE]
        settled = self._tail(probes) >= SETTLED_TRIALS
        if PROBE in self.strategies and settled:
            # The longer nothing better is found, the less a reading has to promise.
            gain = CLEAR_GAIN if self._tail(probes) < PATIENCE_TRIALS / 2 else -0.05
            reading, head = self._worth_reading(board, ranks, gain), self._head_to_read_with()
            if reading and head:
                return Step(wish={"strategy": PROBE, "head": head, **_wish(reading)})
        if FINE_TUNE in self.strategies:
            spent = self._share_spent(left, share_of_trials)
            if settled or spent >= PROBE_SHARE or PROBE not in self.strategies:
                # How deep to go next is known when that trial has ended.
                step = "another process is fine-tuning" if others_tune else self._fine_tuning(board)
                if isinstance(step, Step) or PROBE not in self.strategies:
                    return step
        if self.limits.trials is None and self._tail(probes) >= PATIENCE_TRIALS:
            return f"the last {self._tail(probes)} trials brought nothing better, and more would be unlikely to"
        return Step(pinned={"strategy": PROBE, **self._pinned_reading(board, ranks), **self._pinned_head(board)})

    def can_read(self, backbone: str, size: Size) -> bool:
        """Whether reading features takes a tolerable share of the time left, if any."""
        return self.laboratory.reading_seconds(backbone, size) <= MAX_FEATURE_SHARE * self.limits.seconds_left()

    def start_from(self, candidate: Candidate, board: Leaderboard) -> int | None:
        """The best fine-tune trial that the candidate, which unfreezes more, can start from."""
        assert candidate.training is not None
        for trial in board.completed:
            same = trial.strategy == FINE_TUNE and trial.head == candidate.head
            read = (trial.backbone, trial.size, trial.stage, trial.pooling)
            if (
                same
                and read == (candidate.backbone, text(candidate.size), candidate.stage, candidate.pooling)
                and trial.training["trainable_stages"] < candidate.training.trainable_stages
            ):
                return trial.number
        return None

    def fine_tune_seconds(self, candidate: Candidate, board: Leaderboard, *, whole: bool = False) -> float:
        """What a fine-tune trial would take; whole: with all its epochs, otherwise with the fewest it is begun for."""
        laboratory = self.laboratory
        tuned = [t for t in board.trials if t.strategy == FINE_TUNE]
        estimate = laboratory.fine_tune_seconds(candidate, tuned)
        epochs = epochs_for(len(laboratory.run.split.train))
        epochs = epochs if whole else max(FEWEST_EPOCHS, epochs // 2)
        # One pass keeps the activations for all depths.
        filled = any(
            t.training.get("fill_seconds")
            for t in tuned
            if (t.backbone, t.size, t.pooling) == (candidate.backbone, text(candidate.size), candidate.pooling)
        )
        fill = 0.0 if filled else estimate.fill_seconds
        if candidate.training and candidate.training.augment:
            fill += min(MAX_VIEWS - 1, epochs) * estimate.view_seconds
        head = self.probe_cost(candidate.head) / max(1, laboratory.run.split.n_folds)
        reading = laboratory.reading_seconds(candidate.backbone, candidate.size)
        return _SETUP_SECONDS + head + reading + fill + epochs * estimate.epoch_seconds

    def _fine_tuning(self, board: Leaderboard) -> Step | str:
        """The next rung of the ladder from the head downwards, as long as that brings something; or why there is none.

        It starts from the best probe's reading, and stays with it. A rung is passed over where it would leave too
        little time for the deeper one. The last step shows altered pictures to the best depth.
        """
        tuned = [t for t in _in_order(board) if t.strategy == FINE_TUNE and t.state != "failed"]
        if self._disappointed(tuned):
            return f"the last {MAX_DISAPPOINTMENTS} fine-tune trials brought nothing better"
        best = board.best(PROBE) or board.best()
        if best is None or best.backbone not in self.space.backbones:
            return self._no_fine_tuning("no probe has completed that it could start from", tuned)
        start = tuned[-1] if tuned else best
        head, params = (start.head, start.params) if tuned else self._head_to_tune(board)
        size = parse_size(start.size) if tuned else self._size_to_tune(best, head, board)
        reading = (start.backbone, size, start.stage, start.pooling)

        def candidate(depth: int, *, augment: bool = False) -> Candidate:
            return Candidate(FINE_TUNE, *reading, head, Training(depth, LEARNING_RATE, WEIGHT_DECAY, augment))

        depths = self.laboratory.ladder(candidate(1))
        reached = max((t.training["trainable_stages"] for t in tuned), default=0)
        ahead = [candidate(depth) for depth in depths if depth > reached]
        if not ahead and not any(t.training["augment"] for t in tuned):
            deepest = next((t for t in board.completed if t.strategy == FINE_TUNE), tuned[-1])
            ahead = [candidate(deepest.training["trainable_stages"], augment=True)]
        if not ahead:
            return "fine-tuning has gone as deep as it goes"
        left = self.limits.seconds_left()
        while len(ahead) > 1:
            first, second = self.fine_tune_seconds(ahead[0], board, whole=True), self.fine_tune_seconds(ahead[1], board)
            if first + second <= left or second > left:
                break
            ahead.pop(0)
        chosen = ahead[0]
        assert chosen.training is not None
        needed = self.fine_tune_seconds(chosen, board)
        leader = board.best() or best
        guess = guess_fine_tuning(
            leader.value or 0.0, self._value_before(chosen, board), seconds=needed,
            larger_is_better=board.larger_is_better,
        ).sentence(board.objective)  # fmt: skip
        if needed > left:
            return self._no_fine_tuning(f"{max(0, left):.0f} s were left, and {guess}", tuned)
        wish = {
            "strategy": FINE_TUNE,
            "head": head,
            **asdict(chosen.training),
            **_wish(Reading(*reading)),
        }
        return Step(wish={**wish, **params}, told=guess)

    def _no_fine_tuning(self, reason: str, tuned: Sequence[TrialRecord]) -> str:
        """The reason, which is kept where nothing was fine-tuned before."""
        if not tuned:
            self.why_no_fine_tuning = reason
        return reason

    def _head_to_tune(self, board: Leaderboard) -> tuple[str, Mapping[str, Any]]:
        """The best probe's head with its parameters, of those that can sit on an unfrozen backbone."""
        for trial in board.completed:
            if trial.strategy == PROBE and trial.head in self.space.fine_tune_heads:
                return trial.head, trial.params
        return self.space.fine_tune_heads[0], {}

    def _value_before(self, candidate: Candidate, board: Leaderboard) -> float:
        """The value of what a fine-tune trial starts from: another one, or the best probe at its size."""
        number = self.start_from(candidate, board)
        place = (candidate.backbone, text(candidate.size))
        probes = (t for t in board.completed if t.strategy == PROBE and (t.backbone, t.size) == place)
        start = next((t for t in board.completed if t.number == number), None) or next(probes, board.best())
        return (start.value if start else None) or 0.0

    def _size_to_tune(self, best: TrialRecord, head: str, board: Leaderboard) -> Size:
        """The largest size, up to that of the best probe, at which the deepest rung could still be trained."""
        most = parse_size(best.size)
        sizes = [size for size in self.space.backbones[best.backbone].sizes if size <= most]
        for size in sorted(sizes, reverse=True):
            training = Training(1, LEARNING_RATE, WEIGHT_DECAY, augment=False)
            shallow = Candidate(FINE_TUNE, best.backbone, size, best.stage, best.pooling, head, training)
            deep = replace(training, trainable_stages=self.laboratory.ladder(shallow)[-1])
            if self.fine_tune_seconds(replace(shallow, training=deep), board) <= self.limits.seconds_left():
                return size
        return most

    def _disappointed(self, tuned: Sequence[TrialRecord]) -> bool:
        """Whether the last fine-tune trials brought nothing over those before."""
        return self._tail(tuned) >= MAX_DISAPPOINTMENTS

    def _worth_reading(self, board: Leaderboard, ranks: Sequence[Rank], gain: float) -> Reading | None:
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
            if not self.laboratory.has_features(*place) and (place[0], text(place[1])) not in failed
        )
        return next((rank.reading for rank in unread if self._pays(rank, here, gain)), None)

    def _pays(self, rank: Rank, known: float, gain: float) -> bool:
        """Whether a reading promises enough over a known log loss for the time that reading it takes."""
        place = _place(rank.reading)
        share = self.laboratory.reading_seconds(*place) / max(1e-3, self.limits.seconds_left())
        needed = gain + GAIN_PER_SHARE * share
        return self.can_read(*place) and rank.log_loss <= (1 - needed) * known

    def _pinned_reading(self, board: Leaderboard, ranks: Sequence[Rank]) -> dict[str, Any]:
        """One of the best readings by the sample, mostly of where the best probe reads; now and then any stage."""
        places = [(b.name, size) for b in self.space.backbones.values() for size in b.sizes]
        ready = [place for place in places if self.laboratory.has_features(*place)]
        best = board.best(PROBE)
        if not ready:
            return {}
        chosen = next((p for p in ready if best and (p[0], text(p[1])) == (best.backbone, best.size)), ready[0])
        if len(ready) > 1 and self._rng.random() < ELSEWHERE_SHARE:
            chosen = ready[self._rng.integers(len(ready))]
        pinned = {"backbone": chosen[0], f"backbone={chosen[0]}/size": text(chosen[1])}
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

    def _tail(self, trials: Sequence[TrialRecord]) -> int:
        """How many trials ended since the last that was better than all before it."""
        sign, best, tail = self.laboratory.sign, -np.inf, 0
        for trial in trials:
            if trial.value is not None and sign * trial.value > best:
                best, tail = sign * trial.value, 0
            else:
                tail += 1
        return tail


def text(size: Size) -> str:
    """A size as records and parameters name it."""
    return f"{size[0]}x{size[1]}"


def _place(reading: Reading) -> tuple[str, Size]:
    return reading.backbone, reading.size


def _wish(reading: Reading) -> dict[str, Any]:
    return {
        "backbone": reading.backbone, "size": text(reading.size), "stage": reading.stage, "pooling": reading.pooling,
    }  # fmt: skip


def _in_order(board: Leaderboard) -> list[TrialRecord]:
    return sorted(board.trials, key=lambda trial: trial.number)
