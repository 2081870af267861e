"""Candidates from EXIF data: the camera, bursts and sessions."""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from autotl.data.candidate_groups.candidate import GroupCandidate, make_candidate

_FIELDS = ("BodySerialNumber", "Model", "DateTimeOriginal", "DateTime", "SubsecTimeOriginal")
_CAMERA_FIELDS = ("BodySerialNumber", "Model")
_N_PROBED = 40
"""Where so many images have none of the fields, the others are not opened."""
BURST, SESSION = "burst", "session"
BURST_SECONDS, SESSION_SECONDS = 10, 30 * 60
"""A longer pause between one image and the next of the same camera begins another burst, or session."""
_TIME_IN_NAME = re.compile(r"(?<!\d)((?:19|20)\d{6})[-_T ]?(\d{6})(?!\d)")


def by_exif(items: pd.DataFrame, root: Path) -> Iterator[GroupCandidate]:
    """Cameras by serial number and model, and images taken within seconds, or within half an hour, of the one before.

    Times in file names such as IMG_20240131_120501 count where EXIF has none.
    """
    fields = read_exif(items, root, _FIELDS)
    for field in _CAMERA_FIELDS:
        if fields is not None and (fields[field] != "").any():
            yield make_candidate(
                items, f"exif:{field}", fields[field], how=f"the camera, by its EXIF field {field}", of="camera"
            )
    camera = fields["BodySerialNumber"] + " " + fields["Model"] if fields is not None else pd.Series("", items.index)
    seconds = _seconds(items, fields)
    if seconds.notna().mean() < 0.5:
        return
    for name, pause, words in (
        (BURST, BURST_SECONDS, f"at most {BURST_SECONDS} seconds"),
        (SESSION, SESSION_SECONDS, f"at most {SESSION_SECONDS // 60} minutes"),
    ):
        group = _runs(seconds, camera, pause)
        yield make_candidate(items, name, group, how=f"images taken {words} after the one before", of=name)


def read_exif(items: pd.DataFrame, root: Path, names: Sequence[str]) -> pd.DataFrame | None:
    """EXIF fields of each item as text; None if the first items checked have none."""
    from autotl.images.decoder import UnreadableImage
    from autotl.images.file_info import exif_values

    def read(path: str) -> tuple[str, ...]:
        try:
            return exif_values(root / path, names)
        except (UnreadableImage, OSError):  # the scan reports it
            return ("",) * len(names)

    paths = items["path"].to_numpy()
    probed = np.linspace(0, len(paths) - 1, min(_N_PROBED, len(paths))).astype(int)
    if not any(any(read(path)) for path in paths[probed]):
        return None
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return pd.DataFrame(list(pool.map(read, paths)), columns=list(names), index=items.index)


def _seconds(items: pd.DataFrame, fields: pd.DataFrame | None) -> pd.Series:
    """When each image was taken, in seconds; NaN where that is not known."""
    if fields is not None:
        time = fields["DateTimeOriginal"].where(fields["DateTimeOriginal"] != "", fields["DateTime"])
        found = time.map(lambda text: _moment(text, "%Y:%m:%d %H:%M:%S"))
        if found.notna().any():
            return found
    named = items["path"].str.rsplit("/", n=1).str[-1].str.extract(_TIME_IN_NAME).fillna("")
    return (named[0] + named[1]).map(lambda text: _moment(text, "%Y%m%d%H%M%S"))


def _moment(text: str, form: str) -> float:
    try:
        return (datetime.datetime.strptime(text[:19], form) - datetime.datetime(1900, 1, 1)).total_seconds()
    except ValueError:
        return float("nan")


def _runs(seconds: pd.Series, camera: pd.Series, pause: float) -> pd.Series:
    """The run of images without a pause that each belongs to, per camera, as text; empty without a time."""
    table = pd.DataFrame({"seconds": seconds, "camera": camera}).dropna().sort_values(["camera", "seconds"])
    begins = (table["camera"] != table["camera"].shift()) | (table["seconds"].diff() > pause)
    number = begins.cumsum()
    first = pd.to_timedelta(table["seconds"].groupby(number).transform("min"), unit="s") + pd.Timestamp(1900, 1, 1)
    named = first.dt.strftime("%Y-%m-%d %H:%M:%S") + table["camera"].str.strip().map(lambda text: f" {text}".rstrip())
    return named.reindex(seconds.index).fillna("")
