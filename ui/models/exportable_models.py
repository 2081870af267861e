"""Models that can be taken away: the champions of finished runs, and the versions that are registered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autotl.interfaces import CHAMPION, ModelVersion, RegisteredModel
from autotl_ui.workspace.runs import RunView
from autotl_ui.workspace.workspace import Workspace

_PARTS = ("MLmodel", "model.onnx", "metadata.json", "predictor.py")


@dataclass(frozen=True)
class Takeable:
    """A deployable that somebody may take away.

    key: tells it from all others; made here. title: for people. address: models:/NAME/VERSION or models:/NAME@ALIAS,
    empty where it is not registered. run: the run it is the champion of, None where that is not here.
    """

    key: str
    title: str
    folder: Path
    address: str = ""
    run: RunView | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the table it answers with; empty where its metadata cannot be read."""
        columns = _read_names(self.folder, "columns")
        return ("label", *columns) if columns else ()

    @property
    def pictures(self) -> tuple[Path, ...]:
        """Pictures that came with it, to try it on."""
        try:
            items = json.loads((self.folder / "replay" / "expected.json").read_text(encoding="utf-8"))["items"]
            found = [self.folder / "replay" / Path(item["file"]).name for item in items]
        except (OSError, ValueError, KeyError, TypeError):
            return ()
        return tuple(picture for picture in found if picture.is_file())


def list_takeable(workspace: Workspace, runs: Sequence[RunView], models: Sequence[RegisteredModel]) -> list[Takeable]:
    """Registered champions first, then other versions, then the champions of runs, newest first."""
    versions = [version for model in models for version in model.versions]
    versions.sort(key=lambda version: CHAMPION not in version.aliases)
    found = [_of_version(version, runs) for version in versions if may_read(workspace, version.folder)]
    return found + [
        Takeable(_key(run.champion), f"Run {run.name}", run.champion, run=run)
        for run in runs
        if run.result and is_whole(run.champion)
    ]


def may_read(workspace: Workspace, folder: Path | None) -> bool:
    """Whether a folder that a registry names holds a model, and the workspace's owner may have it."""
    if folder is None or not is_whole(folder):
        return False
    return workspace.whole_machine or folder.resolve().is_relative_to(workspace.root.resolve())


def is_whole(folder: Path) -> bool:
    """Whether a folder holds a deployable."""
    return all((folder / part).is_file() for part in _PARTS)


def read_classes(folder: Path) -> tuple[str, ...]:
    """The classes that a deployable knows; empty where its metadata cannot be read."""
    return _read_names(folder, "classes")


def run_of(version: ModelVersion, runs: Sequence[RunView]) -> RunView | None:
    """The run that a version came from, where its folder is here and still holds the same data."""
    evidence = version.evidence
    return next(
        (
            run
            for run in runs
            if run.name == evidence.run and run.state.get("fingerprint", evidence.fingerprint) == evidence.fingerprint
        ),
        None,
    )


def _of_version(version: ModelVersion, runs: Sequence[RunView]) -> Takeable:
    assert version.folder is not None
    alias = f", {CHAMPION}" if CHAMPION in version.aliases else ""
    end = f"@{CHAMPION}" if CHAMPION in version.aliases else f"/{version.version}"
    title = f"{version.name}, version {version.version}{alias}"
    return Takeable(_key(version.folder), title, version.folder, f"models:/{version.name}{end}", run_of(version, runs))


def _read_names(folder: Path, fact: str) -> tuple[str, ...]:
    try:
        return tuple(map(str, json.loads((folder / "metadata.json").read_text(encoding="utf-8"))[fact]))
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def _key(folder: Path) -> str:
    return hashlib.sha256(str(folder).encode()).hexdigest()[:12]
