"""Gathers the pieces of evidence for a champion, in order; the failure of a piece never fails the run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from autotl.data.modalities import modality_named
from autotl.errors import AutoTLError
from autotl.evidence.panels import OUT_OF_TIME, heading
from autotl.evidence.said import VERDICT, Said, in_short
from autotl.runs.events import Message
from autotl.runtime.wording import listed
from autotl.targets import LABELS, Target
from autotl.workflows.abstaining import PIECE as DOUBTS
from autotl.workflows.abstaining import doubts, with_doubts
from autotl.workflows.auditing import SUBGROUPS, WEAK_KINDS, subgroups, weak_kinds
from autotl.workflows.backbones import PIECE as BACKBONES
from autotl.workflows.backbones import backbones
from autotl.workflows.crops import PIECE as CROPS
from autotl.workflows.crops import crops
from autotl.workflows.feasibility import verdict
from autotl.workflows.learning_curves import PIECE as CURVE
from autotl.workflows.learning_curves import learning_curve
from autotl.workflows.mistake_maps import maps_of_mistakes
from autotl.workflows.motion import PIECE as MOTION
from autotl.workflows.motion import motion
from autotl.workflows.parts import PIECE as PARTS
from autotl.workflows.parts import parts
from autotl.workflows.shortcuts import shortcuts
from autotl.workflows.subject import Subject
from autotl.workflows.target_evidence import labels_found, numbers_found

Piece = Callable[[Subject], Said]
PIECES: Mapping[str, Piece] = {
    SUBGROUPS: subgroups,
    WEAK_KINDS: weak_kinds,
    DOUBTS: doubts,
    "shortcuts": shortcuts,
    CURVE: learning_curve,
    "why": maps_of_mistakes,
    PARTS: parts,
    MOTION: motion,
    BACKBONES: backbones,
    CROPS: crops,
    VERDICT: verdict,
}
"""By name, in the order in which they run: a piece may read what earlier ones have put into the result."""

_OF_EVERY_TARGET = (SUBGROUPS, CURVE, PARTS, MOTION, BACKBONES, CROPS)
"""Pieces for labels and numbers, too; the others are about one class for each item."""
_OF_PIXELS = ("shortcuts", "why")
"""Pieces that look at images; other kinds of items have checks and panels of their own."""


def examine(subject: Subject, *, seconds_left: Callable[[], float]) -> tuple[Subject, tuple[Said, ...]]:
    """Let a champion abstain, and gather the evidence for it.

    Returns the subject with the champion to deploy and its complete result, and the findings of each piece.
    """
    target = subject.context.target
    if not target.is_classes:
        own: dict[str, Piece] = {"labels": labels_found} if target.kind == LABELS else {"numbers": numbers_found}
        pieces = own | {name: PIECES[name] for name in _OF_EVERY_TARGET}
        subject, said = gather(subject, seconds_left=seconds_left, pieces=pieces)
        return replace(subject, result=replace(subject.result, in_short=in_short(said))), (*said, _left_out(target))
    began = time.monotonic()
    champion, doubted = with_doubts(
        subject.context, subject.champion, subject.searched, subject.tested, seconds_left=seconds_left
    )
    seconds = time.monotonic() - began
    subject = replace(subject, champion=champion, result=replace(subject.result, doubts=doubted))
    subject, said = gather(subject, seconds_left=seconds_left)
    said = tuple(replace(one, seconds=one.seconds + seconds * (one.piece == DOUBTS)) for one in said)
    return replace(subject, result=replace(subject.result, in_short=in_short(said))), said


def _left_out(target: Target) -> Said:
    """Which pieces a target that is not of classes does without."""
    names = listed(
        (heading(name).lower().rstrip("?") for name in PIECES if name not in _OF_EVERY_TARGET), most=len(PIECES)
    )
    what = "any number of labels" if target.kind == LABELS else "a number"
    return Said("left-out", problem=f"{names}: they are about one class for each item, and the target is {what}")


def gather(
    subject: Subject, *, seconds_left: Callable[[], float], pieces: Mapping[str, Piece] = PIECES
) -> tuple[Subject, tuple[Said, ...]]:
    """Run every piece; returns the subject with its result filled in, and the findings of each piece.

    seconds_left: time left for optional pieces. A piece that fails or is skipped for lack of time reports this instead.
    """
    said: list[Said] = []
    for name, piece in pieces.items():
        if name in _OF_PIXELS and not modality_named(subject.context.run.dataset.modality).has_pixels:
            continue
        if seconds_left() <= 0 and not _is_due(name, subject):
            said.append(Said(name, problem=OUT_OF_TIME))
            continue
        began = time.monotonic()
        try:
            found = piece(subject)
            if name != PARTS:  # which names images as one of the parts
                found = subject.context.run.dataset.words(found)
            fields: dict[str, Any] = dict(found.fields)
            subject = replace(subject, result=replace(subject.result, **fields))
        except Exception as error:
            kind = "" if isinstance(error, AutoTLError) else f"{type(error).__name__}: "
            found = Said(name, problem=f"it failed: {kind}{error}")
            subject.context.run.emit(Message(f"{name}: {found.problem}"))
        said.append(replace(found, seconds=time.monotonic() - began))
    return subject, tuple(said)


def _is_due(name: str, subject: Subject) -> bool:
    """Whether a piece must always run: one that only puts known results into words, or a requested audit."""
    if name == SUBGROUPS:
        config = subject.context.run.config
        return bool(config.audit) or config.max_gap is not None
    return name in (DOUBTS, PARTS, MOTION, BACKBONES, CROPS, VERDICT, "labels", "numbers")
