"""What each part of composed items brings: the untuned head on each part alone, against that on all together."""

from __future__ import annotations

import math
from collections.abc import Sequence

from autotl.evidence.panels import PARTS
from autotl.evidence.part_words import describe, table
from autotl.evidence.said import Said
from autotl.runs.part_gains import PartGains, PartScore
from autotl.search.context import SearchContext
from autotl.search.optuna_study import read_records
from autotl.search.trial_files import load_predictions
from autotl.trial import FINE_TUNE, PROBE, Reading, TrialRecord
from autotl.workflows.subject import Subject

PIECE = PARTS


def parts(subject: Subject) -> Said:
    """Compare the whole items with each of their parts; nothing if they are not composed, or parts were not tried."""
    context, config = subject.context, subject.context.run.config
    alone = context.space.alone()
    if not alone or config.refit or config.strategy == FINE_TUNE:
        return Said(PIECE)
    if context.space.default_head.name not in context.space.heads:
        head = context.space.default_head.name
        return Said(PIECE, problem=f"the parts are compared under the head {head}, which takes no part in this search")
    completed = [one for one in read_records(context.run) if one.state == "complete" and one.strategy == PROBE]
    readings = (context.space.default().reading, *alone)
    untuned = [_untuned(completed, reading, context) for reading in readings]
    if missing := [reading.backbone for reading, trial in zip(readings, untuned, strict=True) if trial is None]:
        return Said(PIECE, problem=f"there was no time for the untuned head on {' and '.join(missing)}")
    found = PartGains(context.objective.name, tuple(_scores(context, [one for one in untuned if one], completed)))
    return Said(
        PIECE, (table(found),), describe(found, larger_is_better=context.objective.larger_is_better),
        {"part_gains": found},
    )  # fmt: skip


def _untuned(trials: Sequence[TrialRecord], reading: Reading, context: SearchContext) -> TrialRecord | None:
    """The trial of the default head, with its own parameters, on a reading."""
    head = context.space.default_head.name
    own = [trial for trial in trials if trial.reading == reading and trial.head == head]
    return min(own, key=lambda trial: trial.number, default=None)


def _scores(
    context: SearchContext, untuned: Sequence[TrialRecord], completed: Sequence[TrialRecord]
) -> list[PartScore]:  # fmt: skip
    """The whole items first, then each part."""
    whole = load_predictions(context.run, untuned[0].number)
    found = []
    for trial in untuned:
        assert trial.reading is not None
        kind = context.space.backbone(trial.reading.backbone).modality
        best = max((one for one in completed if _kind(one, context) == kind), key=lambda one: _merit(one, context))
        gain = None
        if trial is not untuned[0]:
            gain = context.objective.difference(
                load_predictions(context.run, trial.number).restrict(whole.items), whole
            )
        found.append(PartScore(kind, trial.number, trial.score, best.number, best.score, gain))
    return found


def _kind(trial: TrialRecord, context: SearchContext) -> str:
    """The kind of item, or of part, that a trial learned from; empty if its backbone takes no part any more."""
    source = context.space.backbones.get(trial.reading.backbone) if trial.reading else None
    return source.modality if source else ""


def _merit(trial: TrialRecord, context: SearchContext) -> float:
    return context.objective.sign * trial.score.value if trial.score.is_defined else -math.inf
