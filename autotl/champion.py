"""The champion: the chosen trial, refitted on everything but the test split, as one graph from pixels to labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from autotl import backend
from autotl.candidate import FINE_TUNE
from autotl.classifiers import OPSET, keep_output
from autotl.features import read_pixels
from autotl.graph import join, prune
from autotl.hyperparameters import replay
from autotl.interfaces import Size, TrialRecord
from autotl.network import Column, open_session
from autotl.predictions import Predictions, apply_temperature
from autotl.trials import Laboratory, candidate_of

if TYPE_CHECKING:
    import onnx

N_REPLAY = 8
_BATCH_ITEMS = 32


@dataclass(frozen=True)
class Champion:
    """A trial made ready to leave.

    graph: `images` uint8 (n, height, width, 3) in, calibrated `probabilities` float32 (n, n_classes) out.
    replay_items: item numbers whose probabilities are `replay`, as the training side computes them.
    test: predicts the test split; call it once.
    """

    trial: TrialRecord
    size: Size
    graph: onnx.ModelProto
    replay_items: np.ndarray
    replay: np.ndarray
    test: Callable[[], Predictions]


def refit(laboratory: Laboratory, trial: TrialRecord) -> Champion:
    """Make the champion of a trial.

    A probe's head is fitted again on train and validation together. A fine-tuned network keeps the weights of its
    trial: training it again would need another set of images to stop early on, and as long again.
    """
    return _tuned(laboratory, trial) if trial.strategy == FINE_TUNE else _probe(laboratory, trial)


def _probe(laboratory: Laboratory, trial: TrialRecord) -> Champion:
    candidate = candidate_of(trial)
    split = laboratory.run.split
    features = laboratory.features(candidate.backbone, candidate.size)
    vectors = features.read(candidate.stage, candidate.pooling)
    with backend.session(laboratory.run.config.seed):
        classifier = laboratory.head(candidate, replay(trial.params), vectors.shape[1])
        classifier.fit(vectors[split.development], laboratory.labels[split.development])
        head = classifier.to_onnx()

    def probabilities(items: np.ndarray) -> np.ndarray:
        return apply_temperature(classifier.probabilities(vectors[items]), trial.temperature)

    import onnx

    columns = features.network.select(candidate.stage, candidate.pooling)
    backbone = prune(onnx.load(features.network.file), [column.tensor for column in columns])
    graph = _with_temperature(_join_head(backbone, columns, head), trial.temperature)
    items = _replay_items(laboratory)
    return Champion(
        trial, candidate.size, graph, items, probabilities(items),
        test=lambda: Predictions(split.test, laboratory.labels[split.test], probabilities(split.test)),
    )  # fmt: skip


def _tuned(laboratory: Laboratory, trial: TrialRecord) -> Champion:
    import onnx

    candidate = candidate_of(trial)
    split = laboratory.run.split
    folder = laboratory.run.trial_folder(trial.number)
    graph = _with_temperature(onnx.load(folder / "network.onnx"), trial.temperature)
    on_validation = Predictions.load(folder / "predictions.npz")
    items = _replay_items(laboratory)

    def test() -> Predictions:
        session = open_session(graph.SerializeToString())
        parts = []
        for start in range(0, len(split.test), _BATCH_ITEMS):
            batch = split.test[start : start + _BATCH_ITEMS]
            pixels = np.stack([read_pixels(laboratory.run.dataset, i, candidate.size) for i in batch])
            parts.append(session.run(["probabilities"], {"images": pixels})[0])
        found = np.concatenate(parts).astype(np.float64)
        return Predictions(split.test, laboratory.labels[split.test], found / found.sum(axis=1, keepdims=True))

    replay = on_validation.restrict(items).probabilities
    return Champion(trial, candidate.size, graph, items, replay, test)


def _replay_items(laboratory: Laboratory) -> np.ndarray:
    """A few validation items, of as many classes as possible: both kinds of champion have predicted them."""
    validation = laboratory.run.split.validation
    labels = laboratory.labels[validation]
    _, first = np.unique(labels, return_index=True)
    rest = np.setdiff1d(np.arange(len(validation)), first)
    return np.sort(validation[np.concatenate([first, rest])[:N_REPLAY]])


def _join_head(backbone: onnx.ModelProto, columns: tuple[Column, ...], head: onnx.ModelProto) -> onnx.ModelProto:
    """Wire the pooled stages of a backbone's graph, side by side, into a head's graph."""
    if len(columns) == 1:
        return join(backbone, head, {columns[0].tensor: "features"})
    names = [column.tensor for column in columns]
    inputs = [(column.tensor, column.stop - column.start) for column in columns]
    concat = _small_graph("Concat", inputs, ("features", sum(width for _, width in inputs)), axis=1)
    return join(join(backbone, concat, {name: name for name in names}), head, {"features": "features"})


def _with_temperature(graph: onnx.ModelProto, temperature: float) -> onnx.ModelProto:
    """Append softmax(log(clip(p)) / temperature), which is what `apply_temperature` computes."""
    from onnx import helper, numpy_helper

    from autotl.predictions import SMALLEST_PROBABILITY

    graph = keep_output(graph, graph.graph.output[0].name, "uncalibrated")
    for name, value in (("floor", SMALLEST_PROBABILITY), ("ceiling", 1.0), ("inverse_temperature", 1 / temperature)):
        graph.graph.initializer.append(
            numpy_helper.from_array(np.array(value, dtype=np.float32), f"calibration_{name}")
        )
    graph.graph.node.extend(
        [
            helper.make_node("Clip", ["uncalibrated", "calibration_floor", "calibration_ceiling"], ["clipped"]),
            helper.make_node("Log", ["clipped"], ["log_probabilities"]),
            helper.make_node("Mul", ["log_probabilities", "calibration_inverse_temperature"], ["cooled"]),
            helper.make_node("Softmax", ["cooled"], ["probabilities"], axis=-1),
        ]
    )
    graph.graph.output[0].name = "probabilities"
    return graph


def _small_graph(
    kind: str, inputs: list[tuple[str, int]], output: tuple[str, int], **attributes: int
) -> onnx.ModelProto:
    """A graph of one node over float32 matrices, given by (name, columns)."""
    from onnx import TensorProto, helper

    def info(name: str, width: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, width])

    node = helper.make_node(kind, [name for name, _ in inputs], [output[0]], **attributes)
    graph = helper.make_graph([node], kind.lower(), [info(*i) for i in inputs], [info(*output)])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
