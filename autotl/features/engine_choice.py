"""Choosing an engine for a network: those that disagree with Keras are dropped, the fastest of the others is taken."""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import json
import os
import platform
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autotl.errors import PluginError
from autotl.features.engine import HALF, TITLES, Engine, images_per_second, open_named
from autotl.features.frozen_network import INT8, FrozenNetwork, require_finite
from autotl.runtime import keras_backend
from autotl.runtime.atomic_files import write_atomically
from autotl.settings import installed_engines

SAMPLE_ITEMS = 32
"""Images to measure with, about a third of a second each time on a small machine."""
_FEWEST_MEASURED = 16
_REFERENCE_ITEMS = 4
_TOLERANCE, _TOLERANCE_OF_GRAPHS = 1e-3, 1e-5
"""Of the largest number in an output. Runtimes in single precision differ by about 1e-5 of it from Keras. An encoder is
its graph, which ONNX Runtime computes as it is written: what others make of it must be the same but for rounding."""


@dataclass(frozen=True)
class Choice:
    """The engine to use, and how it came to that, in a sentence; empty where it was known from before."""

    engine: Engine
    message: str


@dataclass(frozen=True)
class _Reference:
    """What Keras, or for an encoder ONNX Runtime, says of a few images of the user."""

    pixels: np.ndarray
    answers: list[np.ndarray]
    of: str = "keras"

    @property
    def tolerance(self) -> float:
        """How far an engine may be off, as a share of the largest number in an output."""
        return _TOLERANCE if self.of == "keras" else _TOLERANCE_OF_GRAPHS


def choose_engine(
    network: FrozenNetwork, sample: Callable[[], np.ndarray], *, threads: int | None = None, forced: str = ""
) -> Choice:
    """Open the fastest engine that computes what Keras computes; the choice is kept beside the graph, per machine.

    sample(): the first images of the user, uint8 (n, height, width, 3), SAMPLE_ITEMS of them if there are so many.
    forced: the name of the engine to use instead. Raises PluginError if no engine agrees with Keras, and if the
    network gives numbers that are not finite.
    """
    if network.precision == INT8:
        # What deployables need computes it: in int8 each runtime rounds its own way (OpenVINO: off by up to 6 %).
        return Choice(open_named("onnxruntime", network, threads=threads), "")
    kept = network.file.with_name(f"engine-{machine_key(threads)}.json")
    if not forced and (name := _read_choice(kept)) in TITLES:
        return Choice(open_named(name, network, threads=threads), "")
    pixels = sample()
    reference = _reference(network, pixels[:_REFERENCE_ITEMS])
    names = [forced] if forced else installed_engines()
    usable, dropped = _open_all([name for name in names if name != "keras"], network, threads, reference)
    # On a processor Keras is several times slower than any runtime, and building its model takes seconds.
    if "keras" in names and network.reader is not None and (not usable or keras_backend.device().kind == "gpu"):
        kinds = [HALF, "keras"] if keras_backend.device().kind == "gpu" else ["keras"]
        found, reasons = _open_all(kinds, network, threads, reference)
        usable, dropped = usable + found, dropped | reasons
    if not usable:
        raise PluginError(
            f"no engine can read features of backbone {network.backbone!r} at {network.size[0]}x{network.size[1]}: "
            + "; ".join(f"{TITLES[name]}: {reason}" for name, reason in dropped.items())
        )
    if len(pixels) < _FEWEST_MEASURED:
        return Choice(usable[0], _sentence(usable[0], {}, dropped))
    rates = {}
    if len(usable) > 1:
        found_rates = images_per_second([engine.run for engine in usable], pixels)
        rates = {engine.name: rate for engine, rate in zip(usable, found_rates, strict=True)}
    engine = max(usable, key=lambda engine: rates.get(engine.name, 0.0))
    if not forced and network.file.parent.is_dir():
        write_atomically(kept, json.dumps({"engine": engine.name, "images_per_second": rates}).encode())
    return Choice(engine, _sentence(engine, rates, dropped))


def _open_all(
    names: list[str], network: FrozenNetwork, threads: int | None, reference: _Reference
) -> tuple[list[Engine], dict[str, str]]:
    """Those that open and agree with Keras, and why the others do not."""
    usable, dropped = [], {}
    for name in names:
        try:
            engine = open_named(name, network, threads=threads)
            reason = _disagreement(engine, network, reference)
        except Exception as error:  # a graph that one runtime refuses may be read by another
            reason = str(error) or type(error).__name__
        if reason:
            dropped[name] = reason
        else:
            usable.append(engine)
    return usable, dropped


def _disagreement(engine: Engine, network: FrozenNetwork, reference: _Reference) -> str:
    found = engine.run(reference.pixels)
    for tensor, want, got in zip(network.tensors, reference.answers, found, strict=True):
        allowed = reference.tolerance * max(1.0, float(np.abs(want).max()))
        off = float(np.abs(want - got).max()) if want.shape == got.shape else float("inf")
        if not off <= allowed:
            told = TITLES[reference.of]
            return f"it does not compute what {told} computes: {tensor!r} is off by {off:.2g} (allowed: {allowed:.2g})"
    return ""


def _reference(network: FrozenNetwork, pixels: np.ndarray) -> _Reference:
    """Keras' answers, kept beside the graph; ONNX Runtime's for a network that was not made from a Keras model."""
    if network.reader is None:
        computed = open_named("onnxruntime", network).run(pixels)
        require_finite(network, computed)
        return _Reference(pixels, computed, "onnxruntime")
    file = network.file.with_name("reference.npz")
    try:
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as kept:
            return _Reference(kept["pixels"], [kept[name] for name in network.tensors])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        pass
    import keras

    reader = network.reader("float32")
    answers = [keras.ops.convert_to_numpy(a) for a in reader(pixels.astype(np.float32), training=False)]
    require_finite(network, answers)
    buffer = io.BytesIO()
    np.savez(buffer, pixels=pixels, **dict(zip(network.tensors, answers, strict=True)))
    write_atomically(file, buffer.getvalue())
    return _Reference(pixels, answers)


def _sentence(engine: Engine, rates: dict[str, float], dropped: dict[str, str]) -> str:
    others = [f"{TITLES[name]} {rate:.0f}" for name, rate in rates.items() if name != engine.name]
    rate = f", {rates[engine.name]:.0f} images/s ({', '.join(others)})" if others else ""
    reasons = "".join(f"; {TITLES[name]} is not used: {reason}" for name, reason in dropped.items())
    return f"engine: {engine}{rate}{reasons}"


def machine_key(threads: int | None) -> str:
    """What the choice depends on, as a short name: a cache may be shared by several machines."""
    versions = [f"{name} {_version(name)}" for name in ("onnxruntime", "onnxruntime-gpu", "openvino", "keras")]
    parts = [platform.node(), keras_backend.processor(), str(threads or os.cpu_count()), *versions]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _read_choice(file: Path) -> str:
    try:
        return str(json.loads(file.read_text(encoding="utf-8"))["engine"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
