"""Features: every stage of a frozen backbone, pooled, for every item, from one forward pass; kept on disk."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from threading import BoundedSemaphore

import numpy as np

from autotl.cache.record_store import RecordStore
from autotl.cache.shared_records import shared_pass
from autotl.data.dataset import Dataset
from autotl.errors import ConfigError, OutOfTimeError
from autotl.features.batches_ahead import Vectors, computed_ahead
from autotl.features.clip_network import ClipNetwork, clip_reading_version, read_clip
from autotl.features.crops import corners_of
from autotl.features.decoded_images import read_pixels
from autotl.features.engine import Engine
from autotl.features.engine_choice import SAMPLE_ITEMS, choose_engine
from autotl.features.frozen_network import FrozenNetwork, require_finite
from autotl.features.shared_pass import SharedPass
from autotl.features.text_network import PART_TEXTS, content_keys, text_batches
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

        Raises ConfigError if the cache loses what is written to it.
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
    process: int = 0,
    shared: str = "",
) -> Features:
    """Read the features of every item, or of these; only what the cache lacks is computed.

    engine: the name of the one to use; empty for the fastest. tell: called with a sentence on how it was chosen.
    process: the number of this process among those that may read the same at the same time, see `SharedPass`. shared:
    the URL below which machines share features, see `shared_records`; empty for none.
    Raises OutOfTimeError as soon as `out_of_time()` says so; what was computed until then stays in the cache.
    """
    started = time.monotonic()
    digests = content_keys(dataset)
    folder = cache / "features" / f"{network.key}-{reading_version(network.modality)}"
    store = RecordStore(folder, np.dtype(np.float32), (network.n_features,))
    reader = _Reader(dataset, network, digests, store, progress, out_of_time, threads, engine, tell, process)
    wanted = np.arange(len(digests)) if items is None else items
    there = f"{shared}/features/{folder.name}"
    with shared_pass(there, store, digests[wanted], out_of_time) if shared else nullcontext():
        missing = wanted[~store.known(digests[wanted])]
        n_others, rate = reader.compute(missing) if len(missing) else (0, 0.0)
    name, computed = reader.close(), len(missing) - n_others if rate else 0
    seconds = time.monotonic() - started
    return Features(network, digests, seconds, computed, len(wanted) - computed, name, rate, store, reader.compute)


def reading_version(modality: str) -> str:
    """What changes whenever the same file would be read as something else, for the name of a folder."""
    if modality == "text":
        return f"t{TOKENS_VERSION}r{READER_VERSION}"
    return f"d{DECODER_VERSION}" + (clip_reading_version() if modality == "clip" else "")


@dataclass
class _Reader:
    """Computes the features of items and keeps them in a store; fields as the arguments of `extract`."""

    dataset: Dataset
    network: FrozenNetwork
    digests: np.ndarray
    store: RecordStore
    progress: OnProgress | None
    out_of_time: Callable[[], bool]
    threads: int | None
    forced: str
    tell: Callable[[str], None] | None
    process: int
    engine: Engine | None = None

    def compute(self, items: np.ndarray) -> tuple[int, float]:
        """Compute what is missing; returns how many items other processes computed meanwhile, and this one's items/s.

        Items with the same bytes are computed once, in the order given.
        """
        if self.network.crop:
            corners_of(self.network.crop).look_up(self.digests[items])
        todo = items[np.sort(np.unique(self.digests[items], return_index=True)[1])]
        of_texts = self.network.tokenizer is not None
        if not of_texts and self.engine is None:
            self.engine = self._choose_engine(todo)
        most = PART_TEXTS if of_texts else SHARD_ITEMS
        shared = SharedPass(self.digests[todo], self.store.arrivals, number=self.process, most_items=most)
        n_threads = self.threads or os.cpu_count() or 1
        while True:
            parts = (todo[part].tolist() for part in shared.parts())
            if of_texts:
                batches = text_batches(self.dataset, self.network, parts, n_threads)
            else:
                assert self.engine is not None
                batches = _batches(self.dataset, self.network, self.engine, parts, n_threads, shared.part_items)
            try:
                in_time = self._keep_batches(batches, todo, shared)
            finally:
                batches.close()
            if not in_time or not shared.wait(self.out_of_time):
                break
        if shared.n_kept < len(todo):
            kind = self.dataset.item_kind.plural
            raise OutOfTimeError(f"{shared.n_kept} of {len(todo)} {kind} were read when the time ran out")
        return len(todo) - shared.computed, shared.rate

    def close(self) -> str:
        """Let go of the engine, which holds hundreds of MB; returns its name, empty if none was needed."""
        name, self.engine = str(self.engine or ""), None
        return name

    def _choose_engine(self, todo: np.ndarray) -> Engine:
        def sample() -> np.ndarray:
            return np.stack([_pixels(self.dataset, self.network, int(i)) for i in todo[:SAMPLE_ITEMS]])

        choice = choose_engine(self.network, sample, threads=self.threads, forced=self.forced)
        if choice.message and self.tell:
            self.tell(choice.message)
        return choice.engine

    def _keep_batches(self, batches: Generator[Vectors], todo: np.ndarray, shared: SharedPass) -> bool:
        """Keep items as they are computed, in shards that are written while the engine goes on; False at the end of
        the time."""
        places = dict(zip(todo.tolist(), range(len(todo)), strict=True))
        pending: list[tuple[list[int], np.ndarray]] = []
        late = False
        for items, vectors in batches:
            pending.append((items, vectors))
            n_pending = sum(len(part) for part, _ in pending)
            late = self.out_of_time()
            if late or n_pending >= shared.kept_together:
                self._keep(pending, places, shared)
                pending, n_pending = [], 0
            if self.progress:
                self.progress(min(shared.n_kept + n_pending, len(todo)), len(todo))
            if late:
                break
        if pending:
            self._keep(pending, places, shared)
        return not late

    def _keep(
        self, parts: Sequence[tuple[list[int], np.ndarray]], places: Mapping[int, int], shared: SharedPass
    ) -> None:
        items = np.array([item for part, _ in parts for item in part])
        first = shared.keep([places[item] for item in items.tolist()])
        if not first.any():
            return
        if self.network.crop:  # first: whose features are known, of that the corners are
            corners_of(self.network.crop).keep()
        try:
            self.store.append(self.digests[items[first]], np.concatenate([vectors for _, vectors in parts])[first])
        except OSError as error:
            raise ConfigError(
                f"The cache {self.store.folder} cannot be written: {error.strerror or error}. Make room there, or set "
                "AUTOTL_CACHE to another folder."
            ) from error


def _pixels(dataset: Dataset, network: FrozenNetwork, item: int) -> np.ndarray:
    if isinstance(network, ClipNetwork):
        return read_clip(dataset, item, network.size)
    return read_pixels(dataset, item, network.size, network.crop)


def _batches(
    dataset: Dataset, network: FrozenNetwork, engine: Engine, parts: Iterable[list[int]], threads: int, most_ahead: int
) -> Generator[Vectors]:
    """Batches in order. Each thread decodes a batch and then computes it, so that no core ever waits for another.

    most_ahead: items that are begun before they are asked for, or a batch for each thread.
    """
    computing = BoundedSemaphore(engine.lanes)

    def read(items: list[int]) -> np.ndarray:
        pixels = np.stack([_pixels(dataset, network, item) for item in items])
        with computing:
            parts = engine.compute(pixels)
        vectors = np.concatenate(parts, axis=1)
        require_finite(network, [vectors])
        return vectors

    # One more than compute at once: it decodes while the others wait for a runtime's own threads, or for the disk. On 2
    # cores that others used too, images/s without and with it: OpenVINO 72 and 108, ONNX Runtime 87 and 92.
    workers = max(engine.lanes + 1, threads)
    n = engine.batch_items
    batches = ((part[i : i + n], part[i : i + n]) for part in parts for i in range(0, len(part), n))
    ahead = max(workers, min(4 * workers, most_ahead // n))
    return computed_ahead(batches, read, ThreadPoolExecutor(workers), ahead)


def _slices(network: FrozenNetwork, stage: str, pooling: str) -> list[slice]:
    """The chosen columns, neighbours as one."""
    slices: list[slice] = []
    for column in network.select(stage, pooling):
        if slices and slices[-1].stop == column.start:
            slices[-1] = slice(slices[-1].start, column.stop)
        else:
            slices.append(slice(column.start, column.stop))
    return slices
