"""Features: every stage of a frozen backbone, pooled, for every item, from one forward pass; kept on disk."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import BoundedSemaphore

import numpy as np

from autotl.cache.record_store import RecordStore
from autotl.data.dataset import Dataset
from autotl.errors import ConfigError, OutOfTimeError
from autotl.features.batches_ahead import Vectors, computed_ahead
from autotl.features.decoded_images import read_pixels
from autotl.features.engine import Engine
from autotl.features.engine_choice import SAMPLE_ITEMS, choose_engine
from autotl.features.frozen_network import FrozenNetwork, require_finite
from autotl.features.text_network import content_keys, text_batches
from autotl.images.decoder import DECODER_VERSION
from autotl.runtime.progress import OnProgress
from autotl.texts.decoding import READER_VERSION
from autotl.texts.tokens import TOKENS_VERSION

SHARD_ITEMS = 512
_ATTEMPTS = 3


@dataclass(frozen=True)
class Features:
    """What a frozen network reads from the items; the numbers stay on disk until they are asked for.

    digests: bytes (n_items,). seconds: what extracting took; computed, reused: how many items were computed, and how
        many came from the cache.
    engine: what computed the others, empty if none; images_per_second: how fast, decoding included, setting up not.
    """

    network: FrozenNetwork
    digests: np.ndarray = field(repr=False)
    seconds: float
    computed: int
    reused: int
    engine: str
    images_per_second: float
    _store: RecordStore = field(repr=False, compare=False)
    _compute: Callable[[np.ndarray], object] = field(repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.digests)

    def n_missing(self, items: np.ndarray) -> int:
        """How many of these items would have to be computed."""
        return int((~self._store.known(self.digests[items])).sum())

    def read(self, stage: str, pooling: str, items: np.ndarray | None = None) -> np.ndarray:
        """The chosen columns side by side, float32 (n, n_columns); items: item numbers in any order, None for all.

        Raises ConfigError where the cache loses what is written to it.
        """
        wanted = np.arange(len(self)) if items is None else np.asarray(items)
        columns = _slices(self.network, stage, pooling)
        for _ in range(_ATTEMPTS):
            vectors, known = self._store.read(self.digests[wanted], columns)
            if known.all():
                return vectors
            self._compute(wanted[~known])  # damaged, or deleted to make room
        raise ConfigError(
            f"The cache {self._store.folder} loses what is written to it. Look whether the disk is full or something "
            "deletes files there, raise AUTOTL_CACHE_LIMIT_GB, or set AUTOTL_CACHE to another folder."
        )

    def blocks(
        self, stage: str, pooling: str, items: np.ndarray | None = None, *, rows: int = 2048
    ) -> Iterator[np.ndarray]:
        """As `read`, in parts of at most `rows` items, of which one is in memory at a time."""
        wanted = np.arange(len(self)) if items is None else np.asarray(items)
        for start in range(0, len(wanted), rows):
            yield self.read(stage, pooling, wanted[start : start + rows])


def extract(
    dataset: Dataset,
    network: FrozenNetwork,
    *,
    cache: Path,
    progress: OnProgress | None = None,
    out_of_time: Callable[[], bool] = lambda: False,
    threads: int | None = None,
    engine: str = "",
    tell: Callable[[str], None] | None = None,
    items: np.ndarray | None = None,
) -> Features:
    """Read the features of every item, or of these; only what the cache lacks is computed.

    engine: the name of the one to use; empty for the fastest. tell: called with a sentence on how it was chosen.
    Raises OutOfTimeError as soon as `out_of_time()` says so; what was computed until then stays in the cache.
    """
    started = time.monotonic()
    digests = content_keys(dataset)
    version = reading_version(network.modality)
    folder = cache / "features" / f"{network.key}-{version}"
    store = RecordStore(folder, np.dtype(np.float32), (network.n_features,))
    opened: list[Engine] = []

    def engine_for(todo: list[int]) -> Engine:
        if not opened:
            choice = choose_engine(
                network,
                lambda: np.stack([read_pixels(dataset, item, network.size) for item in todo[:SAMPLE_ITEMS]]),
                threads=threads,
                forced=engine,
            )
            opened.append(choice.engine)
            if choice.message and tell:
                tell(choice.message)
        return opened[0]

    def compute(items: np.ndarray) -> float:
        # Items with the same bytes are computed once, in the order given.
        todo = items[np.sort(np.unique(digests[items], return_index=True)[1])].tolist()
        n_threads = threads or os.cpu_count() or 1
        if network.tokenizer:
            batches = text_batches(dataset, network, todo, n_threads)
        else:
            batches = _batches(dataset, network, engine_for(todo), todo, n_threads)
        reading = time.monotonic()
        try:
            done = _keep_batches(batches, store, digests, len(todo), progress, out_of_time)
        finally:
            batches.close()
        if done < len(todo):
            raise OutOfTimeError(f"{done} of {len(todo)} {dataset.item_kind.plural} were read when the time ran out")
        return len(todo) / (time.monotonic() - reading)

    wanted = np.arange(len(digests)) if items is None else items
    missing = wanted[~store.known(digests[wanted])]
    rate = compute(missing) if len(missing) else 0.0
    name, reused = str(opened[0]) if opened else "", len(wanted) - len(missing)
    opened.clear()  # which holds hundreds of MB
    return Features(network, digests, time.monotonic() - started, len(missing), reused, name, rate, store, compute)


def reading_version(modality: str) -> str:
    """What changes whenever the same file would be read as something else, for the name of a folder."""
    return f"t{TOKENS_VERSION}r{READER_VERSION}" if modality == "text" else f"d{DECODER_VERSION}"


def _keep_batches(
    batches: Generator[Vectors],
    store: RecordStore,
    digests: np.ndarray,
    n_items: int,
    progress: OnProgress | None,
    out_of_time: Callable[[], bool],
) -> int:
    """Keep items of different content as they are computed; returns how many there was time for.

    Shards are written while the engine goes on.
    """
    done = 0
    pending: list[tuple[list[int], np.ndarray]] = []
    for items, vectors in batches:
        pending.append((items, vectors))
        done += len(items)
        late = out_of_time()
        if sum(len(part) for part, _ in pending) >= SHARD_ITEMS or done == n_items or late:
            _keep(store, digests, pending)
            pending = []
        if progress:
            progress(done, n_items)
        if late:
            break
    return done


def _keep(store: RecordStore, digests: np.ndarray, parts: Sequence[tuple[list[int], np.ndarray]]) -> None:
    items = [item for part, _ in parts for item in part]
    try:
        store.append(digests[items], np.concatenate([vectors for _, vectors in parts]))
    except OSError as error:
        raise ConfigError(
            f"The cache {store.folder} cannot be written: {error.strerror or error}. Make room there, or set "
            "AUTOTL_CACHE to another folder."
        ) from error


def _batches(
    dataset: Dataset, network: FrozenNetwork, engine: Engine, todo: list[int], threads: int
) -> Generator[Vectors]:
    """Batches in order. Each thread decodes a batch and then computes it, so that no core ever waits for another."""
    computing = BoundedSemaphore(engine.lanes)

    def read(items: list[int]) -> np.ndarray:
        pixels = np.empty((len(items), *network.size, 3), dtype=np.uint8)
        for row, item in enumerate(items):
            pixels[row] = read_pixels(dataset, item, network.size)
        with computing:
            parts = engine.compute(pixels)
        vectors = np.concatenate(parts, axis=1)
        require_finite(network, [vectors])
        return vectors

    # One more than compute at once: it decodes while the others wait for a runtime's own threads, or for the disk. On 2
    # cores that others used too, images/s without and with it: OpenVINO 72 and 108, ONNX Runtime 87 and 92.
    workers = max(engine.lanes + 1, threads)
    starts = range(0, len(todo), engine.batch_items)
    batches = ((batch, batch) for batch in (todo[start : start + engine.batch_items] for start in starts))
    return computed_ahead(batches, read, ThreadPoolExecutor(workers), 4 * workers)


def _slices(network: FrozenNetwork, stage: str, pooling: str) -> list[slice]:
    """The chosen columns, neighbours as one."""
    slices: list[slice] = []
    for column in network.select(stage, pooling):
        if slices and slices[-1].stop == column.start:
            slices[-1] = slice(slices[-1].start, column.stop)
        else:
            slices.append(slice(column.start, column.stop))
    return slices
