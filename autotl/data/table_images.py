"""Images stored in a table's cells, as bytes or base64."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

import pandas as pd

from autotl.cache.content_folders import new_folder, unpacked_once
from autotl.data.named_files import RowFiles, row_name
from autotl.data.tables import holds_bytes
from autotl.images.file_info import suffix_of
from autotl.runtime.progress import OnProgress

_SAMPLE = 200


def write_images(column: pd.Series, table: Path, cache: Path, progress: OnProgress | None) -> RowFiles:
    """Write the images stored in a column to files below the cache, once per content of the table."""

    def write(folder: Path) -> dict[str, str]:
        reasons = {}
        with new_folder(folder) as temporary:
            for number, value in enumerate(column, start=1):
                data, reason = _payload(value)
                name = row_name(number, len(column)) + suffix_of(data)
                if data and not Path(name).suffix:
                    reason = "the row does not contain an image of a known format"
                if not reason:
                    (temporary / name).write_bytes(data)
                reasons[name] = reason
                if progress:
                    progress(number, len(column))
        return reasons

    unpacked = unpacked_once(table, cache, write, part=str(column.name))
    return RowFiles(unpacked.folder, list(unpacked.notes), list(unpacked.notes.values()))


def holds_images(column: pd.Series) -> bool:
    """Whether a column contains images, as bytes or base64."""
    if holds_bytes(column):
        return True
    starts = [_payload(text[:100].rpartition(",")[2][:64])[0] for text in sample(column)]
    return 2 * sum(bool(suffix_of(start)) for start in starts) > len(starts)


def sample(column: pd.Series) -> pd.Series:
    """About 200 filled rows of a column, enough to judge what it contains."""
    filled = column[column.str.len() > 0]
    return filled.iloc[:: max(1, len(filled) // _SAMPLE)]


def _payload(value: object) -> tuple[bytes, str]:
    """The bytes in a cell, or the reason why there are none."""
    if isinstance(value, bytes):
        return value, "" if value else "the row contains no image"
    text = "".join(str(value).split())
    if text.startswith("data:"):
        text = text.partition(",")[2]
    if not text:
        return b"", "the row contains no image"
    text = text.translate(str.maketrans("-_", "+/")).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True), ""
    except (binascii.Error, ValueError):
        return b"", "the text in the row is not base64"
