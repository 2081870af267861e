"""A frozen network: a backbone at one input size as the ONNX graph that reads features and is later deployed."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autotl.cache.content_folders import folder_name
from autotl.errors import ExportError, PluginError
from autotl.features.crops import KeptCrop, crop_key, keep_crop
from autotl.features.text_graph import pool_text_graph, tokenizer_of
from autotl.interfaces import Backbone, Encoder, Size, uncropped
from autotl.runtime.atomic_files import write_atomically
from autotl.runtime.blame import of_plugin

if TYPE_CHECKING:
    import keras
    import onnx

GRAPH_VERSION = 1
"""Part of the cache key: raise it when `graph.to_onnx` computes something else than before."""
_GIVEN_UP_SECONDS = 600.0
"""A partial file older than this was left by a process that died."""
_COLUMNS, _TOKENIZER = "columns.json", "tokenizer.json"
SINGLE, INT8 = "fp32", "int8"
"""Precisions of a graph: single, and 8-bit integers."""
VECTOR = "vector"
"""The pooling of a stage that has no positions: every choice of pooling reads it."""
POOLINGS = {"avg": ("avg",), "max": ("max",), "avg+max": ("avg", "max")}


@dataclass(frozen=True)
class Column:
    """One pooled stage: columns start to stop of the vectors. pooling: "vector" for a stage without positions."""

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
    """A backbone or encoder at one size as an ONNX graph: one output per stage and pooling.

    Its input are uint8 images, or, of an encoder of texts, what `autotl.texts.tokens.Tokens.encode` returns.

    file: the graph; it is not there where the backbone has a layer that cannot be written.
    reader: builds the Keras model that the graph was written from, at a precision such as "float32"; None for an
        encoder.
    precision: SINGLE or INT8, that of the graph.
    tokenizer: of an encoder of texts, the file that `autotl.texts.tokens.Tokens` opens. modality: the kind of item that
        it reads. crop: finds the part of each image that it reads; None for whole images.
    """

    backbone: str
    size: Size
    key: str
    file: Path
    columns: tuple[Column, ...]
    reader: Callable[[str], Any] | None = field(default=None, compare=False, repr=False)
    precision: str = SINGLE
    tokenizer: Path | None = None
    modality: str = "image"
    crop: KeptCrop | None = None

    @property
    def stages(self) -> tuple[str, ...]:
        """Names of the stages, shallow to deep."""
        return tuple(dict.fromkeys(column.stage for column in self.columns))

    @property
    def tensors(self) -> tuple[str, ...]:
        """The names of the outputs, in the order of the columns."""
        return tuple(column.tensor for column in self.columns)

    @property
    def reads_images(self) -> bool:
        """Whether its inputs are images, one for each item."""
        return self.modality == "image"

    @property
    def beside(self) -> dict[str, Path]:
        """What the graph needs beside it to read items, by the name that it has in a deployable."""
        tokenizer = {self.tokenizer.name: self.tokenizer} if self.tokenizer else {}
        return tokenizer | (self.crop.files if self.crop else {})

    @property
    def n_features(self) -> int:
        """Length of a vector that holds every column."""
        return self.columns[-1].stop

    def graph(self) -> onnx.ModelProto:
        """The graph, read from its file."""
        import onnx

        return onnx.load(self.file)

    def select(self, stage: str, pooling: str) -> tuple[Column, ...]:
        """The columns that a choice of stage and pooling reads.

        stage: "joined" for all of them, "top" for the deepest, "top-1" for the one above it, and so on; a network
        with fewer stages gives its shallowest.
        """
        stages = select_stages(self.stages, stage)
        wanted = (*POOLINGS[pooling], VECTOR)
        return tuple(c for c in self.columns if c.stage in stages and c.pooling in wanted)


def open_session(graph: Path | bytes, threads: int | None = None) -> Any:
    """An ONNX Runtime session on the best provider installed (CUDA where there is one, else the CPU)."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads or os.cpu_count() or 1
    # Without it, 8-bit products overflow on processors that lack instructions for them (seen: features off by 84 %).
    options.add_session_config_entry("session.x64quantprecision", "1")
    offered = onnxruntime.get_available_providers()
    # TF32 would make features that no other machine can reproduce.
    wanted: tuple[tuple[str, dict[str, str]], ...] = (
        ("CUDAExecutionProvider", {"use_tf32": "0"}),
        ("CPUExecutionProvider", {}),
    )
    providers = [(name, settings) for name, settings in wanted if name in offered]
    source = graph if isinstance(graph, bytes) else str(graph)
    return onnxruntime.InferenceSession(source, options, providers=providers)


def require_finite(network: FrozenNetwork, answers: Iterable[np.ndarray]) -> None:
    """Raise PluginError if a network has computed something that is not a finite number."""
    if not all(np.isfinite(answer).all() for answer in answers):
        raise PluginError(
            f"backbone {network.backbone!r} gives features that are not finite at {network.size[0]}x{network.size[1]}; "
            "its weights or its preprocessing are broken"
        )


def select_stages(stages: tuple[str, ...], choice: str) -> tuple[str, ...]:
    """Resolve "joined", "top", "top-1", ... against the stages of a network, shallow to deep."""
    if choice == "joined":
        return stages
    from_top = int(choice.removeprefix("top").lstrip("-") or 0)
    return (stages[max(0, len(stages) - 1 - from_top)],)


def tensor_name(stage: str, pooling: str) -> str:
    """Name of the layer, and so of the graph's output, that pools a stage."""
    return f"{stage}-{pooling}"


def pool_stages(
    stages: Mapping[str, keras.KerasTensor], poolings: tuple[str, ...] = ("avg", "max")
) -> dict[str, keras.KerasTensor]:
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


def stage_outputs(model: keras.Model) -> dict[str, keras.KerasTensor]:
    """The symbolic output of each stage of a backbone's Keras model, shallow to deep."""
    return dict(zip(model.output_names, model.outputs, strict=True))


_built: dict[str, keras.Model] = {}


def freeze(source: Backbone | Encoder, size: Size, *, cache: Path, version: str = "") -> FrozenNetwork:
    """Write the graph of a source at one size, or take it from the cache; version: that of the source's plugin.

    See `freezing.freeze` for sources of clips.
    """
    if source.crop is not None:
        whole, crop = freeze(uncropped(source), size, cache=cache, version=version), keep_crop(source.crop, cache)
        return replace(whole, backbone=source.name, key=crop_key(whole.key, crop), crop=crop)
    if isinstance(source, Encoder):
        return _freeze_encoder(source, size, cache)
    return _freeze_backbone(source, size, cache, version)


def _freeze_encoder(encoder: Encoder, size: Size, cache: Path) -> FrozenNetwork:
    from autotl.graphs.pooled_outputs import pool_outputs

    who = f"encoder {encoder.name!r}{of_plugin(encoder.graph)}"
    graph = encoder.graph(*size)
    if type(graph).__name__ != "ModelProto":
        raise PluginError(f"{who} made a {type(graph).__name__}; expected an onnx.ModelProto")
    try:
        tokenizer = tokenizer_of(encoder, size)
    except ValueError as error:
        raise PluginError(f"{who}: {error}") from error
    digest = hashlib.sha256(graph.SerializeToString(deterministic=True) + tokenizer.encode())
    digest.update(f"{encoder.name} {size} {GRAPH_VERSION}".encode())
    key = f"{folder_name(encoder.name)}-{size[0]}x{size[1]}-{digest.hexdigest()[:16]}"
    folder = cache / "networks" / key
    columns = known_columns(folder)
    if not columns:
        try:
            pooled, widths = pool_text_graph(graph, tokenizer, size) if tokenizer else pool_outputs(graph, size)
        except ValueError as error:
            raise PluginError(f"{who} at {size[0]}x{size[1]}: {error}") from error
        columns = side_by_side(widths)
        _tidy(folder)
        write_atomically(folder / "network.onnx", pooled.SerializeToString())
        if tokenizer:
            write_atomically(folder / _TOKENIZER, tokenizer.encode())
        describe_columns(folder, columns)
    kept = folder / _TOKENIZER if tokenizer else None
    return FrozenNetwork(
        encoder.name, size, key, folder / "network.onnx", columns, tokenizer=kept, modality=encoder.modality
    )


def _freeze_backbone(backbone: Backbone, size: Size, cache: Path, version: str) -> FrozenNetwork:
    key = _network_key(backbone, size, version)
    folder = cache / "networks" / key

    def reader(precision: str) -> keras.Model:
        # What was built to write the graph is handed on once and not kept in memory.
        built = _built.pop(key, None)
        return built if built is not None and precision == "float32" else _reader(backbone, size, precision)

    columns = known_columns(folder)
    if not columns:
        _built[key] = _reader(backbone, size, "float32")
        columns = _write_network(_built[key], folder)
    return FrozenNetwork(backbone.name, size, key, folder / "network.onnx", columns, reader)


def _network_key(backbone: Backbone, size: Size, version: str) -> str:
    digest = hashlib.sha256(backbone.weights(True).read_bytes())
    digest.update(f"{backbone.name} {version} {size} {GRAPH_VERSION}".encode())
    return f"{backbone.name}-{size[0]}x{size[1]}-{digest.hexdigest()[:16]}"


def _reader(backbone: Backbone, size: Size, precision: str) -> keras.Model:
    """The backbone's Keras model with every pooled stage as an output."""
    import keras

    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        model = backbone.build(*size)
        require_stages(backbone, model)
        return keras.Model(model.input, list(pool_stages(stage_outputs(model)).values()))
    finally:
        keras.config.set_dtype_policy(policy)


def require_stages(backbone: Backbone, model: object) -> None:
    """Raise PluginError if a backbone built no network whose stages can be read."""
    import keras

    expected = "expected a functional keras.Model with one output of shape (n, h, w, channels) per stage"
    who = f"backbone {backbone.name!r}{of_plugin(backbone.build)}"
    if not isinstance(model, keras.Model):
        raise PluginError(f"{who} built a {type(model).__name__}; {expected}")
    shapes = [tuple(output.shape) for output in getattr(model, "outputs", None) or ()]
    if len(getattr(model, "inputs", None) or ()) != 1 or not shapes:
        raise PluginError(f"{who} built a network without one input and outputs; {expected}")
    if any(len(shape) != 4 for shape in shapes):
        raise PluginError(f"{who} has outputs of shape {shapes}, which are not stages; {expected}")


def _write_network(reader: keras.Model, folder: Path) -> tuple[Column, ...]:
    """Write the graph, if it can be written, and what its columns are."""
    from autotl.graphs.keras_to_onnx import to_onnx

    columns = side_by_side(dict(zip(reader.output_names, (o.shape[-1] for o in reader.outputs), strict=True)))
    file, reason = folder / "network.onnx", folder / "no-graph.txt"
    _tidy(folder)
    try:
        write_atomically(file, to_onnx(reader, input_dtype="uint8").SerializeToString())
        reason.unlink(missing_ok=True)
    except ExportError as error:
        write_atomically(reason, str(error).encode())
        file.unlink(missing_ok=True)
    describe_columns(folder, columns)
    return columns


def side_by_side(widths: Mapping[str, int]) -> tuple[Column, ...]:
    """The columns of tensors by name, as `tensor_name` makes it, and width."""
    columns: list[Column] = []
    start = 0
    for name, width in widths.items():
        stage, pooling = name.rsplit("-", 1)
        columns.append(Column(stage, pooling, start, start + width))
        start += width
    return tuple(columns)


def known_columns(folder: Path) -> tuple[Column, ...]:
    """The columns of a network in the cache; empty where it is not there, or not complete."""
    described = folder / _COLUMNS
    try:
        columns = tuple(Column(**column) for column in json.loads(described.read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError):
        return ()
    with suppress(OSError):  # says that it is in use, see `eviction`
        os.utime(described)
    return columns


def describe_columns(folder: Path, columns: tuple[Column, ...]) -> None:
    """Write what the columns are, last of all: that it is there says that the network is complete."""
    write_atomically(folder / _COLUMNS, json.dumps([asdict(column) for column in columns]).encode())


def _tidy(folder: Path) -> None:
    """Make a network's folder, without what a killed process left half written; another may be writing there now."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        with suppress(OSError):
            if (
                old.name not in ("network.onnx", "no-graph.txt", _TOKENIZER)
                and old.stat().st_mtime < time.time() - _GIVEN_UP_SECONDS
            ):
                old.unlink()
