"""The beginning of an upload: a list of files becomes a folder to put them in, if there is room."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autotl_ui.uploads.selection import Selection, SentFile, printable, select_files
from autotl_ui.uploads.upload import (
    INCOMING,
    Upload,
    UploadError,
    find_upload,
    upload_identities,
    write_manifest,
)
from autotl_ui.widgets.words import megabytes

MOST_TITLE_LETTERS = 80
SPARE_BYTES = 256 * 2**20
"""Left free on the disk at all times."""


@dataclass(frozen=True)
class Limits:
    """How much may be uploaded: files at once, bytes per file, per upload, and of all uploads of a workspace."""

    files: int = 200_000
    file_bytes: int = 8 * 2**30
    upload_bytes: int = 32 * 2**30
    workspace_bytes: int = 64 * 2**30


@dataclass(frozen=True)
class BegunUpload:
    """An upload that has begun, and what was selected for it."""

    upload: Upload
    selection: Selection


def begin_upload(data: Path, sent: Sequence[SentFile], limits: Limits) -> BegunUpload:
    """Make ready for the wanted files of a list; the same list again continues the same upload.

    data: the workspace's folder of datasets. Raises UploadError if nothing can be taken, or if it is too much.
    """
    if len(sent) > limits.files:
        raise UploadError(
            f"These are {len(sent):,} files; at most {limits.files:,} can be uploaded at once. Give the path of the "
            "folder on the machine that runs the app, or drop a part of it.",
            status=413,
        )
    selection = select_files(sent, max_file_bytes=limits.file_bytes)
    text = json.dumps([selection.title, [[file.path, file.size, file.modified] for file in sent]])
    identity = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:20]
    title = printable(selection.title)[:MOST_TITLE_LETTERS].strip() or "images"
    upload = Upload(data / INCOMING / identity, title, selection.wanted, skipped=selection.skipped_in_words)
    _require_room(data, upload, limits)
    for needed in (upload.files, upload.parts):
        needed.mkdir(parents=True, exist_ok=True)
    write_manifest(upload)
    return BegunUpload(upload, selection)


def _require_room(data: Path, upload: Upload, limits: Limits) -> None:
    size = upload.n_bytes
    if size > limits.upload_bytes:
        raise UploadError(
            f"These are {megabytes(size)}; at most {megabytes(limits.upload_bytes)} can be uploaded at once. Give the "
            "path of the folder on the machine that runs the app, or drop a part of it.",
            status=413,
        )
    data.mkdir(parents=True, exist_ok=True)
    arrived = _bytes_below(upload.folder)
    there = _bytes_below(data) - arrived + _bytes_to_come(data, but=upload.folder)
    if there + size > limits.workspace_bytes:
        raise UploadError(
            f"These are {megabytes(size)}, and {megabytes(there)} are there already; a workspace may hold "
            f"{megabytes(limits.workspace_bytes)}. Delete a dataset that is no longer needed.",
            status=413,
        )
    free = shutil.disk_usage(data).free
    if size - arrived + SPARE_BYTES > free:
        raise UploadError(
            f"These are {megabytes(size)}, and the disk has {megabytes(free)} left. Make room there first.", status=507
        )


def _bytes_to_come(data: Path, *, but: Path) -> int:
    """The bytes still missing of other uploads that have begun, each of which was promised its room."""
    total = 0
    for identity in upload_identities(data):
        with contextlib.suppress(UploadError):
            other = find_upload(data, identity)
            if other.folder != but:
                total += max(0, other.n_bytes - _bytes_below(other.folder))
    return total


def _bytes_below(folder: Path) -> int:
    """Bytes of all files below a folder; links are not followed."""
    total, pending = 0, [str(folder)]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:  # gone meanwhile
            continue
    return total
