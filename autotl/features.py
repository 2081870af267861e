"""Features: every stage of a frozen backbone, pooled, for every item, out of one forward pass; cached on disk."""

from __future__ import annotations

import hashlib
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autotl.dataset import Dataset, Progress
from autotl.errors import DatasetError, OutOfTimeError, PluginError
from autotl.images import DECODER_VERSION, decode
from autotl.interfaces import Size
from autotl.network import FrozenNetwork, open_session
from autotl.store import RecordStore

BATCH_ITEMS = 16
SHARD_ITEMS = 512


@dataclass(frozen=True)
class Features:
    """What a frozen network read from the items.

    vectors: float32 (n_items, n_features).
    seconds: what reading took; reused: how many items came from the cache.
    """

    network: FrozenNetwork
    vectors: np.ndarray
    seconds: float
    reused: int

    def read(self, stage: str, pooling: str, items: np.ndarray | None = None) -> np.ndarray:
        """The chosen columns side by side, float32 (n_items, n)."""
        columns = self.network.select(stage, pooling)
        if items is not None:
            return np.concatenate([self.vectors[items][:, c.start : c.stop] for c in columns], axis=1)
        if len(columns) == len(self.network.columns):
            return self.vectors
        return np.concatenate([self.vectors[:, c.start : c.stop] for c in columns], axis=1)


def extract(
    dataset: Dataset,
    network: FrozenNetwork,
    *,
    cache: Path,
    progress: Progress | None = None,
    out_of_time: Callable[[], bool] = lambda: False,
    threads: int | None = None,
) -> Features:
    """Read the features of every item; only what the cache lacks is computed.

    Raises OutOfTimeError as soon as `out_of_time()` says so; what was computed until then stays in the cache.
    """
    started = time.monotonic()
    folder = cache / "features" / f"{network.key}-d{DECODER_VERSION}"
    store = RecordStore(folder, np.dtype(np.float32), (network.n_features,))
    digests = dataset.digests()
    vectors, known = store.read(digests)
    # Items with the same bytes are computed once.
    first = {digest: int(i) for i, digest in reversed(list(enumerate(digests))) if not known[i]}
    todo = sorted(first.values())
    if todo:
        session = open_session(network.file, threads)
        names = [column.tensor for column in network.columns]
        done = 0
        pending: list[int] = []
        for items, pixels in _decoded_batches(dataset, todo, network.size):
            parts = session.run(names, {"images": pixels})
            vectors[items] = np.concatenate(parts, axis=1)
            _require_finite(vectors[items], network)
            pending += items
            done += len(items)
            late = out_of_time()
            if len(pending) >= SHARD_ITEMS or done == len(todo) or late:
                store.append(digests[pending], vectors[pending])
                pending = []
            if progress:
                progress(done, len(todo))
            if late and done < len(todo):
                raise OutOfTimeError(f"{done} of {len(todo)} images were read when the time ran out")
        for i in np.flatnonzero(~known):
            vectors[i] = vectors[first[digests[i]]]
    return Features(network, vectors, time.monotonic() - started, int(known.sum()))


def read_pixels(dataset: Dataset, item: int, size: Size) -> np.ndarray:
    """The pixels of an item, uint8 (height, width, 3); DatasetError where its file has changed since the scan."""
    path = dataset.path(item)
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = f"{path} could be read when the folder was scanned, but no more: {error.strerror or error}"
        raise DatasetError(f"{reason}. Put it back, or start a new search without it.") from error
    # Features are kept by the content's hash: those of an edited picture must not be kept under the old one.
    if hashlib.sha256(data).hexdigest() != dataset.items["sha256"].iloc[item]:
        raise DatasetError(f"{path} has changed since the folder was scanned. Put it back, or start a new search.")
    return decode(data, *size)


def _decoded_batches(dataset: Dataset, todo: list[int], size: Size) -> Iterator[tuple[list[int], np.ndarray]]:
    """Batches in order, decoded ahead in threads while the network computes."""
    batches = [todo[i : i + BATCH_ITEMS] for i in range(0, len(todo), BATCH_ITEMS)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        ahead: deque[tuple[list[int], list[Any]]] = deque()
        for batch in batches:
            ahead.append((batch, [pool.submit(read_pixels, dataset, i, size) for i in batch]))
            if len(ahead) > 4:
                yield _gather(*ahead.popleft())
        while ahead:
            yield _gather(*ahead.popleft())


def _gather(items: list[int], decoded: list[Any]) -> tuple[list[int], np.ndarray]:
    return items, np.stack([future.result() for future in decoded])


def _require_finite(vectors: np.ndarray, network: FrozenNetwork) -> None:
    if not np.isfinite(vectors).all():
        raise PluginError(
            f"backbone {network.backbone!r} gave features that are not finite at {network.size[0]}x{network.size[1]}; "
            "its weights or its preprocessing are broken"
        )
