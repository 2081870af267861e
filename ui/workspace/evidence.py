"""A run's evidence as its pages read it: once, and kept while it is among the latest."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from autotl.deploy.model_facts import read_metadata
from autotl.deploy.versions import evidence_of
from autotl.evidence.run_evidence import Evidence, Part, read_evidence
from autotl.evidence.wrong_answers import wrong_answers
from autotl.interfaces import VersionEvidence
from autotl_ui.workspace.runs import RunView


def find_evidence(run: Path) -> Evidence | None:
    """The evidence of a run; None if it has none, or if it is damaged. It is shared: nothing may change it."""
    return _read(str(run), _written(run)) if has_evidence(run) else None


def has_evidence(run: Path) -> bool:
    """Whether the run was ever given evidence, in whatever condition it is now."""
    return (run / "evidence" / "search.npz").exists()  # it is written first; the folder holds other things too


def find_answers(run: Path, part: Part) -> pd.DataFrame:
    """How the champion answered each image of a part, most confident first, for a run with evidence."""
    return _answers(str(run), _written(run), part)


def find_wrong_answers(run: Path, part: Part) -> pd.DataFrame:
    """The items of a part whose labels or number are answered wrongly, worst first, for a run with evidence."""
    return _wrong_answers(str(run), _written(run), part)


def evidence_to_compare(run: RunView) -> VersionEvidence:
    """What says whether a finished run's test score can be compared, as a registered version has it."""
    if run.result is None:
        return VersionEvidence()
    # The scores are those of the run, even where the folder of its model, which also names the test split, is gone.
    return evidence_of({**read_metadata(run.champion), **run.result.to_json(), "run": run.name})


@st.cache_resource(max_entries=2, show_spinner="Reading the evidence")
def _read(run: str, written: tuple[int, ...]) -> Evidence | None:  # noqa: ARG001, see above
    return read_evidence(Path(run))


@st.cache_resource(max_entries=4, show_spinner="Reading the evidence")
def _answers(run: str, written: tuple[int, ...], part: Part) -> pd.DataFrame:
    evidence = _read(run, written)
    if evidence is None:
        raise ValueError(f"{run} has no evidence")
    return evidence.answers(part).sort_values("confidence", ascending=False, kind="stable", ignore_index=True)


@st.cache_resource(max_entries=4, show_spinner="Reading the evidence")
def _wrong_answers(run: str, written: tuple[int, ...], part: Part) -> pd.DataFrame:
    evidence = _read(run, written)
    if evidence is None:
        raise ValueError(f"{run} has no evidence")
    return wrong_answers(evidence, part)


def _written(run: Path) -> tuple[int, ...]:
    files = [run / "dataset.parquet", *sorted((run / "evidence").glob("*"))]
    return tuple(file.stat().st_mtime_ns if file.exists() else 0 for file in files)
