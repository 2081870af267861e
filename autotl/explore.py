"""The search proper: baselines first, then one trial after the other while time and trials last."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import optuna
from optuna.trial import TrialState

from autotl import backend
from autotl import study as studies
from autotl.candidate import FINE_TUNE, PROBE, Candidate, Space, build_head, choose_heads, parse_size
from autotl.classifiers import is_network
from autotl.errors import ConfigError, OutOfTimeError
from autotl.evaluations import Score
from autotl.hyperparameters import OptunaHyperParameters, defaults, replay
from autotl.interfaces import Backbone, TrialRecord
from autotl.leaderboard import Leaderboard, rank
from autotl.predictions import Predictions
from autotl.probe import majority
from autotl.run import Run
from autotl.trials import CALIBRATION_FILE, DEFAULT_HEAD, MAJORITY, Laboratory, Outcome, describe, record

if TYPE_CHECKING:
    import keras_tuner

PROBE_SHARE = 0.55
"""In auto mode fine-tuning waits until this share of the time or the trials is used: its starting point is a probe."""
MAX_FEATURE_SHARE = 0.4
"""Reading features for one more backbone or size may take this share of the time left."""
MAX_FAILURES = 20
MAX_DISAPPOINTMENTS = 2
"""After so many fine-tune trials in a row without a gain over the best probe the time goes to probes again."""
_FINE_TUNE_SETUP_SECONDS = 8.0
_KERAS_SLOWDOWN = 2.5
"""A Keras pass on a CPU takes up to this many times what the frozen graph takes."""
_BACKWARD_FACTOR = 2.0


@dataclass(frozen=True)
class Limits:
    """When to stop. seconds_left: until the end of the search, infinite without a budget; trials: None for any."""

    seconds_left: Callable[[], float]
    budget_seconds: float | None
    trials: int | None


def make_space(laboratory: Laboratory) -> Space:
    """What this run may choose from: what was asked for, else everything that is here and worth trying."""
    config, plugins = laboratory.run.config, laboratory.plugins
    heads = choose_heads(plugins.heads, config.heads, len(laboratory.run.split.development))
    backbones = {name: plugins.backbones[name] for name in config.backbones} or {
        name: backbone for name, backbone in plugins.backbones.items() if backbone.embedded
    }
    edge = float(laboratory.run.dataset.items[["width", "height"]].max(axis=1).median())
    backbones = {name: replace(b, sizes=_worthwhile_sizes(b, edge)) for name, b in backbones.items()}
    networks = tuple(name for name, head in heads.items() if _can_be_fine_tuned(head))
    if config.strategy == FINE_TUNE and not networks:
        raise ConfigError(
            f"none of the heads {', '.join(heads)} is a network that can be fine-tuned; add --heads dense"
        )
    fixed = [name for name, head in heads.items() if head.recipe and head.recipe.strategy == FINE_TUNE]
    if config.strategy == PROBE and fixed:
        raise ConfigError(f"the recipe {fixed[0]!r} is a fine-tuning one; leave out --strategy probe")
    return Space(backbones, heads, networks if config.strategy != PROBE else ())


def default_candidate(space: Space) -> Candidate:
    """The untuned default: all stages of the first backbone at its own size, under a logistic head."""
    backbone = next(iter(space.backbones.values()))
    return Candidate(PROBE, backbone.name, backbone.sizes[0], "joined", "avg+max", DEFAULT_HEAD)


def _worthwhile_sizes(backbone: Backbone, edge: float) -> tuple[tuple[int, int], ...]:
    """The default size, and larger ones unless they would only blow up the pictures' pixels.

    edge: the pictures' median longer edge. Twice that still pays: a network sees finer structure in larger copies.
    """
    return tuple(size for i, size in enumerate(backbone.sizes) if i == 0 or max(size) <= 2 * edge)


def _can_be_fine_tuned(head: Any) -> bool:
    if head.recipe and head.recipe.strategy:
        return bool(head.recipe.strategy == FINE_TUNE)
    try:
        return is_network(build_head(head, replay({}), 8, 2))
    except Exception:  # a head that cannot be built fails in its own trial, where its reason is recorded
        return False


class Explorer:
    """Runs trials on one study. One per process; several may work on one study."""

    def __init__(self, laboratory: Laboratory, space: Space, limits: Limits, *, worker: int = 0) -> None:
        self.laboratory = laboratory
        self.run: Run = laboratory.run
        self.space = space
        self.limits = limits
        self.why_no_fine_tuning = ""
        sampler = laboratory.plugins.pick("sampler", self.run.config.sampler)
        self._study = studies.open_study(
            self.run, sampler=sampler, maximise=laboratory.objective.larger_is_better, worker=worker
        )

    def requeue_lost(self) -> None:
        """Queue again what a killed process left unfinished; only while this process is alone on the study."""
        if not self.run.config.storage:
            studies.requeue_lost(self._study)

    def why(self) -> str:
        """Why fine-tuning was not tried."""
        return self.why_no_fine_tuning or "the search ended before its turn came"

    def leaderboard(self) -> Leaderboard:
        """All trials that have ended."""
        return rank(
            studies.records(self._study),
            objective=self.laboratory.objective.name,
            larger_is_better=self.laboratory.objective.larger_is_better,
            default=studies.default_number(self._study),
        )

    def baselines(self) -> TrialRecord:
        """Run the majority-class row and the untuned default unless they are there; returns the default's record."""
        found = {t.number: t for t in studies.records(self._study) if t.state == "complete"}
        if not any(t.strategy == MAJORITY for t in found.values()):
            self._run_majority(self._study.ask())
        known = studies.default_number(self._study)
        if known is not None:
            return found[known]
        candidate = default_candidate(self.space)
        trial = self._study.ask()
        studies.mark_default(trial)
        return self._run_candidate(trial, candidate, replay({}))

    def warm_start(self) -> None:
        """Queue what is worth knowing first: the default on each backbone and on a larger size, then each head."""
        if self._study.user_attrs.get("warm_started"):
            return
        wishes: list[dict[str, Any]] = []
        if PROBE in self.strategies():
            first, *others = self.space.backbones.values()
            if DEFAULT_HEAD in self.space.heads:
                wishes += [{"head": DEFAULT_HEAD, "backbone": backbone.name} for backbone in others]
                wishes += [{"head": DEFAULT_HEAD, "size": _text(size)} for size in first.sizes[1:2]]
            wishes += [{"head": name} for name in self.space.heads if name != DEFAULT_HEAD]
        for wish in wishes:
            self._queue({"strategy": PROBE, **wish})
        self._study.set_user_attr("warm_started", True)

    def explore(self, *, after_trial: Callable[[], None] = lambda: None) -> str:
        """Run trials until a limit is reached; returns why it stopped."""
        while True:
            if self._spent_trials() >= 1:
                return f"all {self.limits.trials} trials are done"
            if self.limits.seconds_left() <= self._usual_seconds():
                return "the time is used up"
            if self._is_stuck():
                return f"the last {MAX_FAILURES} trials failed"
            strategy = self._next_strategy()
            if strategy is None:
                return f"no more fine-tuning is possible: {self.why_no_fine_tuning}"
            self._run_next(strategy)
            after_trial()

    def strategies(self) -> tuple[str, ...]:
        """The strategies that this run may use."""
        asked = self.run.config.strategy
        return self.space.strategies if asked == "auto" else (asked,)

    def _run_next(self, strategy: str) -> TrialRecord:
        if strategy == FINE_TUNE:
            self._queue_first_fine_tuning()
        study = self._study
        if not study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            base = study.sampler
            study.sampler = studies.pinned(base, {"strategy": strategy, **self._pinned_features()})
            try:
                trial = study.ask()
                return self._run_trial(trial, OptunaHyperParameters(trial))
            finally:
                study.sampler = base
        trial = study.ask()
        return self._run_trial(trial, OptunaHyperParameters(trial))

    def _queue_first_fine_tuning(self) -> None:
        """The first fine-tune trial starts from the best probe's backbone, size and stage, one stage unfrozen."""
        if self._study.user_attrs.get("fine_tuning_queued"):
            return
        self._study.set_user_attr("fine_tuning_queued", True)
        best = self.leaderboard().best(PROBE)
        wish: dict[str, Any] = {"strategy": FINE_TUNE, "head": self.space.fine_tune_heads[0]}
        if best and best.backbone in self.space.backbones:
            wish |= {"backbone": best.backbone, "size": best.size, "stage": best.stage, "pooling": best.pooling}
        self._queue(wish)

    def _queue(self, wish: dict[str, Any]) -> None:
        """Queue the default trial with a few wishes; a head that cannot be built is queued without its parameters."""
        try:
            parameters = defaults(self.space.sample_with_head, values=wish)
        except Exception:
            parameters = defaults(self.space.sample, values=wish)
        self._study.enqueue_trial(parameters)

    def _run_trial(self, trial: optuna.Trial, hp: keras_tuner.HyperParameters) -> TrialRecord:
        candidate = self.space.sample(hp)
        return self._run_candidate(trial, candidate, hp)

    def _run_candidate(self, trial: optuna.Trial, candidate: Candidate, hp: keras_tuner.HyperParameters) -> TrialRecord:
        """Run one trial to its record, whatever happens in it; only an interruption ends the search."""
        started = time.time()
        self.run.emit("trial-begin", trial=trial.number, **describe(candidate))

        def ended(state: Any, reason: str) -> TrialRecord:
            seconds, device = time.time() - started, str(backend.device())
            tried = describe(candidate)
            return TrialRecord(
                trial.number, state, **tried, started=started, seconds=seconds, device=device, reason=reason
            )

        try:
            outcome = self._attempt(trial, candidate, hp)
            self.run.trial_folder(trial.number).mkdir(parents=True, exist_ok=True)
            outcome.predictions.save(self.run.trial_folder(trial.number) / "predictions.npz")
            if outcome.calibration:
                outcome.calibration.save(self.run.trial_folder(trial.number) / CALIBRATION_FILE)
            score = self._comparable(outcome)
            if math.isnan(score.value):
                raise ValueError(f"{self.laboratory.objective.name} is undefined for these predictions")
            scores = self.laboratory.all_scores(outcome.predictions)
            result = record(trial.number, outcome, score, started, scores)
        except optuna.TrialPruned as pruned:
            result = ended("pruned", str(pruned))
        except OutOfTimeError as late:
            result = ended("pruned", str(late))
        except KeyboardInterrupt:
            studies.finish(self._study, trial, ended("failed", "interrupted"))
            raise
        except Exception as error:
            result = ended("failed", f"{type(error).__name__}: {error}")
        studies.finish(self._study, trial, result)
        return result

    def _attempt(self, trial: optuna.Trial, candidate: Candidate, hp: keras_tuner.HyperParameters) -> Outcome:
        def report(step: int, value: float) -> None:
            trial.report(value, step)
            if trial.should_prune():
                raise optuna.TrialPruned(f"stopped at {value:.3f}, worse than the median of the earlier trials")

        laboratory = self.laboratory
        needed = self._feature_seconds(candidate.backbone, candidate.size)
        is_default = studies.default_number(self._study) is None  # which is run whatever it costs
        if not is_default and needed > self._feature_allowance():
            raise optuna.TrialPruned(f"reading its features would take about {needed:.0f} s, too much of the time left")
        if candidate.strategy == FINE_TUNE:
            return laboratory.fine_tune(
                candidate,
                hp,
                lambda epoch, value: report(studies.epoch_step(epoch), value * laboratory.sign),
                self.run.trial_folder(trial.number),
            )
        return laboratory.probe(candidate, hp, report)

    def _comparable(self, outcome: Outcome) -> Score:
        """The objective, made comparable between probes and fine-tune trials.

        A fine-tune trial is only measured on the validation split, which may be easier or harder than all folds
        together; the untuned default, measured on both, tells by how much (a control variate).
        """
        score = self.laboratory.score(outcome.predictions)
        default = studies.default_number(self._study)
        if outcome.candidate.strategy != FINE_TUNE or default is None:
            return score
        everywhere = Predictions.load(self.run.trial_folder(default) / "predictions.npz")
        here = everywhere.restrict(outcome.predictions.items)
        point = self.laboratory.point
        shift = point(everywhere.labels, everywhere.probabilities) - point(here.labels, here.probabilities)
        moved = Score(score.value + shift, score.low + shift, score.high + shift)
        if score.low >= 0 and score.high <= 1:  # a share stays one
            return Score(*(min(1.0, max(0.0, end)) for end in (moved.value, moved.low, moved.high)))
        return moved

    def _run_majority(self, trial: optuna.Trial) -> None:
        started = time.time()
        laboratory = self.laboratory
        predictions = majority(laboratory.labels, self.run.split, laboratory.n_classes)
        score = laboratory.score(predictions)
        result = TrialRecord(
            trial.number, "complete", MAJORITY, value=score.value, low=score.low, high=score.high,
            started=started, seconds=time.time() - started, device=backend.processor(),
        )  # fmt: skip
        studies.finish(self._study, trial, result)

    def _spent_trials(self) -> float:
        """Share of the allowed trials that is used; the majority row does not count."""
        if self.limits.trials is None:
            return 0.0
        n = sum(t.strategy in (PROBE, FINE_TUNE) for t in studies.records(self._study))
        return (n + studies.n_unfinished(self._study)) / self.limits.trials

    def _spent(self) -> float:
        budget = self.limits.budget_seconds
        return max(self._spent_trials(), 1 - self.limits.seconds_left() / budget if budget else 0.0)

    def _usual_seconds(self) -> float:
        """What a probe usually takes, so that none is begun that cannot end in time."""
        seconds = self.laboratory.probe_seconds
        return statistics.median(seconds) if seconds else 0.0

    def _next_strategy(self) -> str | None:
        """Which strategy the next trial takes; None where none can be used any more."""
        strategies = self.strategies()
        if FINE_TUNE not in strategies:
            self.why_no_fine_tuning = self.why_no_fine_tuning or "only linear probes were asked for"
            return PROBE
        affordable = self._can_afford_fine_tuning()
        if PROBE not in strategies:
            return FINE_TUNE if affordable else None
        if self._spent() < PROBE_SHARE or not affordable or self._disappointed():
            return PROBE
        return FINE_TUNE

    def _can_afford_fine_tuning(self) -> bool:
        left, needed = self.limits.seconds_left(), self._fine_tune_seconds()
        if left >= needed:
            return True
        due = self._spent() >= PROBE_SHARE or PROBE not in self.strategies()
        if due and not self.why_no_fine_tuning:
            self.why_no_fine_tuning = f"two epochs need about {needed:.0f} s here, and {max(0, left):.0f} s were left"
        return False

    def _fine_tune_seconds(self) -> float:
        """A cautious guess of what building a network and training it for two epochs takes."""
        done = [t for t in studies.records(self._study) if t.strategy == FINE_TUNE and t.training.get("epochs")]
        if done:
            return float(statistics.median(2 * t.seconds / (1 + t.training["epochs"]) for t in done))
        best = self.leaderboard().best(PROBE)
        backbone, size = (best.backbone, parse_size(best.size)) if best else self._reference()
        rate = self.laboratory.images_per_second(backbone, size) / _KERAS_SLOWDOWN
        split = self.run.split
        epoch = (len(split.train) * _BACKWARD_FACTOR + len(split.validation)) / rate
        return _FINE_TUNE_SETUP_SECONDS + 2 * epoch

    def _is_stuck(self) -> bool:
        """Whether nothing but failures came of the last trials; the same cause would fail the next ones too."""
        ended = [t for t in studies.records(self._study) if t.strategy in (PROBE, FINE_TUNE)][-MAX_FAILURES:]
        return len(ended) == MAX_FAILURES and all(t.state == "failed" for t in ended)

    def _disappointed(self) -> bool:
        best = self.leaderboard().best(PROBE)
        tried = [t for t in studies.records(self._study) if t.strategy == FINE_TUNE][-MAX_DISAPPOINTMENTS:]
        sign = self.laboratory.sign
        gains = [t.value is not None and best is not None and sign * t.value > sign * (best.value or 0) for t in tried]
        return len(gains) == MAX_DISAPPOINTMENTS and not any(gains)

    def _pinned_features(self) -> dict[str, Any]:
        """Pin backbone and size where the time left does not allow reading features for every choice."""
        choices = [(b.name, size) for b in self.space.backbones.values() for size in b.sizes]
        affordable = [choice for choice in choices if self._feature_seconds(*choice) <= self._feature_allowance()]
        if len(affordable) == len(choices) or not affordable:
            return {}
        best = self.leaderboard().best()
        chosen = next(
            (c for c in affordable if best and (c[0], _text(c[1])) == (best.backbone, best.size)), affordable[0]
        )
        return {"backbone": chosen[0], f"backbone={chosen[0]}/size": _text(chosen[1])}

    def _feature_allowance(self) -> float:
        return MAX_FEATURE_SHARE * self.limits.seconds_left()

    def _feature_seconds(self, backbone: str, size: tuple[int, int]) -> float:
        """A guess of what reading features takes."""
        if self.laboratory.has_features(backbone, size):
            return 0.0
        return len(self.laboratory.labels) / self.laboratory.images_per_second(backbone, size)

    def _reference(self) -> tuple[str, tuple[int, int]]:
        """The default backbone and its default size."""
        name = next(iter(self.space.backbones))
        return name, self.space.backbones[name].sizes[0]


def _text(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
