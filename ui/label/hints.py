"""What a check and a model have said about labels; it only orders what people look at."""

from __future__ import annotations

import pandas as pd

from autotl_ui.workspace.checks import read_findings
from autotl_ui.workspace.data_sets import find_data_set
from autotl_ui.workspace.evidence import find_answers, find_evidence
from autotl_ui.workspace.subjects import Subject
from autotl_ui.workspace.workspace import Workspace

CHECK = "label-errors"


def read_suspects(workspace: Workspace, subject: Subject) -> tuple[str, ...]:
    """The items whose label the last check of this data set doubts, worst first; empty where there was none."""
    data_set = find_data_set(workspace, subject.name) if subject.name else None
    found = read_findings(workspace, data_set) if data_set else ()
    return tuple(dict.fromkeys(item for finding in found if finding.check == CHECK for item in finding.items))


def read_answers(subject: Subject) -> pd.DataFrame | None:
    """What the newest run that kept them answered in its search: path, label, predicted, confidence, ..."""
    newest = next((run for run in subject.runs if find_evidence(run.folder)), None)
    return find_answers(newest.folder, "search") if newest else None
