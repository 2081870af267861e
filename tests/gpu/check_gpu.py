"""Checks on a machine with a GPU: what of the framework's own peak the frozen pass and training reach.

    KERAS_BACKEND=torch python tests/gpu/check_gpu.py    (or jax, or tensorflow)

It needs NumPy, Keras and its backend, and none of AutoTL's other requirements; the weights are random. On a machine
without a GPU it runs with small sizes, to show that it works. The last line is a JSON document; the exit code is 1
where half precision computes something else than single precision, or a check failed.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from autotl.features.engine import HALF, Engine, open_named
from autotl.features.frozen_network import Column
from autotl.runtime import keras_backend

PRODUCTS_OF_MOBILENETV2 = 300e6
"""Multiplications of one image of 224 pixels (Sandler et al. 2018, table 4)."""
_ROUNDS = 5
_WORST_DIFFERENCE = 0.02
"""Of the norm of the outputs, between half and single precision."""


@dataclass(frozen=True)
class Sizes:
    """How large the checks are. side: of the matrices; pixels: of an image; n_images: in one round."""

    side: int
    pixels: int
    n_images: int


def main() -> int:
    """Run every check and print a table; returns the exit code."""
    keras_backend.prepare()
    import keras

    device = keras_backend.device()
    sizes = Sizes(8192, 224, 2048) if device.kind == "gpu" else Sizes(512, 96, 32)
    print(f"{device}; Keras {keras.__version__} on {keras.backend.backend()}")
    peak = matrix_product_rate(sizes.side)
    rates, difference = frozen_pass(sizes)
    training = training_rate(sizes)
    products = PRODUCTS_OF_MOBILENETV2 * (sizes.pixels / 224) ** 2
    found = {
        "device": device.name, "backend": keras.backend.backend(), "peak_tflops": round(peak / 1e12, 2),
        "images_per_second": {name: round(rate, 1) for name, rate in rates.items()},
        "share_of_peak": {name: round(2 * products * rate / peak, 4) for name, rate in rates.items()},
        "training_images_per_second": round(training, 1),
        "training_share_of_peak": round(6 * products * training / peak, 4),
        "half_differs_by": round(difference, 5), "ok": difference < _WORST_DIFFERENCE,
    }  # fmt: skip
    for name, value in found.items():
        print(f"{name:28} {value}")
    print(json.dumps(found))
    return 0 if found["ok"] else 1


def matrix_product_rate(side: int) -> float:
    """Floating-point operations per second of the framework's own product of square matrices, in half precision."""
    import keras

    dtype = "float16" if keras_backend.device().kind == "gpu" else "float32"
    matrix = keras.ops.cast(keras.random.normal((side, side), seed=0), dtype)

    def chain() -> None:
        product = matrix
        for _ in range(10):  # so that starting a kernel does not count
            product = keras.ops.matmul(product, matrix) * (1 / side)
        keras.ops.convert_to_numpy(product[0, 0])  # waits for the device

    return 10 * 2 * side**3 / _seconds(chain)


def frozen_pass(sizes: Sizes) -> tuple[dict[str, float], float]:
    """Images per second of every way in which Keras reads features, and how far half precision is off."""
    network: Any = SimpleNamespace(backbone="mobilenetv2", reader=partial(_reader, sizes.pixels), columns=_columns())
    pixels = np.random.default_rng(0).integers(0, 256, (sizes.n_images, sizes.pixels, sizes.pixels, 3), dtype=np.uint8)
    names = ("keras", HALF) if keras_backend.device().kind == "gpu" else ("keras",)
    engines: list[Engine] = [open_named(name, network) for name in names]
    answers = [engine.run(pixels[:64])[0] for engine in engines]
    rates = {engine.name: len(pixels) / _seconds(partial(engine.run, pixels)) for engine in engines}
    single = np.linalg.norm(answers[0])
    difference = max(float(np.linalg.norm(answer - answers[0]) / single) for answer in answers)
    return rates, difference


def training_rate(sizes: Sizes) -> float:
    """Images per second of training every layer, with the precision that fine-tuning uses."""
    import keras

    with keras_backend.session(0):
        model = _network(sizes.pixels)
        logits = keras.layers.Dense(8, dtype="float32")(keras.layers.GlobalAveragePooling2D()(model.output))
        trained = keras.Model(model.input, logits)
        trained.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile="auto")
        n = max(16, sizes.n_images // 16)
        rng = np.random.default_rng(0)
        images = rng.integers(0, 256, (n, sizes.pixels, sizes.pixels, 3)).astype(np.float32)
        labels = rng.integers(0, 8, n)
        return n / _seconds(lambda: trained.train_on_batch(images, labels))


def _network(pixels: int) -> Any:
    import keras

    images = keras.Input((pixels, pixels, 3), name="images")
    scaled = keras.layers.Rescaling(1 / 127.5, -1.0)(images)
    network = keras.applications.MobileNetV2(input_tensor=scaled, include_top=False, weights=None)
    return keras.Model(images, network.output)


def _reader(pixels: int, precision: str) -> Any:
    """The network with the same random weights at any precision, pooled as features are."""
    import keras

    policy = keras.config.dtype_policy()
    weights = _random_weights(pixels)
    keras.config.set_dtype_policy(precision)
    try:
        network = _network(pixels)
        network.set_weights(weights)
        pooled = keras.layers.GlobalAveragePooling2D(dtype="float32")(network.output)
        return keras.Model(network.input, [pooled])
    finally:
        keras.config.set_dtype_policy(policy)


@cache
def _random_weights(pixels: int) -> list[np.ndarray]:
    """Random weights with the statistics of normalisation that belong to them: without, all outputs vanish."""
    import keras

    keras.utils.set_random_seed(0)
    network = _network(pixels)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    images = np.random.default_rng(0).integers(0, 256, (16, pixels, pixels, 3)).astype(np.float32)
    network(images, training=True)
    return network.get_weights()


def _columns() -> Sequence[Column]:
    return (Column("top", "avg", 0, 1280),)


def _seconds(work: Callable[[], object]) -> float:
    """The median duration of several rounds after a first one, which compiles."""
    work()
    taken = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return sorted(taken)[len(taken) // 2]


if __name__ == "__main__":
    sys.exit(main())
