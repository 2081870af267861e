"""Codings: what people say about images, kept as decisions in the patch file, which holds one per image.

A coding has all that is needed to compare coders. A validation with several coders needs another place to keep them,
a table with a row per coder and item, and nothing else of this.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autotl.data.patch import Decision, patch_file, read_patch
from autotl.data.patch_edits import ChangedMeanwhileError, decide
from autotl.data.source import Source

MAX_NAME = 60


@dataclass(frozen=True)
class Coding:
    """One person's label for one image.

    coder: who, empty where no name was given. item: path of the image, as the dataset lists it. label: the class,
    empty to exclude the image. moment: seconds since the epoch.
    """

    coder: str
    item: str
    label: str
    moment: float

    @property
    def decision(self) -> Decision:
        """The coding as the patch file holds it."""
        by = f" by {self.coder}" if self.coder else ""
        note = f"labelled{by}, {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(self.moment))}"
        return Decision("relabel" if self.label else "exclude", self.item, self.label, note=note)


def coder_name(text: str) -> str:
    """A name that fits into a note: one line without commas, 60 characters at most."""
    return " ".join(text.replace(",", " ").split())[:MAX_NAME]


def decisions_by_image(patch: Path) -> dict[str, Decision]:
    """The decisions about single images, by path; DatasetError if the patch file cannot be read."""
    return {decision.item: decision for decision in read_patch(patch) if decision.decision != "merge"}


@dataclass(frozen=True)
class NotKept:
    """What was not kept of some changes. gone: paths that are no longer in the data, in order.

    changed: by path, the decision that somebody else made meanwhile and that is in force, None if they undid one.
    """

    gone: tuple[str, ...] = ()
    changed: Mapping[str, Decision | None] = field(default_factory=dict)


def keep_decisions(
    data: Path,
    changes: Mapping[str, Decision | None],
    *,
    patch: Path | None,
    cache: Path,
    open_data: Callable[[], Source],
    seen: Mapping[str, Decision | None] | None = None,
) -> NotKept:
    """Keep decisions about images and take others back; returns what was not kept.

    changes: by path; None takes the decision back. open_data: called only where a decision is added. seen: by path,
    the decision that the person who decides had before their eyes; one that somebody else has made since stays.
    Raises DatasetError if the decisions cannot be kept; then none of them is.
    """
    known = decisions_by_image(patch or patch_file(data))
    new = {item: decision for item, decision in changes.items() if decision}
    undo = [item for item, decision in changes.items() if decision is None and item in known]
    source = open_data() if new else None
    gone = tuple(sorted(new.keys() - set(source.table["path"]))) if source else ()
    new = {item: decision for item, decision in new.items() if item not in gone}
    changed: dict[str, Decision | None] = {}
    while new or undo:
        try:
            decide(data, new.values(), undo=undo, patch=patch, cache=cache, source=source, seen=seen)
        except ChangedMeanwhileError as error:
            changed |= error.now
            new = {item: decision for item, decision in new.items() if item not in error.now}
            undo = [item for item in undo if item not in error.now]
        else:
            break
    return NotKept(gone, changed)
