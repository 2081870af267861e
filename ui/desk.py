"""The desk where decisions about the pictures of a run are noted: in the patch file of its data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import streamlit as st

from autotl.decisions import decide
from autotl.patch import Decision, patch_file, read_patch
from autotl.settings import settings
from autotl_ui.runs import RunView
from autotl_ui.workspace import root_folder

NOTE = "decided on the results page"


@dataclass(frozen=True)
class Desk:
    """Where decisions go. data, label: what the run was given. patch: the file that keeps them."""

    data: Path
    label: str | None
    patch: Path

    def decisions(self) -> dict[str, Decision]:
        """What was decided about single pictures, by path; AutoTLError where the patch file cannot be read."""
        written = self.patch.stat().st_mtime_ns if self.patch.exists() else 0
        return _read(str(self.patch), written)

    def note(self, new: Iterable[Decision], *, undo: Iterable[str] = ()) -> None:
        """Add decisions, and take others back; raises AutoTLError where they do not fit the data."""
        cache = settings().cache
        decide(self.data, new, undo=undo, label=self.label, patch=self.patch, cache=cache)


def desk_of(run: RunView) -> Desk | None:
    """The desk of a run; None where run.json does not say what its data are."""
    config = run.state.get("config")
    if not isinstance(config, Mapping) or not config.get("data"):
        return None
    # The command line was called in the folder that the app works in, or was given a whole path.
    data = root_folder() / str(config["data"])
    patch = root_folder() / str(config["patch"]) if config.get("patch") else patch_file(data)
    label = config.get("label")
    return Desk(data, str(label) if label else None, patch)


def waiting(decisions: Mapping[str, Decision], items: pd.DataFrame) -> dict[str, Decision]:
    """The decisions that the run with these items (path, label) has not been told of."""
    labels = dict(zip(items["path"], items["label"], strict=True)) if decisions else {}
    return {
        path: decision
        for path, decision in decisions.items()
        if path in labels and (decision.decision == "exclude" or decision.label != labels[path])
    }


def mark(decision: Decision | None) -> str:
    """A word for what was decided about a picture."""
    if decision is None:
        return ""
    return "excluded" if decision.decision == "exclude" else f"→ {decision.label}"


@st.cache_data(max_entries=8, show_spinner=False)
def _read(patch: str, written: int) -> dict[str, Decision]:  # noqa: ARG001, a file written anew is another one
    return {decision.item: decision for decision in read_patch(Path(patch)) if decision.decision != "merge"}
