"""The name that a run's champion is registered under: which one to propose, and what speaks against one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autotl.deploy.model_facts import read_classes, read_columns, read_targets
from autotl.deploy.model_names import TrainedOn, propose_name
from autotl.deploy.replacement import reason_against_replacing
from autotl.interfaces import CHAMPION, Evaluator, RegisteredModel
from autotl_ui.models.exportable_models import may_read
from autotl_ui.widgets.words import spell_scores
from autotl_ui.workspace.data_sets import list_data_sets
from autotl_ui.workspace.evidence import evidence_to_compare
from autotl_ui.workspace.installed import loaded_plugins
from autotl_ui.workspace.runs import RunView, results_of
from autotl_ui.workspace.workspace import Workspace


def proposed_name(
    workspace: Workspace, run: RunView, runs: Sequence[RunView], models: Sequence[RegisteredModel]
) -> str:  # fmt: skip
    """The name to propose for a run's champion."""
    data = run.data.resolve() if run.data else None
    titles = [one.title for one in list_data_sets(workspace) if one.path.resolve() == data][:1]
    own = _trained_on(run, run.result.fingerprint if run.result else run.state.fingerprint)
    others = [_trained_on(one, one.state.fingerprint) for one in runs]
    return propose_name(own, others, models, titles=[*titles, data.stem if data else ""])


def doubts(workspace: Workspace, run: RunView, name: str, models: Sequence[RegisteredModel]) -> str:
    """Why a run's champion should perhaps not replace the champion of a name; empty where nothing is known."""
    champion = next((model.version_with_alias(CHAMPION) for model in models if model.name == name), None)
    if champion is None:
        return ""
    new = evidence_to_compare(run)
    readable = champion.folder if champion.folder and may_read(workspace, champion.folder) else None
    return spell_scores(
        reason_against_replacing(
            champion,
            new,
            champion_classes=_answers(readable) if readable else (),
            new_classes=_answers(run.champion),
            objective=loaded_plugins().all(Evaluator).get(new.objective),
        )
    )


def _answers(model: Path) -> tuple[str, ...]:
    """The classes that a model knows; of several targets, the columns that it returns."""
    return read_columns(model) if read_targets(model) else read_classes(model)


def _trained_on(run: RunView, fingerprint: str) -> TrainedOn:
    return TrainedOn(run.name, fingerprint, run.data, run.label or ",".join(results_of(run)) or None)
