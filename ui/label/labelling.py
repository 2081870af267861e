"""Labelling: who said what about which picture, and where that is kept.

A coding says all that is needed to compare people: coder, item, class and moment. Today `store` is the one function
that keeps codings, as decisions in the patch file, of which there is one per item. Blind validation by several coders
is another `store`, which adds a row per coder and item to a table of its own; a queue (see `queues`) drawn at random
and the same for every coder; and a page that measures how far they agree and settles the rest. The queue, the
component and the page that leads through it (see `sittings`) know nothing of where codings go.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

from autotl.data.patch import Decision, read_patch
from autotl.data.patch_edits import decide
from autotl.settings import settings
from autotl_ui.workspace.subjects import Subject, open_subject

_NOTE = re.compile(r"labelled(?: by (?P<coder>.+))?, (?P<moment>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)")
_MOMENT = "%Y-%m-%d %H:%M:%S"
MAX_NAME = 60


@dataclass(frozen=True)
class Coding:
    """What a person said about a picture.

    coder: who, empty for nobody in particular. item: its path, as the data set lists it. label: the class, empty where
    the picture is to be left out. moment: seconds since the epoch.
    """

    coder: str
    item: str
    label: str
    moment: float

    @property
    def decision(self) -> Decision:
        """As the patch file holds it."""
        by = f" by {self.coder}" if self.coder else ""
        note = f"labelled{by}, {time.strftime(_MOMENT, time.localtime(self.moment))}"
        return Decision("relabel" if self.label else "exclude", self.item, self.label, note=note)


def coding_of(decision: Decision) -> Coding | None:
    """The coding that a decision came from; None for one that was made in another way."""
    match = _NOTE.fullmatch(decision.note)
    if decision.decision == "merge" or not match:
        return None
    try:
        moment = time.mktime(time.strptime(match["moment"], _MOMENT))
    except (ValueError, OverflowError):
        return None
    return Coding(match["coder"] or "", decision.item, decision.label, moment)


def decisions_about(subject: Subject) -> dict[str, Decision]:
    """The decisions in force, by item; DatasetError where the patch file cannot be understood."""
    return {one.item: one for one in read_patch(subject.patch_file) if one.decision != "merge"}


def store(subject: Subject, changes: Mapping[str, Decision | None]) -> tuple[str, ...]:
    """Keep decisions, by item; None takes back. Returns the items that are not in the data any more.

    Raises DatasetError where decisions cannot be kept; none is then.
    """
    known = decisions_about(subject)
    new = {item: decision for item, decision in changes.items() if decision}
    undo = [item for item, decision in changes.items() if decision is None and item in known]
    source = open_subject(subject) if new else None
    gone = tuple(sorted(new.keys() - set(source.table["path"]))) if source else ()
    new = {item: decision for item, decision in new.items() if item not in gone}
    if new or undo:
        decide(
            subject.data, new.values(), undo=undo, label=subject.label, patch=subject.patch,
            cache=settings().cache, source=source,
        )  # fmt: skip
    return gone


def coder_name(text: str) -> str:
    """A name as a note can hold it: one line, no comma, not too long."""
    return " ".join(text.replace(",", " ").split())[:MAX_NAME]
