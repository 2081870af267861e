"""What the order of the frames of clips brings: the untuned head on frames alone, with their motion, and in a vote."""

from __future__ import annotations

from collections.abc import Sequence

from autotl.evidence.motion_words import MotionGains, describe_motion, motion_table
from autotl.evidence.said import Said
from autotl.features.clip_network import N_FRAMES
from autotl.interfaces import ClipEncoder
from autotl.search.context import SearchContext
from autotl.search.optuna_study import read_records
from autotl.search.trial_files import load_predictions
from autotl.training.cross_validation import majority
from autotl.trial import FINE_TUNE, FRAME_VOTE, MAJORITY, PROBE, Reading, TrialRecord
from autotl.workflows.subject import Subject

PIECE = "motion"


def motion(subject: Subject) -> Said:
    """Compare what is read of clips; nothing for other kinds of item."""
    context, config = subject.context, subject.context.run.config
    default = context.space.default()
    if not isinstance(default.backbone, ClipEncoder) or config.refit or config.strategy == FINE_TUNE:
        return Said(PIECE)
    completed = [one for one in read_records(context.run) if one.state == "complete"]
    frames = _untuned(completed, default.reading, context)
    if frames is None:
        return Said(PIECE, problem="there was no time for the untuned head on the frames alone")
    moving = (_untuned(completed, one, context) for one in context.space.motion())
    others = {
        "motion": next(filter(None, moving), None),
        "vote": next((one for one in completed if one.strategy == FRAME_VOTE), None),
        "majority": next((one for one in completed if one.strategy == MAJORITY), None),
    }
    gains = _gains(subject, frames, {name: trial for name, trial in others.items() if trial})
    larger = context.objective.larger_is_better
    return Said(PIECE, (motion_table(gains),), describe_motion(gains, larger_is_better=larger))


def _gains(subject: Subject, frames: TrialRecord, others: dict[str, TrialRecord]) -> MotionGains:
    context = subject.context
    whole, gains = load_predictions(context.run, frames.number), {}
    for name, trial in others.items():
        if trial.strategy == MAJORITY:
            predictions = majority(context.labels, context.run.split, context.n_classes)
        else:
            predictions = load_predictions(context.run, trial.number)
        gains[name] = context.objective.difference(whole, predictions.restrict(whole.items))
    source = context.space.backbones.get(subject.result.champion.backbone)
    return MotionGains(
        context.objective.name, isinstance(source, ClipEncoder) and source.motion, N_FRAMES,
        {"frames": frames.score} | {name: trial.score for name, trial in others.items()}, gains,
    )  # fmt: skip


def _untuned(trials: Sequence[TrialRecord], reading: Reading, context: SearchContext) -> TrialRecord | None:
    """The first trial of the default head on a reading."""
    head = context.space.default_head.name
    own = [one for one in trials if one.strategy == PROBE and one.reading == reading and one.head == head]
    return min(own, key=lambda trial: trial.number, default=None)
