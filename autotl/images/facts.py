"""Facts about every image, read once per content: can it be decoded, its format and size, and what it looks like."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd

from autotl.cache.record_store import RecordStore
from autotl.images.alignment import MINIATURE_EDGE, miniature
from autotl.images.appearance import EDGE, measure_all, pixels_to_measure
from autotl.images.decoder import DECODER_VERSION, HEIC, MAGIC_BYTES, ImageSource, UnreadableImage
from autotl.images.file_info import ImageHeader, read_header_and_image
from autotl.images.stored_miniatures import READ_AT_ONCE, StoredMiniatures, read_miniatures
from autotl.runtime.child_process import Isolated
from autotl.runtime.progress import OnProgress

_VERSION = 2
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
_MEASURED_AT_ONCE = 16
_FIRST, _QUICK_SECONDS = 64, 1e-3
"""Images that are examined more quickly than this keep Python busy, not the decoders: two threads, which wait for each
other then, took twice as long as one."""
_MOST_BYTES = 1 << 22
"""Files up to this size are read at once, which takes fewer calls; larger ones are streamed by their decoder."""
# A pipe would block for ever; on Windows, which lacks that flag, text mode would translate line ends.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True)
class ImageFacts:
    """The facts about some files.

    facts: one row per file, with the columns FACT_COLUMNS (0 or empty where the file cannot be decoded).
    signatures: the miniatures, by which near-duplicates are found. quarantine: why a file cannot be decoded, or empty;
        text (n,).
    """

    facts: pd.DataFrame
    signatures: StoredMiniatures
    quarantine: np.ndarray

    @property
    def miniatures(self) -> np.ndarray:
        """They are read from the cache, uint8 (n, 3, 32, 32)."""
        return np.asarray(self.signatures)


def read_facts(
    root: Path, paths: np.ndarray, digests: np.ndarray, *, cache: Path, progress: OnProgress | None = None
) -> ImageFacts:
    """Decode files at a small size; files whose content is known are read from the cache.

    paths: relative to root. digests: SHA-256 of each file, bytes (n,).
    """
    store = _open_store(cache)
    signatures = StoredMiniatures(store, digests, paths, lambda path: _examine_again(_name(root, path)))
    digests, first, place = _distinct(digests)
    paths = paths[first]
    kept, known = _known_facts(store, digests)
    reasons = np.full(len(paths), "", dtype=object)
    missing = np.flatnonzero(~known)
    done = 0
    with closing(Isolated("images.facts", "_record_bytes")) as isolated, ExitStack() as stack:
        side_by_side: Callable[..., Iterator[list[np.ndarray | str]]] = map
        for part in _parts(missing):
            began = time.monotonic()
            few = [part[i : i + _MEASURED_AT_ONCE] for i in range(0, len(part), _MEASURED_AT_ONCE)]
            read = side_by_side(lambda some: _records([_name(root, paths[i]) for i in some], isolated), few)
            found: list[np.ndarray] = []
            for i, record in zip(part, chain.from_iterable(read), strict=True):
                if isinstance(record, str):
                    reasons[i] = record
                else:
                    kept[i] = record["facts"]
                    found.append(record)
                done += 1
                if progress and (done % 64 == 0 or done == len(missing)):
                    progress(done, len(missing))
            readable = part[reasons[part] == ""]
            if len(readable):
                store.append(digests[readable], np.array(found, dtype=_RECORD))
            if side_by_side is map and time.monotonic() - began > _QUICK_SECONDS * len(part):
                side_by_side = stack.enter_context(ThreadPoolExecutor(os.cpu_count())).map
    facts = pd.DataFrame({name: kept[name][place] for name in FACT_COLUMNS})
    return ImageFacts(facts, signatures, reasons.astype(str)[place])


def _open_store(cache: Path) -> RecordStore:
    """The records of all images that were examined."""
    return RecordStore(cache / "facts" / f"v{_VERSION}-d{DECODER_VERSION}", _RECORD)


def stored_miniatures(folder: Path, digests: np.ndarray) -> np.ndarray:
    """Miniatures uint8 (n, 3, 32, 32) from the folder of a store; LookupError if it has lost some."""
    found, known = read_miniatures(RecordStore(folder, _RECORD), digests)
    if not known.all():
        raise LookupError(f"{folder} has lost {(~known).sum()} of {len(digests)} records")
    return found


def _known_facts(store: RecordStore, digests: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The facts in the store, zero where unknown, and which of them are known, bool (n,)."""
    facts, known = np.zeros(len(digests), dtype=_FACTS), np.zeros(len(digests), dtype=bool)
    for start in range(0, len(digests), READ_AT_ONCE):  # with the miniatures all would take 300 MB per 100,000
        part = slice(start, start + READ_AT_ONCE)
        records, known[part] = store.read(digests[part])
        facts[part] = records["facts"]
    return facts, known


def _examine_again(path: str) -> np.ndarray | str:
    """The record of a file that was examined before, and has been lost from the cache since."""
    with closing(Isolated("images.facts", "_record_bytes")) as isolated:
        return _records([path], isolated)[0]


def _parts(missing: np.ndarray) -> list[np.ndarray]:
    """A few first, which show how long an image takes, then as many at once as are kept at once."""
    first = min(_FIRST, _KEPT_AT_ONCE)
    rest = missing[first:]
    return [missing[:first], *(rest[i : i + _KEPT_AT_ONCE] for i in range(0, len(rest), _KEPT_AT_ONCE))]


def _distinct(digests: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The distinct digests in their order, the first position of each, and for every digest its number among them."""
    sorted_, first, place = np.unique(digests, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), dtype=int)
    rank[order] = np.arange(len(order))
    return sorted_[order], first[order], rank[place]


def _name(root: Path, path: str) -> str:
    return os.path.join(root, path)  # noqa: PTH118, Path objects take as long as reading


@dataclass(frozen=True)
class _Look:
    """What is kept of a decoded image until it is measured, together with others.

    pixels: see `pixels_to_measure`.
    """

    header: ImageHeader
    pixels: np.ndarray
    miniature: np.ndarray


def _records(paths: Sequence[str], isolated: Isolated | None) -> list[np.ndarray | str]:
    """The record of each file, or the reason why it cannot be decoded."""
    found = [_look(path, isolated) for path in paths]
    measures = iter(measure_all([look.pixels for look in found if isinstance(look, _Look)]))
    return [_record(look, next(measures)) if isinstance(look, _Look) else look for look in found]


def _record(look: _Look, measures: np.ndarray) -> np.ndarray:
    record = np.zeros((), dtype=_RECORD)
    header = look.header
    record["facts"] = (header.format, header.mode, header.width, header.height, header.frames, *measures)
    record["miniature"] = look.miniature
    return record


def _look(path: str, isolated: Isolated | None) -> _Look | np.ndarray | str:
    """Decode a file; a HEIC file in a child process, where there is one, because damaged files have crashed its decoder
    (pi-heif 1.4.0): its whole record then comes back. Returns the reason where it cannot be decoded.
    """
    source, start = _source(path)
    if isolated and HEIC.match(start):
        answer = isolated(Path(path))
        return answer if isinstance(answer, str) else np.frombuffer(answer, dtype=_RECORD)[0]
    try:
        header, image = read_header_and_image(source, EDGE)
    except UnreadableImage as error:
        return str(error)
    return _Look(header, pixels_to_measure(image), miniature(image))


def _source(path: str) -> tuple[ImageSource, bytes]:
    """The bytes of a small file, or else its path; and how the file begins."""
    try:
        file = os.open(path, _FLAGS)
    except OSError:
        return path, b""  # the decoder says why
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            return path, b""
        data = os.read(file, found.st_size + 1 if found.st_size <= _MOST_BYTES else MAGIC_BYTES)
    except OSError:
        return path, b""
    finally:
        os.close(file)
    return (data if len(data) == found.st_size else path), data[:MAGIC_BYTES]


def _record_bytes(path: Path) -> bytes | str:
    """What the child process does."""
    [record] = _records([str(path)], None)
    return record if isinstance(record, str) else record.tobytes()
