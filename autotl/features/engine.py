"""Engines: the runtimes that compute a graph's outputs from pixels."""

from __future__ import annotations

import math
import os
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np

from autotl.errors import ConfigError
from autotl.features.frozen_network import SINGLE, FrozenNetwork, open_session
from autotl.runtime import keras_backend

HALF = "keras-half"
"""Keras in mixed precision, which pays on a GPU only."""
TITLES = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "keras": "Keras", HALF: "Keras in half precision"}
_LANE_PIXELS = 2 * 224 * 224
"""Pixels that one core computes at once: its cache holds what two images of 224 make. Measured with EfficientNet-Lite0
on 2 cores, images/s by batch of 1, 2, 4, 16: ONNX Runtime 171, 179, 159, 128, OpenVINO 216, 226, 176, 140."""
_GPU_BATCH_ITEMS = 64
_KERAS_BATCH_ITEMS, _KERAS_GPU_BATCH_ITEMS = 32, 256
_ROUNDS = 3


@dataclass(frozen=True)
class Engine:
    """What computes the outputs of a graph.

    compute(pixels): uint8 (n, height, width, 3), best `batch_items` of them, to one float32 array per output. As many
        threads as there are `lanes` keep the machine busy; more may call it, and then wait.
    """

    name: str
    version: str
    compute: Callable[[np.ndarray], list[np.ndarray]]
    lanes: int
    batch_items: int
    precision: str = SINGLE

    def __str__(self) -> str:
        return f"{TITLES[self.name]} {self.version}" + ("" if self.precision == SINGLE else f" {self.precision}")

    def run(self, pixels: np.ndarray) -> list[np.ndarray]:
        """The outputs for any number of images, uint8 (n, height, width, 3)."""
        if not len(pixels):  # not every runtime takes none
            return [part[:0] for part in self.compute(np.zeros((1, *pixels.shape[1:]), dtype=np.uint8))]
        starts = range(0, len(pixels), self.batch_items)
        with ThreadPoolExecutor(self.lanes) as pool:
            parts = list(pool.map(lambda i: self.compute(pixels[i : i + self.batch_items]), starts))
        return [np.concatenate(output) for output in zip(*parts, strict=True)]


def open_engine(file: Path, outputs: Sequence[str], *, threads: int | None = None, name: str = "") -> Engine:
    """Open an ONNX graph of `images`, uint8 (n, height, width, 3), that gives the named outputs.

    Of clips the images have one more axis, (n, n_frames, height, width, 3).

    threads: cores it may use, None for all. name: of a runtime; by default ONNX Runtime.
    """
    # Keras cannot read a graph; where a person wants it for networks, ONNX Runtime stands in.
    opened = _open_openvino if name == "openvino" else _open_onnxruntime
    return opened(file, list(outputs), threads or os.cpu_count() or 1)


def open_named(name: str, network: FrozenNetwork, *, threads: int | None = None) -> Engine:
    """Open a network on the runtime of that name; raises ConfigError if that needs a graph and there is none."""
    if name in ("keras", HALF):
        return _open_keras(network, name)
    if not network.file.exists():
        reason = network.file.with_name("no-graph.txt")
        why = reason.read_text(encoding="utf-8") if reason.exists() else f"{network.file} is not there."
        raise ConfigError(f"{TITLES[name]} needs the graph of backbone {network.backbone!r}, and there is none: {why}")
    engine = open_engine(network.file, network.tensors, threads=threads, name=name)
    return replace(engine, precision=network.precision)


def _open_onnxruntime(file: Path, outputs: list[str], threads: int) -> Engine:
    import onnxruntime

    # One thread per caller instead of all threads on one batch: nothing waits at the end of each layer. On 2 cores
    # shared with others that made 179 images/s instead of 90.
    session = open_session(file, threads=1)

    def compute(pixels: np.ndarray) -> list[np.ndarray]:
        return list(session.run(outputs, {"images": pixels}))

    if session.get_providers()[0] != "CPUExecutionProvider":
        return Engine("onnxruntime", onnxruntime.__version__, compute, 2, _GPU_BATCH_ITEMS)
    return Engine("onnxruntime", onnxruntime.__version__, compute, threads, _batch_items(session.get_inputs()[0].shape))


def _open_openvino(file: Path, outputs: list[str], threads: int) -> Engine:
    import openvino

    # Processors with bfloat16 would otherwise compute in it, and no other machine could reproduce the features.
    # Pinned threads of two processes would meet on the same cores.
    options = {
        "INFERENCE_PRECISION_HINT": "f32", "NUM_STREAMS": str(threads), "INFERENCE_NUM_THREADS": threads,
        "ENABLE_CPU_PINNING": False,
    }  # fmt: skip
    core = openvino.Core()
    model = core.compile_model(core.read_model(file), "CPU", options)
    idle: SimpleQueue[Any] = SimpleQueue()
    for _ in range(threads):
        idle.put(model.create_infer_request())

    def compute(pixels: np.ndarray) -> list[np.ndarray]:
        request = idle.get()
        try:
            request.infer({"images": pixels}, share_inputs=True)
            # Copied, because the next request writes into the same memory.
            return [np.array(request.get_tensor(output).data) for output in outputs]
        finally:
            idle.put(request)

    shape = [d.get_length() if d.is_static else 1 for d in model.input("images").partial_shape]
    # Its Python side sets itself up at the first use, and two threads that both do so wait for each other for ever
    # (seen with 2026.4.1: a static guard against the interpreter's lock).
    compute(np.zeros((1, *shape[1:]), dtype=np.uint8))
    version = openvino.__version__.partition("-")[0]
    return Engine("openvino", version, compute, threads, _batch_items(shape))


def _open_keras(network: FrozenNetwork, name: str) -> Engine:
    import keras

    if network.reader is None:
        raise ConfigError(f"the network {network.backbone!r} was not made from a Keras model")
    reader = network.reader("mixed_float16" if name == HALF else "float32")
    on_gpu = keras_backend.device().kind == "gpu"
    if on_gpu:  # on a processor a compiled graph is ten times slower than an interpreted one
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that TensorFlow compiles nothing while it is deterministic
            reader.compile(jit_compile=True)
    batch_items = _KERAS_GPU_BATCH_ITEMS if on_gpu else _KERAS_BATCH_ITEMS
    alone = threading.Lock()

    def compute(pixels: np.ndarray) -> list[np.ndarray]:
        n = len(pixels)
        if on_gpu and n < batch_items:  # another number of images would be compiled again
            pixels = np.concatenate([pixels, np.zeros((batch_items - n, *pixels.shape[1:]), pixels.dtype)])
        with alone:
            # They become floats on the device: bytes are a quarter of the traffic.
            images = keras.ops.cast(keras.ops.convert_to_tensor(pixels), "float32")
            found = reader.predict_on_batch(images)
        parts = found if isinstance(found, list) else [found]
        return [np.asarray(part, dtype=np.float32)[:n] for part in parts]

    return Engine(name, keras.__version__, compute, 1, batch_items)


def _batch_items(shape: Sequence[int | str]) -> int:
    """Items that one core computes at once. shape: (n, height, width, 3), or that of clips, (n, n_frames, ...)."""
    return max(1, min(_KERAS_BATCH_ITEMS, math.floor(_LANE_PIXELS / math.prod(map(int, shape[1:-1])))))


def images_per_second(computes: Sequence[Callable[[np.ndarray], object]], pixels: np.ndarray) -> list[float]:
    """How fast each of several computes the same images, in turn.

    The best of a few turns, since what else the machine does only slows them.
    """
    best = [0.0] * len(computes)
    for _ in range(_ROUNDS):
        for i, compute in enumerate(computes):
            started = time.perf_counter()
            compute(pixels)
            best[i] = max(best[i], len(pixels) / (time.perf_counter() - started))
    return best
