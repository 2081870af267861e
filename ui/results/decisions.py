"""Decisions about the images of a run, kept in the patch file of its data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from autotl.data.patch import Decision, patch_file, read_patch
from autotl.data.patch_edits import decide
from autotl.data.pending_decisions import pending_images
from autotl.evidence.run_evidence import Evidence
from autotl.settings import settings
from autotl_ui.workspace.listings import list_items
from autotl_ui.workspace.runs import RunView

NOTE = "decided on the results page"


@dataclass(frozen=True)
class RunDecisions:
    """The decisions about a run's data.

    data, label, text: as the run was given them. patch: the file that keeps them.
    """

    data: Path
    label: str | None
    patch: Path
    text: str | None = None
    image: str | None = None

    def by_image(self) -> dict[str, Decision]:
        """The decisions about single images, by path; AutoTLError if the patch file cannot be read."""
        return _read(str(self.patch), self.written())

    def written(self) -> int:
        """When the patch file was written, in nanoseconds since the epoch; 0 where there is none."""
        return self.patch.stat().st_mtime_ns if self.patch.exists() else 0

    def add(
        self, new: Iterable[Decision], *, undo: Iterable[str] = (), seen: Mapping[str, Decision | None] | None = None
    ) -> None:  # fmt: skip
        """Add decisions and undo others; raises AutoTLError if they do not fit the data.

        seen: by item, the decision on the screen; where another one is in force by now, nothing is changed.
        None to overwrite any.
        """
        new = list(new)
        # Listing 70,000 files for every decision would take longer than a click may.
        source = list_items(self.data, self.label, self.text, image=self.image) if new else None
        cache = settings().cache
        decide(self.data, new, undo=undo, label=self.label, patch=self.patch, cache=cache, source=source, seen=seen)


def decisions_of(run: RunView) -> RunDecisions | None:
    """The decisions about a run's data; None if run.json does not say which data these are."""
    if not run.data:
        return None
    return RunDecisions(run.data, run.label, run.patch or patch_file(run.data), run.text, run.image)


def pending(decisions: RunDecisions, evidence: Evidence) -> frozenset[str]:
    """Paths of the images that a refit would change."""
    run = evidence.run
    return _pending(evidence, str(run.folder), run.fingerprint, str(decisions.patch), decisions.written())


def mark(decision: Decision | None) -> str:
    """The word on an image about which something was decided."""
    if decision is None:
        return ""
    return "excluded" if decision.decision == "exclude" else f"→ {decision.label}"


@st.cache_data(max_entries=8, show_spinner=False)
def _read(patch: str, written: int) -> dict[str, Decision]:  # noqa: ARG001, part of the cache's key
    return {decision.item: decision for decision in read_patch(Path(patch)) if decision.decision != "merge"}


@st.cache_data(max_entries=8, show_spinner=False)
def _pending(
    _evidence: Evidence,
    run: str,  # noqa: ARG001, this and the next stand for the evidence in the cache's key
    fingerprint: str,  # noqa: ARG001
    patch: str,
    written: int,  # noqa: ARG001
) -> frozenset[str]:
    return pending_images(_evidence.run.dataset, read_patch(Path(patch)))
