"""Uploaded tables of labels may name pictures that came with them, and no other file of this machine."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from autotl.errors import AutoTLError, DatasetError
from autotl.settings import settings
from autotl.sources import open_source


def require_confined(data: Path, label: str | None = None) -> None:
    """Raise DatasetError where data that were uploaded name a picture outside of them; what else is wrong is no matter.

    data, label: as for `autotl.sources.open_source`.
    """
    try:
        source = open_source(data, label=label, cache=settings().cache, need_labels=False)
    except AutoTLError:  # then nothing can be read from it either
        return
    # Also those that are not there: they may come to be, and nobody is to learn which files this machine has.
    for path in source.table["path"]:
        if PurePosixPath(path).is_absolute() or ".." in path.split("/") or ":" in path.partition("/")[0]:
            raise DatasetError(
                f"A table of labels names {path}, which is not part of the upload. Give the pictures' paths relative "
                "to the table, and upload the folder that holds both."
            )
