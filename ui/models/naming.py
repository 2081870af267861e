"""The name that a run's champion is registered under: which one to propose, and what speaks against one."""

from __future__ import annotations

import re
from collections.abc import Sequence

from autotl.deploy.registry import MAX_NAME_LENGTH
from autotl.deploy.versions import caveats
from autotl.interfaces import CHAMPION, Evaluator, ModelVersion, RegisteredModel
from autotl_ui.models.exportable_models import may_read, read_classes, run_of
from autotl_ui.widgets.words import score_name
from autotl_ui.workspace.data_sets import list_data_sets
from autotl_ui.workspace.evidence import evidence_to_compare
from autotl_ui.workspace.installed import loaded_plugins
from autotl_ui.workspace.runs import RunView
from autotl_ui.workspace.scores import score_text
from autotl_ui.workspace.workspace import Workspace

N_CLASSES_NAMED = 6
_ROOM_FOR_A_NUMBER = 5


def propose_name(
    workspace: Workspace, run: RunView, runs: Sequence[RunView], models: Sequence[RegisteredModel]
) -> str:  # fmt: skip
    """The name of the latest version that the same data led to, else one of the data's own that no model has."""
    versions = [version for model in models for version in model.versions]
    for version in sorted(versions, key=lambda version: -version.created):
        if _is_of_same_data(version, run, runs):
            return version.name
    data = run.data.resolve() if run.data else None
    title = next((one.title for one in list_data_sets(workspace) if one.path.resolve() == data), "")
    wanted = _fitting(title) or _fitting(data.stem if data else "") or _fitting(run.name)
    taken = {model.name for model in models}
    number, name = 2, wanted
    while name in taken:
        name, number = f"{wanted} {number}", number + 1
    return name


def doubts(workspace: Workspace, run: RunView, name: str, models: Sequence[RegisteredModel]) -> str:
    """Why a run's champion should perhaps not take the place of a name's present one; empty where nothing is known."""
    present = next((model.version_with_alias(CHAMPION) for model in models if model.name == name), None)
    if present is None:
        return ""
    who = f"Version {present.version}, the champion of {name} now,"
    own = read_classes(run.champion)
    theirs = read_classes(present.folder) if present.folder and may_read(workspace, present.folder) else ()
    if own and theirs and set(own) != set(theirs):
        return (
            f"{who} knows other classes: {_named(theirs)}. This run knows {_named(own)}. Whoever loads the champion of "
            f"{name} would get answers of another kind."
        )
    before, after = present.evidence, evidence_to_compare(run)
    if not caveats({name: before, run.name: after}) and _is_worse(after.objective, after.test.value, before.test.value):
        return (
            f"{who} did better on the same test pictures: {score_name(after.objective)} {score_text(before.test)} "
            f"against {score_text(after.test)} of this run."
        )
    return ""


def _is_of_same_data(version: ModelVersion, run: RunView, runs: Sequence[RunView]) -> bool:
    if run.result and run.result.fingerprint and version.evidence.fingerprint == run.result.fingerprint:
        return True
    earlier = run_of(version, runs)  # whose labels may have been others
    return bool(
        earlier and run.data and earlier.data
        and earlier.data.resolve() == run.data.resolve() and earlier.label == run.label
    )  # fmt: skip


def _is_worse(objective: str, value: float, other: float) -> bool:
    evaluator = loaded_plugins().all(Evaluator).get(objective)
    if evaluator is None:
        return False
    return value < other if evaluator.larger_is_better else value > other


def _fitting(title: str) -> str:
    """A title without what cannot stand in a model's name; empty where nothing is left."""
    words = " ".join(re.sub(r"[^\w -]+", " ", title).split())
    return words[: MAX_NAME_LENGTH - _ROOM_FOR_A_NUMBER].strip(" -")


def _named(classes: Sequence[str]) -> str:
    more = len(classes) - N_CLASSES_NAMED
    return ", ".join(classes[:N_CLASSES_NAMED]) + (f" and {more} more" if more > 0 else "")
