"""The end of an upload: it becomes a dataset once everything is there, else it waits to be continued or discarded."""

from __future__ import annotations

import os
import shutil
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

from autotl.data.confined_tables import require_confined
from autotl.data.listing import TABLE_SUFFIXES
from autotl.errors import DatasetError
from autotl_ui.uploads.selection import ARCHIVE_SUFFIXES
from autotl_ui.uploads.upload import Upload, UploadError, find_upload, upload_identities, write_manifest
from autotl_ui.workspace.data_sets import DataSet, free_name, free_title, save_data_set
from autotl_ui.workspace.workspace import Workspace

KEPT_SECONDS = 7 * 24 * 3600
"""How long an unfinished upload waits."""
ACTIVE_SECONDS = 30
_finishing = threading.Lock()


@dataclass(frozen=True)
class UnfinishedUpload:
    """An upload that was interrupted, or is under way. touched: when bytes last arrived, in seconds since the epoch."""

    identity: str
    title: str
    n_files: int
    n_there: int
    n_bytes: int
    touched: float

    @property
    def active(self) -> bool:
        """Whether it seems to be under way, perhaps in another window."""
        return time.time() - self.touched < ACTIVE_SECONDS


def finish_upload(workspace: Workspace, identity: str, *, whole: bool = True) -> DataSet:
    """Make a dataset of an upload; a kill at any moment leaves it such that this can be done again.

    whole: refuse where files are missing. Raises UploadError.
    """
    with _finishing:
        upload = begun = find_upload(workspace.data, identity)
        if not upload.name:
            there = {number for number, size in upload.arrived().items() if upload.by_number[number].size == size}
            missing = len(upload.wanted) - len(there)
            if missing and (whole or not there):
                raise UploadError(f"{missing:,} of {len(upload.wanted):,} files have not arrived yet.", status=409)
            late = f"{missing:,} that had not arrived" if missing else ""
            upload = replace(
                upload, name=free_name(workspace, upload.title), title=free_title(workspace, upload.title),
                skipped=", ".join(filter(None, (upload.skipped, late))),
            )  # fmt: skip
            write_manifest(upload)
        folder = workspace.data / upload.name
        if upload.files.is_dir():
            upload.files.rename(folder)
        try:
            require_confined(folder)
        except DatasetError as error:
            folder.rename(upload.files)
            write_manifest(replace(begun, name=""))
            raise UploadError(str(error)) from None
        data_set = DataSet(upload.name, upload.title, _path(folder), skipped=upload.skipped)
        save_data_set(workspace, data_set)
        shutil.rmtree(upload.folder, ignore_errors=True)
        return data_set


def list_unfinished(workspace: Workspace) -> list[UnfinishedUpload]:
    """The uploads that wait; those that have waited too long are deleted."""
    found = []
    for identity in upload_identities(workspace.data):
        try:
            upload = find_upload(workspace.data, identity)
            if upload.name:  # a kill came between its last steps
                finish_upload(workspace, identity)
                continue
            touched = _touched(upload)
        except (UploadError, OSError):
            continue
        if time.time() - touched > KEPT_SECONDS:
            shutil.rmtree(upload.folder, ignore_errors=True)
            continue
        n_there = sum(len(names) for _, _, names in os.walk(upload.files))  # where only whole files appear
        n_files = len(upload.wanted)
        found.append(UnfinishedUpload(identity, upload.title, n_files, n_there, upload.n_bytes, touched))
    return sorted(found, key=lambda one: -one.touched)


def discard(workspace: Workspace, identity: str) -> None:
    """Delete an unfinished upload."""
    try:
        shutil.rmtree(find_upload(workspace.data, identity).folder, ignore_errors=True)
    except UploadError:
        return


def _path(folder: Path) -> Path:
    """What the command line is given: the folder, or the archive or table that is the only file in it."""
    inside = list(folder.iterdir())
    single = inside[0].name.lower() if len(inside) == 1 else ""
    return inside[0] if single.endswith((*ARCHIVE_SUFFIXES, *TABLE_SUFFIXES)) and inside[0].is_file() else folder


def _touched(upload: Upload) -> float:
    return max(path.stat().st_mtime for path in (upload.folder, upload.parts) if path.exists())
