"""What the process of `ImageProcess` runs: files are examined, and images compared."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autotl.images.facts import read_facts, stored_miniatures
from autotl.images.near_duplicates import find_pairs
from autotl.modality import PAIR_COLUMNS
from autotl.runtime.garbage import give_back_memory
from autotl.runtime.guarded_process import Document, Handler, serve
from autotl.runtime.progress import OnProgress

_TELL_SECONDS = 0.2
_STEPS_BACK = 5
"""What waits for Keras waits longest, so its import goes first (POSIX: nice)."""


def main() -> None:
    """Run the child; called by `GuardedProcess`."""
    serve(_start)


def _start(ask: Callable[[Document], dict[str, Any]]) -> Handler:
    if hasattr(os, "nice"):
        os.nice(_STEPS_BACK)

    def answer(body: Document, arrays: Sequence[np.ndarray]) -> tuple[Document, Sequence[np.ndarray]]:
        return _DOES[body["do"]](body, arrays, _teller(ask))

    return answer


def _teller(ask: Callable[[Document], dict[str, Any]]) -> OnProgress:
    told = [0.0]

    def tell(done: int, total: int) -> None:
        if done == total or time.monotonic() - told[0] > _TELL_SECONDS:
            told[0] = time.monotonic()
            ask({"done": done, "total": total})

    return tell


def _examine(body: Document, arrays: Sequence[np.ndarray], tell: OnProgress) -> tuple[Document, Sequence[np.ndarray]]:
    """Leave the facts about files in the cache."""
    digests = _digests(arrays[0])
    paths = np.array(body["paths"], dtype=object)
    read_facts(Path(body["root"]), paths, digests, cache=Path(body["cache"]), progress=tell)
    give_back_memory()
    return {}, ()


def _compare(body: Document, arrays: Sequence[np.ndarray], tell: OnProgress) -> tuple[Document, Sequence[np.ndarray]]:
    miniatures, labels, sequence = arrays
    if body["store"]:
        miniatures = stored_miniatures(Path(body["store"]), _digests(miniatures))
    found = find_pairs(miniatures, labels, sequence=sequence, mirrored=body["mirrored"], progress=tell)
    return {}, [found[name].to_numpy() for name in PAIR_COLUMNS]


def _digests(numbers: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(numbers).view(f"S{numbers.shape[1]}")[:, 0]


_DOES = {"examine": _examine, "compare": _compare}
