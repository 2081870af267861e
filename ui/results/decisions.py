"""The desk where decisions about the pictures of a run are noted: in the patch file of its data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from autotl.data.patch import EXCLUDED, Decision, apply_patch, patch_file, read_patch
from autotl.data.patch_edits import decide
from autotl.evidence.run_evidence import Evidence
from autotl.settings import settings
from autotl_ui.workspace.listings import list_pictures
from autotl_ui.workspace.runs import RunView

NOTE = "decided on the results page"


@dataclass(frozen=True)
class Desk:
    """Where decisions go. data, label: what the run was given. patch: the file that keeps them."""

    data: Path
    label: str | None
    patch: Path

    def decisions(self) -> dict[str, Decision]:
        """What was decided about single pictures, by path; AutoTLError where the patch file cannot be read."""
        return _read(str(self.patch), self.written())

    def written(self) -> int:
        """When the patch file was written, in nanoseconds since the epoch; 0 where there is none."""
        return self.patch.stat().st_mtime_ns if self.patch.exists() else 0

    def note(self, new: Iterable[Decision], *, undo: Iterable[str] = ()) -> None:
        """Add decisions, and take others back; raises AutoTLError where they do not fit the data."""
        new = list(new)
        # Listing 70,000 files for every decision would take longer than a click may.
        source = list_pictures(self.data, self.label) if new else None
        cache = settings().cache
        decide(self.data, new, undo=undo, label=self.label, patch=self.patch, cache=cache, source=source)


def desk_of(run: RunView) -> Desk | None:
    """The desk of a run; None where run.json does not say what its data are."""
    return Desk(run.data, run.label, run.patch or patch_file(run.data)) if run.data else None


def waiting(desk: Desk, evidence: Evidence) -> frozenset[str]:
    """Paths of the pictures that the decisions of now would change in the run, those taken back included."""
    return _waiting(evidence, str(evidence.run.folder), evidence.run.fingerprint, str(desk.patch), desk.written())


def mark(decision: Decision | None) -> str:
    """A word for what was decided about a picture."""
    if decision is None:
        return ""
    return "left out" if decision.decision == "exclude" else f"→ {decision.label}"


@st.cache_data(max_entries=8, show_spinner=False)
def _read(patch: str, written: int) -> dict[str, Decision]:  # noqa: ARG001, a file written anew is another one
    return {decision.item: decision for decision in read_patch(Path(patch)) if decision.decision != "merge"}


@st.cache_data(max_entries=8, show_spinner=False)
def _waiting(
    _evidence: Evidence,
    run: str,  # noqa: ARG001, it and the next tell one evidence from another
    fingerprint: str,  # noqa: ARG001
    patch: str,
    written: int,  # noqa: ARG001, see above
) -> frozenset[str]:
    before = _evidence.run.dataset.table
    excluded = _evidence.run.dataset.excluded
    untouched = before.assign(label=before["label_given"], quarantine=before["quarantine"].where(~excluded, ""))
    now = apply_patch(untouched, read_patch(Path(patch))).table
    changed = (now["label"] != before["label"]) | (now["quarantine"].str.startswith(EXCLUDED) != excluded)
    return frozenset(before["path"][changed])
