"""Opening every image once: can it be decoded, and what does it look like?"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from autotl.cache.record_store import RecordStore
from autotl.images.alignment import MINIATURE_EDGE, miniature
from autotl.images.appearance import EDGE, measure
from autotl.images.decoder import DECODER_VERSION, HEIC, UnreadableImage
from autotl.images.file_info import examine
from autotl.runtime.child_process import Isolated

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

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ImageFacts:
    """What was seen of the files that were asked for.

    facts: one row per file, the columns FACT_COLUMNS (0, or empty, where the file cannot be decoded).
    miniatures: uint8 (n, 3, 32, 32). quarantine: why a file cannot be decoded, or empty; text (n,).
    """

    facts: pd.DataFrame
    miniatures: np.ndarray
    quarantine: np.ndarray


def read_facts(
    root: Path, paths: np.ndarray, digests: np.ndarray, *, cache: Path, progress: Progress | None = None
) -> ImageFacts:
    """Decode files at a small size; those of known content (their SHA-256 in `digests`, bytes) come from the cache."""
    digests, first, place = _distinct(digests)
    paths = paths[first]
    store = RecordStore(cache / "examined" / f"v{_VERSION}-d{DECODER_VERSION}", _RECORD)
    records, known = store.read(digests)
    reasons = np.full(len(paths), "", dtype=object)
    todo = np.flatnonzero(~known)
    done = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool, closing(Isolated("images.facts", "_look_as_bytes")) as isolated:
        for start in range(0, len(todo), _KEPT_AT_ONCE):
            part = todo[start : start + _KEPT_AT_ONCE]
            for i, seen in zip(part, pool.map(lambda i: _look_safely(root / paths[i], isolated), part), strict=True):
                if isinstance(seen, str):
                    reasons[i] = seen
                else:
                    records[i] = seen
                done += 1
                if progress and (done % 64 == 0 or done == len(todo)):
                    progress(done, len(todo))
            readable = part[reasons[part] == ""]
            if len(readable):
                store.append(digests[readable], records[readable])
    facts = pd.DataFrame({name: records["facts"][name][place] for name in FACT_COLUMNS})
    return ImageFacts(facts, records["miniature"][place], reasons.astype(str)[place])


def _distinct(digests: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The distinct digests in their order, where each comes first, and which of them each one is."""
    sorted_, first, place = np.unique(digests, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), dtype=int)
    rank[order] = np.arange(len(order))
    return sorted_[order], first[order], rank[place]


def _look_safely(path: Path, isolated: Isolated) -> np.ndarray | str:
    """As `_look`; HEIC in a child process, because damaged files have crashed its decoder (pi-heif 1.4.0)."""
    if not _is_heic(path):
        return _look(path)
    seen = isolated(path)
    return seen if isinstance(seen, str) else np.frombuffer(seen, dtype=_RECORD)[0]


def _is_heic(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return bool(HEIC.match(file.read(12)))
    except OSError:
        return False


def _look_as_bytes(path: Path) -> bytes | str:
    seen = _look(path)
    return seen if isinstance(seen, str) else seen.tobytes()


def _look(path: Path) -> np.ndarray | str:
    """The record of a file, or the reason why it cannot be decoded."""
    try:
        header, picture = examine(path, EDGE)
    except UnreadableImage as error:
        return str(error)
    record = np.zeros((), dtype=_RECORD)
    record["facts"] = (*header, *measure(picture).values())
    record["miniature"] = miniature(picture)
    return record
