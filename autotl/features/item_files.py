"""The bytes of an item's file, which must be those that were scanned."""

from __future__ import annotations

import hashlib

from autotl.data.dataset import Dataset
from autotl.errors import ItemLostError

_REMEDY = "Put it back and carry on with `autotl resume`, or start a new search"


def read_item(dataset: Dataset, item: int) -> bytes:
    """The bytes of an item; ItemLostError if its file has changed since the scan."""
    path = dataset.path(item)
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = f"{path} was read when the data were scanned, and cannot be read now: {error.strerror or error}"
        raise ItemLostError(f"{reason}. {_REMEDY} without it.") from error
    # Features are kept by the content's hash: those of an edited item must not be kept under the old one.
    if hashlib.sha256(data).hexdigest() != dataset.items["sha256"].iloc[item]:
        raise ItemLostError(f"{path} has changed since the data were scanned. {_REMEDY}.")
    return data
