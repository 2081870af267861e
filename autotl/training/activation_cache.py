"""The frozen part of a fine-tuned network: computed once by the graph engine, kept on disk, read again every epoch.

What lies below the freeze depth gives the same numbers in every epoch. Keeping them costs 20 to 50 kB per image at
the narrow ends of the deeper stages, and leaves only the stages above to be computed and trained.
"""

from __future__ import annotations

import io
import math
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autotl.cache.disk_allowance import allowed_bytes, make_room
from autotl.errors import ExportError
from autotl.features.decoded_images import Pixels
from autotl.features.engine import Engine, open_engine
from autotl.features.frozen_network import POOLINGS, select_stages, stage_outputs, tensor_name
from autotl.runtime import keras_backend
from autotl.runtime.atomic_files import write_atomically
from autotl.training.augmentation import altered
from autotl.training.batchnorm_folding import fold_batchnorm

CHUNK_ITEMS, MAX_CHUNKS = 128, 64
"""A chunk is what a killed process loses and what workers share out; each holds a file open, so they are not many."""
MAX_VIEWS = 4
"""The unaltered image and three altered copies: each costs a frozen pass and space on disk."""
MIN_VIEWS_AUGMENTED = 2
_LARGEST_HALF = float(np.finfo(np.float16).max)


class CannotCacheError(Exception):
    """The activations cannot be kept, and why; training falls back to pixels and says so."""


@dataclass(frozen=True)
class CachedLayer:
    """What is kept of one image for training above one freeze depth.

    outputs: which of the graph's outputs: the activations, then the pooled frozen stages that the head reads.
    shapes: theirs, without the batch.
    """

    freeze_depth: int
    outputs: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]

    @property
    def record(self) -> np.dtype[Any]:
        """The fields of one image."""
        activations, *pooled = self.shapes
        # Pooled vectors are few numbers, so that they can be kept whole.
        fields = [
            ("activations", np.float16, activations),
            *((f"pooled{i}", np.float32, s) for i, s in enumerate(pooled)),
        ]
        return np.dtype(fields)


@dataclass(frozen=True)
class SplitNetwork:
    """A network in two parts.

    graph: uint8 images -> everything that `layers` keep; outputs: the names of these.
    layers: of the freeze depth asked for, then of the next deeper ones: one pass serves them all.
    upper: the Keras model from the first layer's outputs to probabilities; its layers are those of the whole network.
    """

    graph: bytes
    outputs: tuple[str, ...]
    layers: tuple[CachedLayer, ...]
    upper: Any


def split_network(
    model: Any, network: Any, *, stage: str, pooling: str, freeze_depth: int, deeper: Sequence[int] = ()
) -> SplitNetwork:  # fmt: skip
    """Split what `fine_tuning.assemble` built on a backbone's network at its freeze depth.

    deeper: other freeze depths, closer to the image, whose activations the same pass is to give.

    Raises CannotCacheError if nothing is frozen, if a connection bypasses the cut, or if no graph can be written.
    """
    import keras

    from autotl.graphs.keras_to_onnx import to_onnx

    outputs = stage_outputs(network)
    stages = tuple(outputs)
    if freeze_depth == 0:
        raise CannotCacheError("every stage trains")
    boundary = outputs[stages[freeze_depth - 1]]
    frozen = [name for name in select_stages(stages, stage) if stages.index(name) < freeze_depth]
    pooled = [model.get_layer(tensor_name(name, kind)).output for name in frozen for kind in POOLINGS[pooling]]
    try:
        upper = keras.Model([boundary, *pooled] if pooled else boundary, model.output)
    except ValueError:
        reason = f"a connection around stage {stages[freeze_depth - 1]!r} leads from the image to the stages that train"
        raise CannotCacheError(reason) from None
    tensors = [boundary, *pooled, *(outputs[stages[depth - 1]] for depth in deeper)]
    layers = []
    for i, depth in enumerate([freeze_depth, *deeper]):
        n_pooled = sum(stages.index(name) < depth for name in frozen) * len(POOLINGS[pooling])
        which = (len(pooled) + i if i else 0, *range(1, 1 + n_pooled))
        layers.append(CachedLayer(depth, which, tuple(tuple(tensors[place].shape[1:]) for place in which)))
    try:
        graph = to_onnx(keras.Model(network.input, tensors), input_dtype="uint8")
    except ExportError as error:
        raise CannotCacheError(str(error)) from error
    # What is gained is a CPU's: on a GPU the kernels are fused already.
    upper = fold_batchnorm(upper) if keras_backend.device().kind == "cpu" else upper
    names = tuple(output.name for output in graph.graph.output)
    return SplitNetwork(graph.SerializeToString(), names, tuple(layers), upper)


class ActivationCache:
    """Activations of the development items at a freeze depth, in several views, memory-mapped and filled when needed.

    View 0 is the unaltered image, of all items; the others are altered copies of the training items. Chunks are written
    whole or not at all: a killed run carries on, and workers at the same cut take over each other's chunks.
    """

    def __init__(
        self, network: SplitNetwork, pixels: Pixels, *, folders: Sequence[Path], n_items: int, train_items: np.ndarray,
        augment: bool, seed: int, threads: int | None = None, engine: str = "",
    ) -> None:  # fmt: skip
        self.trainer = network.upper
        self.seconds = 0.0
        self._network, self._record = network, network.layers[0].record
        self._pixels, self._folder, self._seed = pixels, folders[0], seed
        self._threads, self._runtime = threads, engine
        self._layers = list(zip(network.layers, folders, strict=True))
        self._items = {view: np.sort(train_items) if view else np.arange(n_items) for view in range(MAX_VIEWS)}
        self._chunks: dict[tuple[int, int], np.ndarray] = {}
        self._engine: Engine | None = None
        self.n_views = self._fitting_views(augment)

    @property
    def n_bytes(self) -> int:
        """Space that all views take."""
        return sum(len(self._items[view]) for view in range(self.n_views)) * self._bytes_per_item()

    def __str__(self) -> str:
        views = f"{self.n_views} view{'s' if self.n_views > 1 else ''}"
        return f"from cached activations ({views}, {_megabytes(self.n_bytes)})"

    def prepare(self, epoch: int, out_of_time: Callable[[], bool]) -> bool:
        """Compute what an epoch needs and is not there yet; False if the time ran out. Epoch 0 validates."""
        view = self._view(epoch)
        n_chunks = math.ceil(len(self._items[view]) / self._chunk_items(view))
        # Each process in an order of its own, so that two that come at once do not compute the same.
        for number in np.random.default_rng().permutation(n_chunks):
            if not self._path(view, number).exists():
                if out_of_time():
                    return False
                self._compute(view, number)
        return True

    def read(self, items: np.ndarray, epoch: int) -> Any:
        """The input of `trainer` for some items, a list where it has several; epoch 0 is the unaltered view.

        Activations float16 (n, height, width, channels), which Keras widens faster than NumPy; pooled float32 (n, k).
        """
        view = self._view(epoch)
        numbers, within = np.divmod(np.searchsorted(self._items[view], items), self._chunk_items(view))
        parts = [
            np.empty((len(items), *self._record[name].shape), self._record[name].base)
            for name in self._record.names or ()
        ]
        for number in np.unique(numbers):
            here = numbers == number
            rows = self._chunk(view, number)[within[here]]
            for name, part in zip(self._record.names or (), parts, strict=True):
                part[here] = rows[name]
        return parts if len(parts) > 1 else parts[0]

    def _view(self, epoch: int) -> int:
        # The first epoch trains on the unaltered images, which validation needs anyway.
        return max(0, epoch - 1) % self.n_views

    def _chunk_items(self, view: int) -> int:
        return max(CHUNK_ITEMS, math.ceil(len(self._items[view]) / MAX_CHUNKS))

    def _path(self, view: int, number: int) -> Path:
        return self._folder / f"view{view}-{number:03d}.npy"

    def _chunk(self, view: int, number: int) -> np.ndarray:
        if (view, number) not in self._chunks:
            path = self._path(view, number)
            if not path.exists():  # another worker made room
                self._compute(view, number)
            self._chunks[view, number] = np.load(path, mmap_mode="r")
        return self._chunks[view, number]

    def _compute(self, view: int, number: int) -> None:
        started = time.monotonic()
        start = number * self._chunk_items(view)
        items = self._items[view][start : start + self._chunk_items(view)]
        kept = [np.empty(len(items), layer.record) for layer, _ in self._layers]
        engine = self._opened()

        def compute(at: int) -> None:
            part = items[at : at + engine.batch_items]
            found = engine.compute(altered(self._pixels(part), part, view, seed=self._seed))
            for (layer, _), rows in zip(self._layers, kept, strict=True):
                largest = float(np.abs(found[layer.outputs[0]]).max())
                if not largest <= _LARGEST_HALF:
                    raise CannotCacheError(f"an activation of {largest:.3g} does not fit into half precision")
                for name, place in zip(layer.record.names or (), layer.outputs, strict=True):
                    rows[name][at : at + len(part)] = found[place]

        # One more than compute, so that images are altered meanwhile.
        with ThreadPoolExecutor(engine.lanes + 1) as pool:
            list(pool.map(compute, range(0, len(items), engine.batch_items)))
        for (_, folder), rows in zip(self._layers, kept, strict=True):
            self._write(folder / self._path(view, number).name, _as_file(rows))
        self.seconds += time.monotonic() - started

    def _opened(self) -> Engine:
        if self._engine is None:
            file = self._folder / "prefix.onnx"
            self._write(file, self._network.graph)
            self._engine = open_engine(file, self._network.outputs, threads=self._threads, name=self._runtime)
        return self._engine

    @staticmethod
    def _write(path: Path, data: bytes) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, data)
        except OSError as error:
            raise CannotCacheError(f"the activations cannot be written: {error.strerror or error}") from error

    def _fitting_views(self, augment: bool) -> int:
        """How many views fit into the space allowed; older cuts make room. Raises CannotCacheError for too few."""
        wanted = MAX_VIEWS if augment else 1
        least = MIN_VIEWS_AUGMENTED if augment else 1
        counts = np.cumsum([len(self._items[view]) for view in range(wanted)])
        allowed = allowed_bytes(self._folder.parent)
        while len(self._layers) > 1 and counts[least - 1] * self._bytes_per_item() > allowed:
            self._layers.pop()
        views = int((counts * self._bytes_per_item() <= allowed).sum())
        if views < least:
            needed, limit = _megabytes(int(counts[least - 1]) * self._record.itemsize), _megabytes(allowed)
            raise CannotCacheError(f"the activations would need {needed}, {limit} allowed")
        make_room([folder for _, folder in self._layers], allowed - int(counts[views - 1] * self._bytes_per_item()))
        return views

    def _bytes_per_item(self) -> int:
        return sum(layer.record.itemsize for layer, _ in self._layers)


def _as_file(rows: np.ndarray) -> bytes:
    data = io.BytesIO()
    with warnings.catch_warnings():
        # The format version that field names need is read by every NumPy since 1.9.
        warnings.simplefilter("ignore", UserWarning)
        np.save(data, rows)
    return data.getvalue()


def _megabytes(n_bytes: int) -> str:
    if n_bytes >= 1e9:
        return f"{n_bytes / 1e9:.1f} GB"
    return f"{n_bytes / 1e6:.{0 if n_bytes >= 1e7 else 1}f} MB"
