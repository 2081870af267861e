"""Outputs of an encoder's graph are pooled, and graphs that give something else are refused."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper
from small_encoder import WIDTHS, small_graph

from autotl.graphs.pooled_outputs import pool_outputs

SIZE = (20, 28)


def computed(model, pixels, names=None):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(names, {"images": pixels})


def test_maps_are_pooled_by_mean_and_maximum_and_vectors_are_left_as_they_are():
    model = small_graph(*SIZE)
    pixels = np.random.default_rng(0).integers(0, 256, (3, *SIZE, 3)).astype(np.uint8)
    low, high, embedding = computed(model, pixels)
    pooled, widths = pool_outputs(model, SIZE)
    assert widths == WIDTHS
    expected = [low.mean((1, 2)), low.max((1, 2)), high.mean((1, 2)), high.max((1, 2)), embedding]
    for want, got in zip(expected, computed(pooled, pixels, list(widths)), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def changed(**info):
    """A graph that passes on its input, whose input and output are declared otherwise."""
    told = {"name": "images", "to": TensorProto.FLOAT, "shape": ["n", *SIZE, 3], "perm": [0, 1, 2, 3]} | info
    nodes = [
        helper.make_node("Cast", [told["name"]], ["cast"], to=told["to"]),
        helper.make_node("Transpose", ["cast"], ["out"], perm=told["perm"]),
    ]
    graph = helper.make_graph(
        nodes, "changed", [helper.make_tensor_value_info(told["name"], TensorProto.UINT8, told["shape"])],
        [helper.make_tensor_value_info("out", told["to"], [None] * 4)],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (changed(name="pixels"), r"inputs \['pixels'\]; expected one, 'images'"),
        (changed(to=TensorProto.DOUBLE), r"'out' is float64 \(2, 20, 28, 3\)"),
        (changed(perm=[3, 1, 2, 0]), r"'out' is float32 \(3, 20, 28, 2\) for 2 images"),
        (changed(shape=[1, *SIZE, 3]), "cannot be computed: .*invalid dimensions"),
    ],
)
def test_a_graph_that_is_no_encoder_is_refused_with_what_was_found(model, told):
    with pytest.raises(ValueError, match=told):
        pool_outputs(model, SIZE)


def with_second_output(op, inputs, **attributes):
    """A sound graph, and with it a vector that one more node computes from `embedding`."""
    model = small_graph(*SIZE)
    model.graph.node.append(helper.make_node(op, inputs, ["added"], **attributes))
    model.graph.node.append(helper.make_node("Add", ["embedding", "added"], ["mixed"]))
    model.graph.output.append(helper.make_tensor_value_info("mixed", TensorProto.FLOAT, ["n", 5]))
    return model


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (
            with_second_output("ReduceMean", ["embedding"], axes=[0]),
            "'mixed' is another for an image alone than among",
        ),
        (with_second_output("RandomNormalLike", ["embedding"]), "'mixed' is another each time"),
    ],
)
def test_a_graph_whose_numbers_do_not_depend_on_the_image_alone_is_refused(model, told):
    with pytest.raises(ValueError, match=told):
        pool_outputs(model, SIZE)


def test_names_inside_the_graph_are_kept_out_of_the_way_of_those_that_are_joined_to_it():
    model = small_graph(*SIZE)
    for node in model.graph.node:
        node.input[:] = ["probabilities" if name == "flat" else name for name in node.input]
        node.output[:] = ["probabilities" if name == "flat" else name for name in node.output]
    pixels = np.random.default_rng(0).integers(0, 256, (2, *SIZE, 3)).astype(np.uint8)
    pooled, _ = pool_outputs(model, SIZE)
    names = {name for node in pooled.graph.node for name in node.output}
    assert "probabilities" not in names
    assert [value.name for value in pooled.graph.input] == ["images"]
    expected = computed(small_graph(*SIZE), pixels, ["embedding"])
    np.testing.assert_allclose(computed(pooled, pixels, ["embedding-vector"]), expected, rtol=1e-5, atol=1e-6)
    assert [value.name for value in model.graph.output] == ["low", "high", "embedding"]
