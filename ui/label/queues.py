"""The labelling queues of the data that a person has chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from autotl.checks.label_queues import Queue, make_queues
from autotl.data.class_order import extend_order, read_order
from autotl.data.codings import NotKept, decisions_by_image, keep_decisions
from autotl.data.current_labels import CurrentLabels, current_labels
from autotl.data.item_kinds import KINDS, ItemKind
from autotl.data.patch import Decision, read_patch
from autotl.settings import settings
from autotl_ui.workspace.checks import read_findings
from autotl_ui.workspace.data_sets import find_data_set
from autotl_ui.workspace.evidence import find_answers, find_evidence
from autotl_ui.workspace.runs import has_classes
from autotl_ui.workspace.subjects import Subject, open_subject
from autotl_ui.workspace.workspace import Workspace

CHECK = "label-errors"


@dataclass(frozen=True)
class SubjectQueues:
    """The current labels of a subject's items, their kind, and its queues that are not empty."""

    kind: ItemKind
    labels: CurrentLabels
    queues: tuple[Queue, ...]


def open_queues(workspace: Workspace, subject: Subject) -> SubjectQueues:
    """Read a subject; DatasetError if its data or its patch file cannot be read."""
    order = read_order(subject.patch_file)
    source = open_subject(subject)
    labels = current_labels(source, read_patch(subject.patch_file), order=order)
    decisions = decisions_by_image(subject.patch_file)
    suspects, answers = _suspects(workspace, subject), _answers(subject)
    return SubjectQueues(
        KINDS[source.modality], labels, tuple(make_queues(labels, decisions, suspects=suspects, answers=answers))
    )


def keep(
    subject: Subject, changes: Mapping[str, Decision | None], *, seen: Mapping[str, Decision | None]
) -> NotKept:  # fmt: skip
    """Keep decisions about a subject's images; see `keep_decisions`."""
    return keep_decisions(
        subject.data, changes, patch=subject.patch, cache=settings().cache, open_data=lambda: open_subject(subject),
        seen=seen,
    )  # fmt: skip


def keep_classes(subject: Subject, classes: tuple[str, ...]) -> tuple[str, ...]:
    """Keep the order of a subject's classes with its data; returns these with those that others have added since."""
    return tuple(dict.fromkeys((*classes, *extend_order(subject.patch_file, classes, cache=settings().cache))))


def _suspects(workspace: Workspace, subject: Subject) -> tuple[str, ...]:
    """The images whose label the last check of this dataset doubts, worst first; empty where there was no check."""
    data_set = find_data_set(workspace, subject.name) if subject.name else None
    found = read_findings(workspace, data_set) if data_set else ()
    return tuple(dict.fromkeys(item for finding in found if finding.check == CHECK for item in finding.items))


def _answers(subject: Subject) -> pd.DataFrame | None:
    """The answers of the newest run that kept them: path, label, predicted, confidence, ..."""
    # Only answers of one class each are put in a row by how sure they are.
    newest = next((run for run in subject.runs if has_classes(run) and find_evidence(run.folder)), None)
    return find_answers(newest.folder, "search") if newest else None
