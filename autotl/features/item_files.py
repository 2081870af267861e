"""The bytes of an item's file, which must be those that were scanned."""

from __future__ import annotations

import hashlib
from pathlib import Path

from autotl.data.dataset import Dataset
from autotl.errors import ItemLostError

_REMEDY = "Put it back and carry on with `autotl resume`, or start a new search"


def read_item(dataset: Dataset, item: int) -> bytes:
    """The bytes of an item; ItemLostError if its file has changed since the scan."""
    path = dataset.path(item)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _lost(path, error) from error
    _require_same(dataset, item, hashlib.sha256(data).hexdigest())
    return data


def require_unchanged(dataset: Dataset, item: int) -> None:
    """Raise ItemLostError if the file of an item, which may be large, has changed since the scan."""
    path = dataset.path(item)
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _lost(path, error) from error
    _require_same(dataset, item, digest)


def _require_same(dataset: Dataset, item: int, digest: str) -> None:
    # Features are kept by the content's hash: those of an edited item must not be kept under the old one.
    if digest != dataset.items["sha256"].iloc[item]:
        raise ItemLostError(f"{dataset.path(item)} has changed since the data were scanned. {_REMEDY}.")


def _lost(path: Path, error: OSError) -> ItemLostError:
    reason = f"{path} was read when the data were scanned, and cannot be read now: {error.strerror or error}"
    return ItemLostError(f"{reason}. {_REMEDY} without it.")
