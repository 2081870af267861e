"""Which heads are linear is read from their graphs, whoever wrote them, and so is what each position adds."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from autotl.deploy.gradient_maps import attribution
from autotl.deploy.maps import read_stages
from autotl.features.frozen_network import open_session
from autotl.graphs.affine_logits import affine_frontier, affine_logits, pull_back
from autotl.graphs.blocks import affine, choices
from autotl.graphs.map_output import add_map
from autotl.graphs.pooled_stages import pooled_stages, with_outputs
from autotl.graphs.surgery import join
from autotl.training.calibration import Calibration, tempered
from autotl.training.classifiers import EstimatorClassifier
from autotl_plugins.heads._kernel_solver import KernelMachine
from autotl_plugins.heads._linear_solver import LinearMachine, LogisticClassifier

CHANNELS = 3


def network(channels_last: bool = False) -> onnx.ModelProto:
    """Pools the colours of an image by their mean and their maximum."""
    nodes = [helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT)]
    if channels_last:
        for op, name in (("ReduceMean", "mean"), ("ReduceMax", "most")):
            nodes.append(helper.make_node(op, ["pixels"], [name], axes=[1, 2], keepdims=0))
    else:
        nodes.append(helper.make_node("Transpose", ["pixels"], ["first"], perm=[0, 3, 1, 2]))
        for op, name in (("GlobalAveragePool", "mean"), ("GlobalMaxPool", "most")):
            nodes.append(helper.make_node(op, ["first"], [f"{name}-pooled"]))
            nodes.append(helper.make_node("Flatten", [f"{name}-pooled"], [name], axis=1))
    graph = helper.make_graph(
        nodes, "colours", [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", 4, 5, CHANNELS])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", CHANNELS]) for name in ("mean", "most")],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def classifier(head: onnx.ModelProto, temperature: float = 1.7, n_classes: int = 3, **options: Any) -> onnx.ModelProto:
    """A graph from images to tempered probabilities, of a head on six features."""
    heads = join(choices({"mean": CHANNELS, "most": CHANNELS}, {"all": ["mean", "most"]}), head, {"all": "features"})
    whole = join(network(**options), heads, {"mean": "mean", "most": "most"})
    whole.graph.output[0].name = "uncalibrated"
    for node in whole.graph.node:
        node.output[:] = ["uncalibrated" if name == "probabilities" else name for name in node.output]
    return join(
        whole, tempered("uncalibrated", "probabilities", n_classes, temperature), {"uncalibrated": "uncalibrated"}
    )


def images(n: int = 60) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, 4, 5, CHANNELS), dtype=np.uint8)


def features() -> np.ndarray:
    pixels = images().astype(np.float32)
    return np.concatenate([pixels.mean(axis=(1, 2)), pixels.max(axis=(1, 2))], axis=1)


def labels(n_classes: int) -> np.ndarray:
    ranks = features()[:, 0].argsort().argsort()
    return ranks * n_classes // len(ranks)


def exported(estimator: Any, n_classes: int = 3) -> onnx.ModelProto:
    head = EstimatorClassifier(estimator, 2 * CHANNELS, n_classes)
    head.fit(features(), labels(n_classes))
    if head.gives_margins:
        rng = np.random.default_rng(1)
        head.calibration = Calibration(rng.normal(size=(n_classes, n_classes)), rng.normal(size=n_classes))
    return head.to_onnx()


def log_ratios(model: onnx.ModelProto) -> np.ndarray:
    [found] = open_session(model.SerializeToString()).run(["probabilities"], {"images": images()})
    logs = np.log(np.maximum(found.astype(np.float64), 1e-12))
    return np.asarray(logs - logs[:, :1])


def pooled_values(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return read_stages(model, pooled_stages(model), images())[0]


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize(
    ("estimator", "n_classes"),
    [
        (LogisticClassifier(C=1e-3), 3),
        (LinearMachine(C=1e-5), 3),
        (make_pipeline(StandardScaler(), LogisticRegression(C=0.1)), 3),
        (make_pipeline(StandardScaler(), LogisticRegression(C=0.1)), 2),
    ],
)
def test_a_linear_head_is_folded_into_weights_that_give_its_answers(estimator, n_classes, channels_last):
    model = classifier(exported(estimator, n_classes), n_classes=n_classes, channels_last=channels_last)
    stages = pooled_stages(model)
    assert [(stage.pooling, stage.channels, stage.height, stage.width) for stage in stages] == [
        ("avg", CHANNELS, 4, 5),
        ("max", CHANNELS, 4, 5),
    ]
    logits = affine_logits(model, stages, n_classes)
    assert logits is not None
    found = logits(pooled_values(model))
    wanted = log_ratios(model)
    sure = np.abs(wanted).max(axis=1) < 8  # beyond it the graph raises probabilities to 1e-7
    assert sure.sum() > 10
    assert (found - found[:, :1])[sure] == pytest.approx(wanted[sure], abs=1e-4)


@pytest.mark.parametrize("channels_last", [False, True])
def test_the_map_of_a_graph_is_what_numpy_sums_up_position_by_position(channels_last):
    model = classifier(exported(LogisticClassifier(C=1e-4)), channels_last=channels_last)
    stages = pooled_stages(model)
    logits = affine_logits(model, stages, 3)
    assert logits is not None
    average = {stage.tensor: np.random.default_rng(3).uniform(0, 255, CHANNELS) for stage in stages}
    mapped = add_map(model, stages, logits, average)
    names = list(dict.fromkeys(name for stage in stages for name in (stage.source, stage.tensor)))
    session = open_session(with_outputs(mapped, names).SerializeToString())
    pixels = images()
    pixels[0, :2] = 255  # a maximum that is reached several times
    maps, classes, *values = session.run(["map", "map_classes", *names], {"images": pixels, "explain": np.array(True)})
    for i, (first, second) in enumerate(classes):
        weights = {name: matrix[:, first] - matrix[:, second] for name, matrix in logits.weights.items()}
        at = {name: value[i : i + 1] for name, value in zip(names, values, strict=True)}
        assert maps[i] == pytest.approx(attribution(stages, at, weights, average), abs=1e-4)


@pytest.mark.parametrize(
    "estimator",
    [RandomForestClassifier(5, random_state=0), KNeighborsClassifier(3), KernelMachine()],
)
def test_a_head_that_is_not_linear_is_not_taken_for_one(estimator):
    model = classifier(exported(estimator))
    assert affine_logits(model, pooled_stages(model), 3) is None


def test_a_kernel_is_cut_behind_its_components_and_gradients_come_back_through_them():
    axes = np.random.default_rng(2).normal(size=(2 * CHANNELS, 2)).astype(np.float32)
    components = affine(axes, np.zeros(2), "features", "components")
    machine = EstimatorClassifier(KernelMachine(), 2, 3)
    machine.fit(features() @ axes, labels(3))
    model = classifier(join(components, machine.to_onnx(), {"components": "features"}))
    stages = pooled_stages(model)
    [cut] = affine_frontier(model, stages)
    assert cut.endswith("components")
    gradient = np.array([[1.0], [-2.0]])
    back = pull_back(model, stages, {cut: gradient})
    found = np.concatenate([back[stage.tensor] for stage in stages])
    assert found == pytest.approx(axes @ gradient, abs=1e-6)


def test_a_network_that_does_not_pool_has_no_pooled_stages():
    flat = helper.make_graph(
        [
            helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT),
            helper.make_node("Flatten", ["pixels"], ["row"], axis=1),
            helper.make_node("Softmax", ["row"], ["probabilities"], axis=-1),
        ],
        "flat",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", 4, 5, CHANNELS])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 60])],
    )
    model = helper.make_model(flat, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    assert pooled_stages(model) == ()
