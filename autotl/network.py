"""A frozen network: a backbone at one input size as the ONNX graph that reads features and is later deployed."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autotl.errors import PluginError
from autotl.files import write_atomically
from autotl.interfaces import Backbone, Size

if TYPE_CHECKING:
    import onnx

GRAPH_VERSION = 1
"""Part of the cache key: raise it when `graph.to_onnx` computes something else than before."""
POOLINGS = {"avg": ("avg",), "max": ("max",), "avg+max": ("avg", "max")}


@dataclass(frozen=True)
class Column:
    """One pooled stage: columns start to stop of the vectors."""

    stage: str
    pooling: str
    start: int
    stop: int

    @property
    def tensor(self) -> str:
        """The name of the graph's output that holds it."""
        return tensor_name(self.stage, self.pooling)


@dataclass(frozen=True)
class FrozenNetwork:
    """A backbone at one input size as an ONNX graph: uint8 images in, one output per stage and pooling."""

    backbone: str
    size: Size
    key: str
    file: Path
    columns: tuple[Column, ...]

    @property
    def stages(self) -> tuple[str, ...]:
        """Names of the stages, shallow to deep."""
        return tuple(dict.fromkeys(column.stage for column in self.columns))

    @property
    def n_features(self) -> int:
        """Length of a vector that holds every column."""
        return self.columns[-1].stop

    def select(self, stage: str, pooling: str) -> tuple[Column, ...]:
        """The columns that a choice of stage and pooling reads.

        stage: "joined" for all of them, "top" for the deepest, "top-1" for the one above it, and so on; a network
        with fewer stages gives its shallowest.
        """
        stages = select_stages(self.stages, stage)
        return tuple(c for c in self.columns if c.stage in stages and c.pooling in POOLINGS[pooling])


def open_session(graph: Path | bytes, threads: int | None = None) -> Any:
    """An ONNX Runtime session on the best provider installed (CUDA where there is one, else the CPU)."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads or os.cpu_count() or 1
    offered = onnxruntime.get_available_providers()
    # TF32 would make features that no other machine can reproduce.
    wanted: tuple[tuple[str, dict[str, str]], ...] = (
        ("CUDAExecutionProvider", {"use_tf32": "0"}),
        ("CPUExecutionProvider", {}),
    )
    providers = [(name, settings) for name, settings in wanted if name in offered]
    source = graph if isinstance(graph, bytes) else str(graph)
    return onnxruntime.InferenceSession(source, options, providers=providers)


def select_stages(stages: tuple[str, ...], choice: str) -> tuple[str, ...]:
    """Resolve "joined", "top", "top-1", ... against the stages of a network, shallow to deep."""
    if choice == "joined":
        return stages
    from_top = int(choice.removeprefix("top").lstrip("-") or 0)
    return (stages[max(0, len(stages) - 1 - from_top)],)


def tensor_name(stage: str, pooling: str) -> str:
    """Name of the layer, and so of the graph's output, that pools a stage."""
    return f"{stage}-{pooling}"


def pool_stages(stages: dict[str, Any], poolings: tuple[str, ...] = ("avg", "max")) -> dict[str, Any]:
    """Pool the stage outputs of a Keras model; stages outermost, keyed and named by `tensor_name`."""
    from keras import layers

    kinds = {"avg": layers.GlobalAveragePooling2D, "max": layers.GlobalMaxPooling2D}
    pooled = {}
    for stage, output in stages.items():
        for pooling in poolings:
            name = tensor_name(stage, pooling)
            # float32 also under mixed precision: a mean over 3,000 half-precision numbers is not exact.
            pooled[name] = kinds[pooling](name=name, dtype="float32")(output)
    return pooled


def stage_outputs(model: Any) -> dict[str, Any]:
    """The symbolic output of each stage of a backbone's Keras model, shallow to deep."""
    return dict(zip(model.output_names, model.outputs, strict=True))


def freeze(backbone: Backbone, size: Size, *, cache: Path, version: str = "") -> FrozenNetwork:
    """Write the backbone's graph at one size, or take it from the cache; version: that of the backbone's plugin."""
    key = _network_key(backbone, size, version)
    folder = cache / "networks" / key
    if not (folder / "columns.json").exists():
        _write_network(backbone, size, folder)
    columns = tuple(Column(**column) for column in json.loads((folder / "columns.json").read_text()))
    return FrozenNetwork(backbone.name, size, key, folder / "network.onnx", columns)


def _network_key(backbone: Backbone, size: Size, version: str) -> str:
    digest = hashlib.sha256(backbone.weights(True).read_bytes())
    digest.update(f"{backbone.name} {version} {size} {GRAPH_VERSION}".encode())
    return f"{backbone.name}-{size[0]}x{size[1]}-{digest.hexdigest()[:16]}"


def _write_network(backbone: Backbone, size: Size, folder: Path) -> None:
    import keras

    from autotl.graph import to_onnx

    model = backbone.build(*size)
    pooled = pool_stages(stage_outputs(model))
    reader = keras.Model(model.input, list(pooled.values()))
    graph = to_onnx(reader, input_dtype="uint8")
    _check_against_keras(graph, reader, backbone.name, size)
    columns, start = [], 0
    for name, output in pooled.items():
        stage, pooling = name.rsplit("-", 1)
        columns.append({"stage": stage, "pooling": pooling, "start": start, "stop": start + output.shape[-1]})
        start += output.shape[-1]
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "network.onnx", graph.SerializeToString())
    write_atomically(folder / "columns.json", json.dumps(columns).encode())  # last: its presence says "complete"


def _check_against_keras(graph: onnx.ModelProto, reader: Any, name: str, size: Size) -> None:
    """Raise PluginError unless the graph computes what Keras computes on a fixed noise image."""
    import keras

    pixels = np.random.default_rng(0).integers(0, 256, (1, *size, 3), dtype=np.uint8)
    expected = reader(pixels.astype("float32"), training=False)
    found = open_session(graph.SerializeToString()).run(None, {"images": pixels})
    for want, got in zip(expected, found, strict=True):
        want = keras.ops.convert_to_numpy(want)
        if not np.isfinite(want).all():
            raise PluginError(f"backbone {name!r} gives numbers that are not finite; its weights are broken")
        if not np.abs(want - got).max() <= 1e-3 * max(1.0, float(np.abs(want).max())):
            raise PluginError(f"the ONNX graph of backbone {name!r} does not compute what its Keras model computes")
