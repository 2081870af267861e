"""A run's evidence as its pages read it: once, and kept while it is among the latest."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

import pandas as pd
import streamlit as st

from autotl.errors import RunError
from autotl.evidence.run_evidence import Evidence, read_evidence
from autotl.interfaces import VersionEvidence
from autotl.runs.run import open_run
from autotl_ui.workspace.runs import RunView

Part: TypeAlias = Literal["search", "test"]


def find_evidence(run: Path) -> Evidence | None:
    """The evidence of a run; None where it has none, or where it is damaged. It is shared: nothing may change it."""
    return _read(str(run), _written(run)) if has_evidence(run) else None


def has_evidence(run: Path) -> bool:
    """Whether the run was ever given evidence, in whatever condition it is now."""
    return (run / "evidence" / "search.npz").exists()  # it is written first; the folder holds other things too


def find_answers(run: Path, part: Part) -> pd.DataFrame:
    """How the champion answered each image of a part, most confident first, for a run with evidence."""
    return _answers(str(run), _written(run), part)


def evidence_to_compare(run: RunView) -> VersionEvidence:
    """What says whether a finished run's test score can be compared, as a registered version has it."""
    if run.result is None:
        return VersionEvidence()
    return VersionEvidence(
        objective=run.result.objective,
        test=run.result.test[run.result.objective],
        fingerprint=run.result.fingerprint,
        test_fingerprint=_fingerprint_of_test(run.folder),
    )


def _fingerprint_of_test(run: Path) -> str:
    """Of the test split; empty where it is not known."""
    try:
        return _read_fingerprint(str(run), (run / "dataset.parquet").stat().st_mtime_ns)
    except OSError:
        return ""


@st.cache_resource(max_entries=2, show_spinner="Reading the evidence")
def _read(run: str, written: tuple[int, ...]) -> Evidence | None:  # noqa: ARG001, see above
    evidence = read_evidence(Path(run))
    return evidence if evidence and _is_whole(evidence) else None


@st.cache_resource(max_entries=4, show_spinner="Reading the evidence")
def _answers(run: str, written: tuple[int, ...], part: Part) -> pd.DataFrame:
    evidence = _read(run, written)
    if evidence is None:
        raise ValueError(f"{run} has no evidence")
    return evidence.answers(part).sort_values("confidence", ascending=False, kind="stable", ignore_index=True)


def _is_whole(evidence: Evidence) -> bool:
    """Whether evaluations and predictions speak of the same classes."""
    classes = evidence.test.classes
    shape = (len(classes), len(classes))
    evaluations, predictions = (evidence.search, evidence.test), (evidence.searched, evidence.tested)
    return all(e.classes == classes and e.confusion.shape == shape for e in evaluations) and all(
        p.probabilities.shape[1:] == shape[1:] for p in predictions
    )


def _written(run: Path) -> tuple[int, ...]:
    files = [run / "dataset.parquet", *sorted((run / "evidence").glob("*"))]
    return tuple(file.stat().st_mtime_ns if file.exists() else 0 for file in files)


@st.cache_data(max_entries=64, show_spinner=False)
def _read_fingerprint(run: str, written: int) -> str:  # noqa: ARG001, a table written again is another one
    try:
        return open_run(Path(run)).test_fingerprint
    except (RunError, OSError, KeyError, TypeError, ValueError, AttributeError):  # damaged in one way or another
        return ""
