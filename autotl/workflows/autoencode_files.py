"""The folder of an autoencoder in its run: it is there as a whole, or as it was before."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from autotl.errors import RunError
from autotl.runs.autoencoders import FOLDER, NUMBERS_FILE, AutoencoderResult, autoencoder_folder

_LOCK = ".lock"


@contextmanager
def locked(run: Path) -> Iterator[None]:
    """Keep other processes from training an autoencoder for this run; RunError if one does."""
    folder = run / FOLDER
    folder.mkdir(exist_ok=True)
    try:
        with filelock.FileLock(folder / _LOCK, timeout=0):
            _tidy(folder)
            yield
    except filelock.Timeout:
        raise RunError(
            f"another process is training an autoencoder for {run}. Wait until it has finished, or stop it."
        ) from None


@contextmanager
def new_results(run: Path, name: str) -> Iterator[Path]:
    """A hidden folder that replaces the results of a method in the end, and is removed if anything is raised."""
    target = autoencoder_folder(run, name)
    temporary, former = (target.with_name(f".{name}.{uuid.uuid4().hex}") for _ in range(2))
    try:
        temporary.mkdir()
        yield temporary
        if target.exists():
            target.rename(former)
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if target.exists():
            shutil.rmtree(former, ignore_errors=True)


def write_numbers(folder: Path, result: AutoencoderResult) -> None:
    """Write the numbers, last of all: that they are there says that the folder is complete."""
    document = json.dumps(result.to_json(), indent=2, allow_nan=False, ensure_ascii=True)
    (folder / NUMBERS_FILE).write_text(document, encoding="utf-8")


def _tidy(folder: Path) -> None:
    """Remove what killed processes left half written, and put back what one had moved aside to replace it."""
    for leftover in folder.glob(".*.*"):
        target = folder / leftover.name[1:].rpartition(".")[0]
        if (leftover / NUMBERS_FILE).exists() and not target.exists():
            leftover.rename(target)
        else:
            shutil.rmtree(leftover, ignore_errors=True)
