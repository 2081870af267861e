"""Facts about every image, read once per content: can it be decoded, its format and size, and what it looks like."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from autotl.cache.record_store import RecordStore
from autotl.images.alignment import MINIATURE_EDGE, miniature
from autotl.images.appearance import EDGE, measure
from autotl.images.decoder import DECODER_VERSION, HEIC, UnreadableImage
from autotl.images.file_info import read_header_and_image
from autotl.runtime.child_process import Isolated
from autotl.runtime.progress import OnProgress

_VERSION = 1
"""Changes whenever the same pixels would give other facts."""
_FACTS = np.dtype(
    [
        ("format", "U8"), ("mode", "U8"), ("width", np.int32), ("height", np.int32), ("frames", np.int32),
        ("brightness_p5", np.float32), ("brightness_p99", np.float32), ("contrast", np.float32),
        ("sharpness", np.float32), ("colourfulness", np.float32),
    ]
)  # fmt: skip
_RECORD = np.dtype([("facts", _FACTS), ("miniature", np.uint8, (3, MINIATURE_EDGE, MINIATURE_EDGE))])
FACT_COLUMNS = tuple(_FACTS.names or ())
_KEPT_AT_ONCE = 4096


@dataclass(frozen=True)
class ImageFacts:
    """The facts about some files.

    facts: one row per file, with the columns FACT_COLUMNS (0 or empty where the file cannot be decoded).
    miniatures: uint8 (n, 3, 32, 32). quarantine: why a file cannot be decoded, or empty; text (n,).
    """

    facts: pd.DataFrame
    miniatures: np.ndarray
    quarantine: np.ndarray


def read_facts(
    root: Path, paths: np.ndarray, digests: np.ndarray, *, cache: Path, progress: OnProgress | None = None
) -> ImageFacts:
    """Decode files at a small size; files whose content is known are read from the cache.

    paths: relative to root. digests: SHA-256 of each file, bytes (n,).
    """
    digests, first, place = _distinct(digests)
    paths = paths[first]
    store = RecordStore(cache / "facts" / f"v{_VERSION}-d{DECODER_VERSION}", _RECORD)
    records, known = store.read(digests)
    reasons = np.full(len(paths), "", dtype=object)
    missing = np.flatnonzero(~known)
    done = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool, closing(Isolated("images.facts", "_record_bytes")) as isolated:
        for start in range(0, len(missing), _KEPT_AT_ONCE):
            part = missing[start : start + _KEPT_AT_ONCE]
            for i, record in zip(part, pool.map(lambda i: _read_safely(root / paths[i], isolated), part), strict=True):
                if isinstance(record, str):
                    reasons[i] = record
                else:
                    records[i] = record
                done += 1
                if progress and (done % 64 == 0 or done == len(missing)):
                    progress(done, len(missing))
            readable = part[reasons[part] == ""]
            if len(readable):
                store.append(digests[readable], records[readable])
    facts = pd.DataFrame({name: records["facts"][name][place] for name in FACT_COLUMNS})
    return ImageFacts(facts, records["miniature"][place], reasons.astype(str)[place])


def _distinct(digests: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The distinct digests in their order, the first position of each, and for every digest its number among them."""
    sorted_, first, place = np.unique(digests, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), dtype=int)
    rank[order] = np.arange(len(order))
    return sorted_[order], first[order], rank[place]


def _read_safely(path: Path, isolated: Isolated) -> np.ndarray | str:
    """As `_record`; HEIC in a child process, because damaged files have crashed its decoder (pi-heif 1.4.0)."""
    if not _is_heic(path):
        return _record(path)
    found = isolated(path)
    return found if isinstance(found, str) else np.frombuffer(found, dtype=_RECORD)[0]


def _is_heic(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return bool(HEIC.match(file.read(12)))
    except OSError:
        return False


def _record_bytes(path: Path) -> bytes | str:
    record = _record(path)
    return record if isinstance(record, str) else record.tobytes()


def _record(path: Path) -> np.ndarray | str:
    """The record of a file, or the reason why it cannot be decoded."""
    try:
        header, image = read_header_and_image(path, EDGE)
    except UnreadableImage as error:
        return str(error)
    record = np.zeros((), dtype=_RECORD)
    record["facts"] = (*astuple(header), *measure(image).values())
    record["miniature"] = miniature(image)
    return record
