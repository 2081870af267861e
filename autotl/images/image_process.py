"""Examining and comparing images in a process of its own, while this one imports what a search needs.

An import holds the interpreter's lock: threads that examined images beside that of Keras took twice as long, and it
too. What the process could not do, because a decoder crashed it, say, is done here instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd

from autotl.images.facts import ImageFacts, read_facts
from autotl.images.near_duplicates import find_pairs
from autotl.images.stored_miniatures import StoredMiniatures
from autotl.modality import PAIR_COLUMNS
from autotl.runtime.guarded_process import ChildEndedError, Document, GuardedProcess
from autotl.runtime.progress import OnProgress

_PATHS_AT_ONCE = 100_000
"""In one message, whose length is limited."""


class ImageProcess:
    """The process, which starts at once; as a context it is ended at the end."""

    def __init__(self) -> None:
        self._process = GuardedProcess("autotl.images.image_server")

    def __enter__(self) -> ImageProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.end()

    def read_facts(
        self, root: Path, paths: np.ndarray, digests: np.ndarray, *, cache: Path, progress: OnProgress | None = None
    ) -> ImageFacts:
        """See `facts.read_facts`."""
        for start in range(0, len(paths), _PATHS_AT_ONCE):
            part = slice(start, start + _PATHS_AT_ONCE)
            body = {"do": "examine", "root": str(root), "paths": list(paths[part]), "cache": str(cache)}
            self._ask(body, [_as_bytes(digests[part])], _shifted(progress, start, len(paths[part]), len(paths)))
        # What was examined is in the cache; the rest has its reason.
        return read_facts(root, paths, digests, cache=cache, progress=progress)

    def find_pairs(
        self, miniatures: np.ndarray | StoredMiniatures, labels: np.ndarray, *, sequence: np.ndarray,
        mirrored: bool = False, progress: OnProgress | None = None,
    ) -> pd.DataFrame:  # fmt: skip
        """See `near_duplicates.find_pairs`; miniatures in the cache are read by the process alone."""
        body, sent = {"do": "compare", "mirrored": mirrored, "store": ""}, miniatures
        if isinstance(miniatures, StoredMiniatures):
            body["store"], sent = str(miniatures.store.folder), _as_bytes(miniatures.digests)
        found = self._ask(body, [np.asarray(sent), labels, sequence], progress)
        if found is None:
            return find_pairs(miniatures, labels, sequence=sequence, mirrored=mirrored, progress=progress)
        return pd.DataFrame(dict(zip(PAIR_COLUMNS, found, strict=True))).astype(PAIR_COLUMNS)

    def _ask(
        self, body: Document, arrays: Sequence[np.ndarray], progress: OnProgress | None
    ) -> list[np.ndarray] | None:  # fmt: skip
        """The arrays of its answer; None if there is none."""
        with suppress(ChildEndedError):
            self._process.send(body, arrays)
            answer, found = self._process.receive()
            while "done" in answer:
                if progress:
                    progress(answer["done"], answer["total"])
                self._process.reply({})
                answer, found = self._process.receive()
            return None if "error" in answer else found
        return None


def _as_bytes(digests: np.ndarray) -> np.ndarray:
    """Digests as numbers, uint8 (n, length)."""
    return np.ascontiguousarray(digests).view(np.uint8).reshape(len(digests), -1)


def _shifted(progress: OnProgress | None, start: int, n_part: int, n: int) -> OnProgress | None:
    """Progress within a part of n_part items from `start` on, as that of all n."""
    if progress is None or n_part == n:
        return progress
    return lambda done, total: progress(start + n_part * done // max(total, 1), n)
