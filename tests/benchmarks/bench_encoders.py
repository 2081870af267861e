"""Networks in ONNX files as backbones against ONNX Runtime alone: the same features, and how many images a second.

The networks are those of the onnx package's own tests (random weights, a fixed batch of 1), and files given by hand.
Alone, a session of the file gets one image at a time where it takes no more, prepared by NumPy beforehand; as a
backbone, bytes go in and pooled stages come out. Usage: bench_encoders.py [FILE.onnx ...]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

IMAGENET_MEAN, IMAGENET_STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
N_IMAGES, N_ROUNDS = 8, 3


def main() -> None:
    """Print a row per network."""
    from autotl.errors import ConfigError

    own = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
    files = [Path(name) for name in sys.argv[1:]] or sorted(own.glob("*.onnx"))
    print(
        f"{'network':<28}{'stages':>7}{'columns':>9}{'largest difference':>20}{'alone/s':>9}{'ours/s':>8}{'ratio':>7}"
    )
    for file in files:
        try:
            print(_row(file))
        except ConfigError as error:
            print(f"{file.stem:<28} {error}")


def _row(file: Path) -> str:
    from autotl.features.frozen_network import freeze, open_session
    from autotl_plugins.encoders.onnx_files import open_file

    encoder = open_file(str(file))
    assert encoder is not None
    size = encoder.sizes[0]
    images = np.random.default_rng(0).integers(0, 256, (N_IMAGES, *size, 3), np.uint8)
    difference = _largest_difference(file, encoder.graph(*size), images)
    alone = _alone(file, images)
    with tempfile.TemporaryDirectory() as cache:
        network = freeze(encoder, size, cache=Path(cache))
        session = open_session(network.file)
        tensors = list(network.tensors)
        ours = _rate(lambda: session.run(tensors, {"images": images}))
    return (
        f"{file.stem:<28}{len(network.stages):>7}{network.n_features:>9}{difference:>20.1e}"
        f"{alone:>9.1f}{ours:>8.1f}{ours / alone:>7.2f}"
    )


def _largest_difference(file: Path, graph: onnx.ModelProto, images: np.ndarray[Any, Any]) -> float:
    """Over all stages, relative to the largest value of each, by the tensors that `examined` says they are."""
    import json

    from autotl.graphs.network_trial import examined

    answer = examined(file)
    assert isinstance(answer, bytes), answer
    model = onnx.load(file)
    known = {name for node in model.graph.node for name in node.output}  # conversion may add tensors
    found = json.loads(answer)["reading"]["stages"]
    stages = {s["name"]: s for s in found if s["kind"] in ("map", "vector") and s["tensor"] in known}
    names = list(stages)
    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level = 3
    ours = onnxruntime.InferenceSession(graph.SerializeToString(), quiet).run(names, {"images": images})
    have = {value.name for value in model.graph.output}
    tensors = [stages[name]["tensor"] for name in names]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in tensors if name not in have)
    session = onnxruntime.InferenceSession(model.SerializeToString(), quiet)
    worst = 0.0
    for index, batch in enumerate(_prepared(model, images)):
        for name, array, expected in zip(names, ours, session.run(tensors, {_source(model): batch}), strict=True):
            part = array[index : index + 1]
            if stages[name]["layout"] == "first":
                expected = expected.transpose(0, 2, 3, 1)
            worst = max(worst, float(np.abs(part - expected.reshape(part.shape)).max() / np.abs(expected).max()))
    return worst


def _source(model: onnx.ModelProto) -> str:
    weights = {tensor.name for tensor in model.graph.initializer}
    return next(value.name for value in model.graph.input if value.name not in weights)


def _prepared(model: onnx.ModelProto, images: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    """Batches of one, normalised as is assumed of a file that says nothing, in the layout of its input."""
    x = ((images / 255 - IMAGENET_MEAN) / IMAGENET_STD).astype(np.float32)
    [shape] = [value.type.tensor_type.shape for value in model.graph.input if value.name == _source(model)]
    x = x if shape.dim[3].dim_value == 3 else x.transpose(0, 3, 1, 2)
    return [np.ascontiguousarray(x[i : i + 1]) for i in range(len(x))]


def _alone(file: Path, images: np.ndarray[Any, Any]) -> float:
    model = onnx.load(file)
    batches, source = _prepared(model, images), _source(model)
    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(file), quiet)
    return _rate(lambda: [session.run(None, {source: batch}) for batch in batches])


def _rate(run: Callable[[], object]) -> float:
    """Images per second, the fastest of a few rounds."""
    run()
    seconds = []
    for _ in range(N_ROUNDS):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return N_IMAGES / min(seconds)


if __name__ == "__main__":
    main()
