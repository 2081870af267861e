"""Facts about clips, each read once per content, and clips compared by their frames."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import pandas as pd

from autotl.cache.record_store import RecordStore
from autotl.clips.clip_source import CLIP_READER_VERSION
from autotl.clips.records import COMPARED, FACTS, RECORD
from autotl.images.decoder import DECODER_VERSION
from autotl.modality import PAIR_COLUMNS, Examiner, no_pairs
from autotl.runtime.child_process import Isolated
from autotl.runtime.progress import OnProgress

_VERSION = 1
"""Changes whenever the same pixels would give other facts."""
FACT_COLUMNS = tuple(FACTS.names or ())
_KEPT_AT_ONCE = 256
_LEAST_ALIKE = 2
"""Of the frames compared: with one alone, clips that share a title or a blank frame would count as near-duplicates."""


@dataclass(frozen=True)
class ClipFacts:
    """The facts about some clips; see `autotl.modality.ItemFacts`. signatures: uint8 (n, 3, 3, 32, 32), miniatures."""

    facts: pd.DataFrame
    signatures: np.ndarray
    quarantine: np.ndarray


@dataclass(frozen=True)
class ClipExaminer:
    """Examines and compares clips. images: compares their frames."""

    images: Examiner

    def read_facts(
        self, root: Path, paths: np.ndarray, digests: np.ndarray, *, cache: Path, progress: OnProgress | None = None
    ) -> ClipFacts:
        """Read clips in child processes, for damaged ones may crash a decoder; see `autotl.modality.Examiner`."""
        digests, first, place = np.unique(digests, return_index=True, return_inverse=True)
        files = [root / str(path) for path in paths[first]]
        store = RecordStore(cache / "clip-facts" / f"v{_VERSION}-c{CLIP_READER_VERSION}-d{DECODER_VERSION}", RECORD)
        records, known = store.read(digests)
        reasons = np.full(len(files), "", dtype=object)
        missing = np.flatnonzero(~known)
        with ExitStack() as stack:
            children: SimpleQueue[Isolated] = SimpleQueue()
            n_children = min(os.cpu_count() or 1, max(1, len(missing)))
            for _ in range(n_children):
                children.put(stack.enter_context(closing(Isolated("clips.records", "record_bytes"))))
            pool = stack.enter_context(ThreadPoolExecutor(n_children))
            for start in range(0, len(missing), _KEPT_AT_ONCE):
                part = missing[start : start + _KEPT_AT_ONCE]
                for done, (row, found) in enumerate(
                    zip(part, pool.map(lambda row: _ask(children, files[row]), part), strict=True), start + 1
                ):
                    if isinstance(found, str):
                        reasons[row] = found
                    else:
                        records[row] = np.frombuffer(found, dtype=RECORD)[0]
                    if progress:
                        progress(done, len(missing))
                readable = part[reasons[part] == ""]
                if len(readable):
                    store.append(digests[readable], records[readable])
        facts = pd.DataFrame({name: records["facts"][name][place] for name in FACT_COLUMNS})
        return ClipFacts(facts, records["miniatures"][place], reasons.astype(str)[place])

    def find_pairs(
        self, signatures: np.ndarray, labels: np.ndarray, *, sequence: np.ndarray, mirrored: bool = False,
        progress: OnProgress | None = None,
    ) -> pd.DataFrame:  # fmt: skip
        """Find the clips most of whose frames are near-duplicates; see `autotl.modality.Examiner`.

        sequence: unused, because successive names of clips say less than their frames.
        """
        del sequence
        n, n_frames = len(signatures), len(COMPARED)
        if not n:
            return no_pairs()
        frames = signatures.reshape(n * n_frames, *signatures.shape[2:])
        none = np.zeros((0, 2), dtype=int)
        found = self.images.find_pairs(
            frames, np.repeat(labels, n_frames), sequence=none, mirrored=mirrored, progress=progress
        )
        return _of_clips(found, n_frames)


def _ask(children: SimpleQueue[Isolated], file: Path) -> bytes | str:
    child = children.get()
    try:
        return child(file)
    finally:
        children.put(child)


def _of_clips(found: pd.DataFrame, n_frames: int) -> pd.DataFrame:
    """Pairs of clips from pairs of frames, which are numbered clip by clip; as similar as their most similar frames."""
    one, other = found["first"].to_numpy() // n_frames, found["second"].to_numpy() // n_frames
    pairs = found.assign(first=np.minimum(one, other), second=np.maximum(one, other), frame=found["first"] % n_frames)
    pairs = pairs[pairs["first"] != pairs["second"]]
    if pairs.empty:
        return no_pairs()
    whole = pairs.groupby(["first", "second"], as_index=False).agg(
        similarity=("similarity", "max"), mirrored=("mirrored", "max"), n=("frame", "nunique")
    )
    return whole[whole["n"] >= _LEAST_ALIKE].drop(columns="n").reset_index(drop=True).astype(PAIR_COLUMNS)
