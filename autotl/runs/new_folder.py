"""The folder of a new run: it belongs to the process that makes it, which may be killed half way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from autotl.errors import ConfigError
from autotl.runtime.atomic_files import is_temporary

LOCK_FILE = ".lock"
"""In a run folder; the process that works on the run holds it."""
DATASET_FILE, PAIRS_FILE = "dataset.parquet", "pairs.parquet"
_BEFORE_RUN_JSON = {LOCK_FILE, DATASET_FILE, PAIRS_FILE}


def require_free(folder: Path) -> None:
    """Raise ConfigError if the folder of a new run already holds something, but what a killed process began there."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())) and not _is_half_made(folder):
        hint = f"Continue it with `autotl resume {folder}`, or g" if (folder / "run.json").exists() else "G"
        raise ConfigError(f"{folder} already exists and is not empty. {hint}ive another folder with --run.")


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Make the folder of a new run, which no other process makes meanwhile; ConfigError if it is not free."""
    require_free(folder)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(folder / LOCK_FILE, timeout=0):
            require_free(folder)  # another process may have made it just now
            yield
    except filelock.Timeout:
        raise ConfigError(f"another process is making {folder}. Give another folder with --run.") from None


def _is_half_made(folder: Path) -> bool:
    """Whether a process was killed before it wrote run.json, which comes last."""
    names = {path.name for path in folder.iterdir() if not is_temporary(path)} if folder.is_dir() else set()
    return LOCK_FILE in names and names <= _BEFORE_RUN_JSON
