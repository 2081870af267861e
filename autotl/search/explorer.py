"""The search proper: baselines, a sample's advice, then one trial after the other as the planner decides."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import optuna
from optuna.trial import TrialState

from autotl.errors import OutOfTimeError
from autotl.evidence.intervals import ScoreFunction, paired_difference
from autotl.evidence.leaderboard import Leaderboard, rank
from autotl.interfaces import ScoreInterval, TrialRecord
from autotl.predictions import Predictions
from autotl.runs.run import Run, cluster_of
from autotl.runtime import keras_backend
from autotl.search import optuna_study as studies
from autotl.search.expected_gain import expect_gain
from autotl.search.hyperparameters import OptunaHyperParameters, defaults, fixed_hyperparameters
from autotl.search.laboratory import CALIBRATION_FILE, Laboratory
from autotl.search.outcome import Outcome, record
from autotl.search.planner import Limits, Planner
from autotl.search.pruning import is_clearly_worse
from autotl.search.screening import (
    GROWTH_GAIN,
    SCOUT_ALLOWANCE,
    SCOUT_SETUP_SECONDS,
    SCOUT_SHARE,
    ReadingScore,
    reading_score_from_json,
    sample_items,
    score_readings,
)
from autotl.search.space import Space, default_candidate
from autotl.training.cross_validation import majority
from autotl.training.ensemble import MAX_CANDIDATES, MAX_MEMBERS, blend
from autotl.training.fine_tuning import epochs_for
from autotl.trial import (
    ENSEMBLE,
    FINE_TUNE,
    MAJORITY,
    POOLINGS,
    PROBE,
    STAGES,
    Candidate,
    Reading,
    candidate_of,
    describe,
    format_size,
    parse_size,
)

if TYPE_CHECKING:
    import keras_tuner

MAX_FAILURES = 20
REJECT_FROM = 0.7
"""No fine-tune trial is rejected before this share of its epochs: the high learning rate before costs any of them."""


class Explorer:
    """Runs trials on one study. One per process; several may work on one study."""

    def __init__(self, laboratory: Laboratory, space: Space, limits: Limits, *, worker: int = 0) -> None:
        self.laboratory = laboratory
        self.run: Run = laboratory.run
        self.space = space
        self.limits = limits
        self.plan = Planner(laboratory, space, limits)
        self._latest: Leaderboard | None = None
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
        return self.plan.why_no_fine_tuning or "the search ended before its turn came"

    def leaderboard(self) -> Leaderboard:
        """All trials that have ended."""
        self._latest = rank(
            studies.records(self._study),
            objective=self.laboratory.objective.name,
            larger_is_better=self.laboratory.objective.larger_is_better,
            default=studies.default_number(self._study),
        )
        return self._latest

    def _board(self) -> Leaderboard:
        """As it was when last asked for, or after this process's last trial: to ask the study takes milliseconds."""
        return self._latest or self.leaderboard()

    def _finish(self, trial: optuna.Trial, record: TrialRecord) -> None:
        studies.finish(self._study, trial, record)
        self._latest = None

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
        return self._run_candidate(trial, candidate, fixed_hyperparameters({}))

    def warm_start(self) -> None:
        """Ask a sample of the images which readings are worth the time, and queue what is worth knowing first."""
        if self._study.user_attrs.get("warm_started"):
            return
        ranks = self._scout() if PROBE in self.plan.strategies else []
        self._study.set_user_attr("ranks", [rank.to_json() for rank in ranks])
        if ranks:
            self.run.emit("ranking", ranks=[rank.to_json() for rank in ranks])
        for wish in self.plan.first_overrides(ranks):
            self._queue(wish)
        self._study.set_user_attr("warm_started", True)

    def explore(self, *, after_trial: Callable[[], None] = lambda: None) -> str:
        """Run trials until the planner ends it; returns why it stopped."""
        ranks = [reading_score_from_json(stored) for stored in self._study.user_attrs.get("ranks", ())]
        self._recall()
        while True:
            board = self.leaderboard()  # with what other processes have done meanwhile
            if self._is_stuck():
                return f"the last {MAX_FAILURES} trials failed"
            begun = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING, TrialState.WAITING))
            running = [trial for trial in begun if trial.state == TrialState.RUNNING]
            others_tune = any(trial.params.get("strategy") == FINE_TUNE for trial in running)
            step = self.plan.next(board, ranks, self._spent_trials(len(running)), others_tune=others_tune)
            if isinstance(step, str):
                return step
            if step.wish and len(begun) == len(running):
                self._queue(dict(step.wish))
            if step.told:
                self.run.emit("message", text=step.told)
            self._run_next(step.pinned)
            after_trial()

    def repeat(self, trials: Sequence[TrialRecord]) -> None:
        """Run trials of another run again, with the choices they had, but for those that ran here already."""
        done = {_choices(trial) for trial in self.leaderboard().completed}
        for trial in trials:
            if _choices(trial) not in done:
                self._run_candidate(self._study.ask(), candidate_of(trial), fixed_hyperparameters(trial.params))

    def _recall(self) -> None:
        """Take over what other processes have read, which is in the cache: what is at hand decides what is tried."""
        for backbone, size in dict.fromkeys((t.backbone, t.size) for t in self.leaderboard().completed if t.stage):
            place = backbone, parse_size(size)
            if not self.laboratory.has_features(*place) and self.plan.can_read(*place):
                try:
                    self.laboratory.features(*place)
                except OutOfTimeError:  # the cache was emptied; the planner sees that no time is left
                    return

    def champion_seconds(self) -> float:
        """Expected seconds of fitting the champion again, which may be an ensemble, and the default."""
        probes = [t.head for t in self._board().completed if t.strategy == PROBE]
        share = 1 / max(1, self.run.split.n_folds - 1)
        return sum(share * self.plan.probe_cost(head) for head in (*probes[:MAX_MEMBERS], *probes[:1]))

    def expected_gain(self) -> ScoreInterval | None:
        """What ten times as many probes would be likely to bring."""
        values = [t.score.value for t in self._board().of(PROBE) if t.score.is_defined]
        return expect_gain(values, larger_is_better=self.laboratory.objective.larger_is_better)

    def blend(self) -> TrialRecord | None:
        """Run one more trial, the weighted mean of the best probes, and keep it where its gain is beyond doubt."""
        board = self.leaderboard()
        best = board.best(PROBE)
        if best is None or any(t.strategy == ENSEMBLE for t in board.trials):
            return None
        # One backbone at one size, so that the ensemble costs one forward pass like each of its members.
        rivals = [
            t for t in board.completed if t.strategy == PROBE and (t.backbone, t.size) == (best.backbone, best.size)
        ][:MAX_CANDIDATES]
        if len(rivals) < 2:
            return None
        trial, started = self._study.ask(), time.time()
        items = np.sort(self.run.split.development)
        loaded = [Predictions.load(self.run.trial_folder(t.number) / "predictions.npz").restrict(items) for t in rivals]
        found = blend(loaded, self.run.split.fold[items])
        outcome = self.laboratory.ensemble(rivals, found.weights, found.predictions)
        laboratory = self.laboratory
        difference = paired_difference(
            cast(ScoreFunction, laboratory.objective.score), found.predictions.labels, loaded[0].probabilities,
            outcome.predictions.probabilities, groups=cluster_of(self.run, items), seed=self.run.config.seed,
        )  # fmt: skip
        clear = difference.low > 0 if laboratory.sign > 0 else difference.high < 0
        if clear:
            self.run.trial_folder(trial.number).mkdir(parents=True, exist_ok=True)
            outcome.predictions.save(self.run.trial_folder(trial.number) / "predictions.npz")
            scores = laboratory.all_scores(outcome.predictions)
            result = record(trial.number, outcome, laboratory.score(outcome.predictions), started, scores)
        else:
            result = TrialRecord(
                trial.number, "pruned", **describe(outcome.candidate), started=started,
                seconds=time.time() - started, device=outcome.device,
                reason=f"its gain over the best probe, {difference.value:+.3f}, is not clear",
            )  # fmt: skip
        self._finish(trial, result)
        return result

    def _scout(self) -> list[ReadingScore]:
        """Judge every stage and pooling of each backbone and size whose sample can be read in little time.

        Where a larger size made the sample's log loss fall a good deal, the next larger one may take more time.
        """
        laboratory, items = self.laboratory, sample_items(self.laboratory)
        allowance = SCOUT_ALLOWANCE * self.limits.seconds_left()
        ranks: list[ReadingScore] = []
        for backbone in self.space.backbones.values():
            best, share = math.inf, SCOUT_SHARE
            for size in sorted(backbone.sizes, key=lambda size: (size > backbone.sizes[0], size)):
                ready = laboratory.has_features(backbone.name, size)
                needed = 0.0 if ready else self._scout_seconds(backbone.name, size, len(items))
                if needed > min(share * self.limits.seconds_left(), allowance):
                    continue
                began = time.monotonic()
                readings = [Reading(backbone.name, size, stage, pooling) for stage in STAGES for pooling in POOLINGS]
                try:
                    found = score_readings(laboratory, readings, items)
                except Exception as error:  # a broken backbone must not take the search down with it
                    place, reason = f"{backbone.name} at {format_size(size)}", f"{type(error).__name__}: {error}"
                    self.run.emit("message", text=f"{place} is left out: {reason}")
                    continue
                allowance -= 0.0 if ready else time.monotonic() - began
                share = SCOUT_SHARE * (2 if found[0].log_loss < (1 - GROWTH_GAIN) * best < math.inf else 1)
                best = min(best, found[0].log_loss)
                ranks += found
        return sorted(ranks, key=lambda rank: rank.log_loss)

    def _scout_seconds(self, backbone: str, size: tuple[int, int], n_items: int) -> float:
        return SCOUT_SETUP_SECONDS + n_items / self.laboratory.images_per_second(backbone, size)

    def _run_next(self, pinned: Mapping[str, Any]) -> TrialRecord:
        study, base = self._study, self._study.sampler
        study.sampler = studies.pinned(base, pinned)
        try:
            trial = study.ask()
            hp = OptunaHyperParameters(trial)
            return self._run_candidate(trial, self.space.sample(hp), hp)
        finally:
            study.sampler = base

    def _queue(self, wish: dict[str, Any]) -> None:
        """Queue the default trial with a few wishes; a head that cannot be built is queued without its parameters."""
        try:
            parameters = defaults(self.space.sample_with_head, values=wish)
        except Exception:
            parameters = defaults(self.space.sample, values=wish)
        self._study.enqueue_trial(parameters)

    def _run_candidate(self, trial: optuna.Trial, candidate: Candidate, hp: keras_tuner.HyperParameters) -> TrialRecord:
        """Run one trial to its record, whatever happens in it; only an interruption ends the search."""
        started = time.time()
        self.run.emit("trial-begin", trial=trial.number, **describe(candidate))

        def ended(state: Any, reason: str) -> TrialRecord:
            seconds, device = time.time() - started, str(keras_backend.device())
            tried = describe(candidate)
            training = asdict(candidate.training) if candidate.training else {}
            return TrialRecord(
                trial.number,
                state,
                **tried,
                training=training,
                started=started,
                seconds=seconds,
                device=device,
                reason=reason,
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
            self._finish(trial, ended("failed", "interrupted"))
            raise
        except Exception as error:
            result = ended("failed", f"{type(error).__name__}: {error}")
        self._finish(trial, result)
        return result

    def _attempt(self, trial: optuna.Trial, candidate: Candidate, hp: keras_tuner.HyperParameters) -> Outcome:
        laboratory = self.laboratory
        if self._board().default is not None:  # the default itself is run whatever it costs
            self._require_affordable(candidate)
        if candidate.strategy != FINE_TUNE:
            # A recipe was asked for by name: its whole score is the point.
            by_name = laboratory.plugins.pick("head", candidate.head).recipe is not None
            return laboratory.probe(candidate, hp, None if by_name else self._reject_if_hopeless(trial))

        start = self.plan.schedule.start_from(candidate, self._board())
        return laboratory.fine_tune(
            candidate, hp, self._stop_if_hopeless(trial), self.run.trial_folder(trial.number),
            start_from=start.number if start else None,
        )  # fmt: skip

    def _require_affordable(self, candidate: Candidate) -> None:
        """Raise before anything is computed where the trial cannot end in the time that is left."""
        left, laboratory = self.limits.seconds_left(), self.laboratory
        if not self.plan.can_read(candidate.backbone, candidate.size):
            needed = laboratory.reading_seconds(candidate.backbone, candidate.size)
            raise optuna.TrialPruned(f"reading its features would take about {needed:.0f} s, too much of the time left")
        if candidate.strategy == FINE_TUNE:
            needed = self.plan.schedule.seconds(candidate, self._board())
        else:
            reading = laboratory.reading_seconds(candidate.backbone, candidate.size)
            needed = self.plan.probe_cost(candidate.head) + reading
        if needed > left or (candidate.strategy == PROBE and not self.plan.may_try(candidate.head)):
            raise optuna.TrialPruned(f"it would take about {needed:.0f} s, too much of the {left:.0f} s left")

    def _reject_if_hopeless(self, trial: optuna.Trial) -> Callable[[int, Predictions], None]:
        """Ends a probe that is worse than the best one on the folds so far, in its log loss and in the objective."""
        laboratory, best = self.laboratory, self._board().best(PROBE)
        if best is None:
            return lambda fold, so_far: None  # noqa: ARG005 - there is nothing to be worse than
        rival = Predictions.load(self.run.trial_folder(best.number) / "predictions.npz")

        def after_fold(fold: int, so_far: Predictions) -> None:
            if fold == self.run.split.n_folds - 1:
                return
            there = rival.restrict(so_far.items)
            value, other = (laboratory.point(p.labels, p.probabilities) for p in (so_far, there))
            # What a rejected trial reached is all that the sampler can learn from it.
            trial.report(value, fold)
            if laboratory.sign * (value - other) < 0 and is_clearly_worse(so_far, there):
                raise optuna.TrialPruned(
                    f"at {value:.3f} after {fold + 1} of {self.run.split.n_folds} folds, clearly worse than trial "
                    f"{best.number}'s {other:.3f}"
                )

        return after_fold

    def _stop_if_hopeless(self, trial: optuna.Trial) -> Callable[[int, Predictions], None]:
        """Ends a fine-tune trial that is, late in its epochs, still clearly worse than the best one."""
        laboratory, best = self.laboratory, self._board().best(FINE_TUNE)
        n_epochs = epochs_for(len(self.run.split.train))
        rival = best and Predictions.load(self.run.trial_folder(best.number) / "predictions.npz")

        def after_epoch(epoch: int, found: Predictions) -> None:
            value = laboratory.point(found.labels, found.probabilities)
            trial.report(value, epoch)
            if best and rival and REJECT_FROM * n_epochs <= epoch < n_epochs and is_clearly_worse(found, rival):
                raise optuna.TrialPruned(
                    f"at {value:.3f} after {epoch} of {n_epochs} epochs, clearly worse than trial {best.number}"
                )

        return after_epoch

    def _comparable(self, outcome: Outcome) -> ScoreInterval:
        """The objective, made comparable between probes and fine-tune trials.

        A fine-tune trial is only measured on the validation split, which may be easier or harder than all folds
        together; the untuned default, measured on both, tells by how much. It is a control variate: the less the
        hits of the two go together, the less of the difference counts (Owen 2013, Monte Carlo theory, section 8.9).
        """
        laboratory = self.laboratory
        score = laboratory.score(outcome.predictions)
        default = self._board().default
        if outcome.candidate.strategy != FINE_TUNE or default is None:
            return score
        everywhere = Predictions.load(self.run.trial_folder(default) / "predictions.npz")
        here = everywhere.restrict(outcome.predictions.items)
        point = laboratory.point
        difference = point(everywhere.labels, everywhere.probabilities) - point(here.labels, here.probabilities)
        hits = [p.probabilities.argmax(axis=1) == p.labels for p in (outcome.predictions, here)]
        (_, covariance), (_, variance) = np.cov(hits)
        shift = difference * float(np.clip(covariance / variance, 0, 1) if variance else 0)
        moved = ScoreInterval(score.value + shift, score.low + shift, score.high + shift)
        if laboratory.objective.larger_is_better and score.low >= 0 and score.high <= 1:  # a share stays one
            return ScoreInterval(*(min(1.0, max(0.0, end)) for end in (moved.value, moved.low, moved.high)))
        return moved

    def _run_majority(self, trial: optuna.Trial) -> None:
        started = time.time()
        laboratory = self.laboratory
        predictions = majority(laboratory.labels, self.run.split, laboratory.n_classes)
        score = laboratory.score(predictions)
        result = TrialRecord(
            trial.number, "complete", MAJORITY, score=score, started=started, seconds=time.time() - started,
            device=keras_backend.processor(),
        )  # fmt: skip
        self._finish(trial, result)

    def _spent_trials(self, n_running: int) -> float:
        """Share of the allowed trials that is used; the majority row does not count."""
        if self.limits.trials is None:
            return 0.0
        n = sum(t.strategy in (PROBE, FINE_TUNE) for t in self._board().trials)
        return (n + n_running) / self.limits.trials

    def _is_stuck(self) -> bool:
        """Whether nothing but failures came of the last trials; the same cause would fail the next ones too."""
        trials = sorted(self._board().trials, key=lambda trial: trial.number)
        ended = [t for t in trials if t.strategy in (PROBE, FINE_TUNE)][-MAX_FAILURES:]
        return len(ended) == MAX_FAILURES and all(t.state == "failed" for t in ended)


def _choices(trial: TrialRecord) -> str:
    """All that was chosen for a trial, to tell whether two are the same."""
    return json.dumps([asdict(candidate_of(trial)), dict(trial.params)]) if trial.head else ""
