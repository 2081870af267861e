"""What a check and a model have said about labels, read leniently: they only order what people look at."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import streamlit as st

from autotl.evidence import read_evidence
from autotl_ui.subjects import Subject
from autotl_ui.workspace import Workspace

CHECK = "label-errors"
_COLUMNS = ["path", "label", "predicted", "confidence"]
_MAX_BYTES = 50 << 20


def read_suspects(workspace: Workspace, subject: Subject) -> tuple[str, ...]:
    """The items whose label the last check of this data set doubts, worst first; empty where there was none."""
    if not subject.name or not workspace.data.is_dir():
        return ()
    documents = [path for path in workspace.data.glob(f"{subject.name}[.-]*.json") if path.is_file()]
    documents += workspace.data.glob(f"{subject.name}/*.json") if subject.data.parent != workspace.data else []
    for path in sorted(documents, key=_changed, reverse=True):
        found = _suspects(str(path), _changed(path))
        if found is not None:
            return found
    return ()


def read_answers(subject: Subject) -> pd.DataFrame | None:
    """What the newest run that kept them answered in its search: path, label, predicted, confidence."""
    for run in subject.runs:
        marks = [_changed(path) for path in (run.folder / "run.json", run.folder / "evidence" / "evaluations.json")]
        answers = _answers(str(run.folder), max(marks))
        if answers is not None:
            return answers
    return None


@st.cache_data(max_entries=16, show_spinner=False)
def _suspects(path: str, written: int) -> tuple[str, ...] | None:  # noqa: ARG001, a document written anew is another one
    """None where the file is no check's document."""
    try:
        if Path(path).stat().st_size > _MAX_BYTES:
            return None
        document = json.loads(Path(path).read_text(encoding="utf-8"))
        findings = document["findings"]
        items = [item for finding in findings if finding["check"] == CHECK for item in finding["items"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return tuple(dict.fromkeys(item for item in items if isinstance(item, str)))


@st.cache_resource(max_entries=3, show_spinner=False)
def _answers(folder: str, written: int) -> pd.DataFrame | None:  # noqa: ARG001, as above
    try:
        evidence = read_evidence(Path(folder))
        return None if evidence is None else evidence.answers("search")[_COLUMNS]
    except Exception:  # whatever is wrong with a run's evidence, labelling goes on without it
        return None


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
