"""A frozen network in int8: the same graph with 8-bit weights and activations, calibrated on the user's own images.

It is a frozen network like any other, with a key of its own: its features are never mixed with those in single
precision, and a champion that read them leaves with this very graph. Static quantisation by ONNX Runtime, per
channel, ranges from the smallest to the largest value seen; what comes before the first convolution, pooling, and a
head stay in single precision.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from autotl.errors import ExportError
from autotl.features.frozen_network import INT8, FrozenNetwork
from autotl.runtime.atomic_files import write_atomically

if TYPE_CHECKING:
    import onnx

CALIBRATION_ITEMS = 120
"""Images whose activations give the ranges."""
QUANTISER_VERSION = 2
"""Part of the key: raise it when `quantise_graph` computes something else than before."""
_BATCH_ITEMS = 8


def quantise(network: FrozenNetwork, pixels: np.ndarray, contents: Sequence[str]) -> FrozenNetwork:
    """The network in int8, from the cache or made again where its file is missing or damaged.

    pixels: uint8 (n, height, width, 3), the images to calibrate with; contents: SHA-256 of their files.
    Raises ExportError if the graph cannot be quantised.
    """
    quantised = quantised_by(network, contents)
    if not is_made(quantised):
        graph = quantise_graph(network.file, pixels)
        write_atomically(quantised.file, graph)
        facts = {"sha256": hashlib.sha256(graph).hexdigest(), "images": len(pixels)}
        write_atomically(quantised.file.with_suffix(".json"), json.dumps(facts).encode())
    return quantised


def quantised_by(network: FrozenNetwork, contents: Sequence[str]) -> FrozenNetwork:
    """The network in int8 by the images that it is calibrated on, whether its file is there or not."""
    mark = hashlib.sha256("\n".join([network.key, str(QUANTISER_VERSION), *contents]).encode()).hexdigest()[:12]
    file = network.file.with_name(f"int8-{mark}.onnx")
    return replace(network, key=f"{network.key}-int8-{mark}", file=file, precision=INT8, reader=None)


def is_made(network: FrozenNetwork) -> bool:
    """Whether the file of a network in int8 is there and undamaged."""
    try:
        known = json.loads(network.file.with_suffix(".json").read_text(encoding="utf-8"))["sha256"]
        return bool(hashlib.sha256(network.file.read_bytes()).hexdigest() == known)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def quantise_graph(file: Path, pixels: np.ndarray) -> bytes:
    """A graph of `images` in int8, as the content of a file; see `quantise`."""
    import onnx
    import onnxruntime
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    from autotl.graphs.surgery import sort_nodes

    class Images(CalibrationDataReader):  # type: ignore[misc]  # ONNX Runtime carries no types
        def __init__(self) -> None:
            starts = range(0, len(pixels), _BATCH_ITEMS)
            self._batches = iter([pixels[start : start + _BATCH_ITEMS] for start in starts])

        def get_next(self) -> dict[str, np.ndarray] | None:
            batch = next(self._batches, None)
            return None if batch is None else {"images": batch}

    with tempfile.TemporaryDirectory(prefix="autotl-int8-") as scratch:
        prepared, made = Path(scratch, "prepared.onnx"), Path(scratch, "int8.onnx")
        onnxruntime.set_default_logger_severity(3)  # otherwise it warns about every optional input
        try:
            quant_pre_process(file, prepared, skip_symbolic_shape=True)
            chosen = _between_convolutions(_with_names(prepared).graph)
            if not chosen:
                raise ExportError(f"the graph {file.name} has no convolution, so there is nothing to gain in int8")
            quantize_static(
                prepared, made, Images(), quant_format=QuantFormat.QDQ, activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8, per_channel=True, nodes_to_quantize=chosen,
            )  # fmt: skip
            # The quantiser's node order ignores what branches read.
            return bytes(sort_nodes(onnx.load(made)).SerializeToString())
        except ExportError:
            raise
        except Exception as error:  # ONNX Runtime raises its own kinds
            raise ExportError(f"the graph {file.name} cannot be quantised: {error}") from error


def _with_names(file: Path) -> onnx.ModelProto:
    """The graph in a file, in which every node gets a name of its own: the quantiser is told by names what to do."""
    import onnx

    model = onnx.load(file)
    for number, node in enumerate(model.graph.node):
        node.name = f"{number}/{node.name}"
    onnx.save(model, file)
    return model


def _between_convolutions(graph: onnx.GraphProto) -> list[str]:
    """The names of the convolutions, and of the additions that lie between them."""
    before: set[str] = set()  # tensors that depend on a convolution
    for node in graph.node:
        if node.op_type == "Conv" or before.intersection(node.input):
            before.update(node.output)
    after: set[str] = set()  # tensors that a convolution depends on
    for node in reversed(graph.node):
        if node.op_type == "Conv" or after.intersection(node.output):
            after.update(node.input)
    return [
        node.name for node in graph.node
        if node.op_type == "Conv"
        or (node.op_type == "Add" and before.intersection(node.input) and after.intersection(node.output))
    ]  # fmt: skip
