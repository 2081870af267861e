"""Models that can be downloaded, served or used from code: champions of finished runs, and registered versions."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autotl.data.item_kinds import IMAGES, KINDS, ItemKind
from autotl.deploy.deployable import is_deployable
from autotl.deploy.model_facts import read_columns, read_metadata, read_targets, replay_items
from autotl.interfaces import CHAMPION, ModelVersion, RegisteredModel
from autotl_ui.workspace.runs import RunView, has_model, title_of
from autotl_ui.workspace.workspace import Workspace


@dataclass(frozen=True)
class ExportableModel:
    """A deployable that the reader may use.

    key: identifies it. title: for the reader. address: models:/NAME/VERSION or models:/NAME@ALIAS,
    empty where it is not registered. run: the run whose champion it is, None if that is not here.
    """

    key: str
    title: str
    folder: Path
    address: str = ""
    run: RunView | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the table that it returns in MLflow; empty where they are unknown."""
        return read_columns(self.folder)

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets that it answers, if these are several."""
        return tuple(read_targets(self.folder))

    @property
    def items(self) -> tuple[Path, ...]:
        """Items that came with it, to try it on."""
        return replay_items(self.folder)

    @property
    def kind(self) -> ItemKind:
        """The kind of items that it takes."""
        return kind_in(self.folder)


def kind_in(folder: Path | None) -> ItemKind:
    """The kind of items that the model in a folder takes; images where the folder does not say it."""
    modality = read_metadata(folder).get("modality") if folder else None
    return KINDS.get(str(modality), IMAGES)


def list_exportable_models(
    workspace: Workspace, runs: Sequence[RunView], models: Sequence[RegisteredModel]
) -> list[ExportableModel]:
    """Registered champions first, then other versions, then the champions of runs, newest first."""
    versions = [version for model in models for version in model.versions]
    versions.sort(key=lambda version: CHAMPION not in version.aliases)
    found = [_of_version(version, runs) for version in versions if may_read(workspace, version.folder)]
    return found + [
        ExportableModel(_key(run.champion), f"Run {title_of(run)}", run.champion, run=run)
        for run in runs
        if has_model(run) and is_deployable(run.champion)
    ]


def may_read(workspace: Workspace, folder: Path | None) -> bool:
    """Whether a folder that a registry names holds a model that the owner of the workspace may read."""
    if folder is None or not is_deployable(folder):
        return False
    return workspace.whole_machine or folder.resolve().is_relative_to(workspace.root.resolve())


def run_of(version: ModelVersion, runs: Sequence[RunView]) -> RunView | None:
    """The run that a version came from, where its folder is here and still has the same data."""
    evidence = version.evidence
    return next(
        (
            run
            for run in runs
            if run.folder.name == evidence.run and run.state.fingerprint in ("", evidence.fingerprint)
        ),
        None,
    )


def _of_version(version: ModelVersion, runs: Sequence[RunView]) -> ExportableModel:
    assert version.folder is not None
    alias = f", {CHAMPION}" if CHAMPION in version.aliases else ""
    end = f"@{CHAMPION}" if CHAMPION in version.aliases else f"/{version.version}"
    title = f"{version.name}, version {version.version}{alias}"
    return ExportableModel(
        _key(version.folder), title, version.folder, f"models:/{version.name}{end}", run_of(version, runs)
    )


def _key(folder: Path) -> str:
    return hashlib.sha256(str(folder).encode()).hexdigest()[:12]
