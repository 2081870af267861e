"""Several graphs as one: what they share is computed once, and every output stays what it was."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from autotl.errors import ExportError
from autotl.graphs.side_by_side import Side, side_by_side

IMAGES = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)


def model(head_seed: int, *, n_classes: int = 3, opset: int = 18, network_seed: int = 0) -> onnx.ModelProto:
    """A "network" of one product, and a head of its own on it, which offers doubts that can be switched off."""
    rng, own = np.random.default_rng(network_seed), np.random.default_rng(head_seed)
    network = rng.normal(size=(6, 5)).astype(np.float32)
    head = own.normal(size=(5, n_classes)).astype(np.float32)
    least = numpy_helper.from_array(np.array(0.5, np.float32), f"least{head_seed}")

    def branch(name: str, value: float) -> onnx.GraphProto:
        factor = numpy_helper.from_array(np.array(value, np.float32), "factor")
        nodes = [
            helper.make_node("Mul", ["probabilities", "factor"], ["scaled"]),
            helper.make_node("Add", ["scaled", f"least{head_seed}"], ["given"]),
        ]
        given = helper.make_tensor_value_info("given", TensorProto.FLOAT, [None, n_classes])
        return helper.make_graph(nodes, name, [], [given], [factor])

    nodes = [
        helper.make_node("MatMul", ["images", "network"], ["features"]),
        helper.make_node("Relu", ["features"], ["kept"]),
        helper.make_node("MatMul", ["kept", "head"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
        helper.make_node("If", ["doubts"], ["set"], then_branch=branch("on", 2), else_branch=branch("off", 0)),
    ]
    values = [numpy_helper.from_array(network, "network"), numpy_helper.from_array(head, "head"), least]
    values.append(numpy_helper.from_array(np.array(True), "doubts"))
    graph = helper.make_graph(
        nodes, "one",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [None, 6]),
         helper.make_tensor_value_info("doubts", TensorProto.BOOL, [])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, n_classes])
         for name in ("probabilities", "set")],
        values,
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    onnx.checker.check_model(made, full_check=True)
    return made


def side(number: int, given: onnx.ModelProto, image: str = "images") -> Side:
    outputs = {"probabilities": f"{number}/probabilities", "set": f"{number}/set"}
    return Side(given, {"images": image, "doubts": "doubts"}, outputs)


def run(made: onnx.ModelProto, outputs: list[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    found: list[np.ndarray] = session.run(outputs, inputs)
    return found


@pytest.mark.parametrize("doubts", [True, False])
def test_each_output_is_what_the_graph_alone_gives(doubts: bool) -> None:
    models = [model(1), model(2, n_classes=4)]
    whole = side_by_side([side(number, one) for number, one in enumerate(models)])
    onnx.checker.check_model(whole, full_check=True)
    switch = {"doubts": np.array(doubts)}
    names = [f"{number}/{name}" for number in range(2) for name in ("probabilities", "set")]
    found = run(whole, names, {"images": IMAGES, **switch})
    alone = [one for each in models for one in run(each, ["probabilities", "set"], {"images": IMAGES, **switch})]
    for joint, single in zip(found, alone, strict=True):
        np.testing.assert_allclose(joint, single, rtol=1e-6)


def test_a_network_that_both_begin_with_is_there_once_and_heads_are_not_mixed_up() -> None:
    whole = side_by_side([side(0, model(1)), side(1, model(2))])
    products = [node for node in whole.graph.node if node.op_type == "MatMul"]
    assert len(products) == 3  # the network, and two heads
    assert sum(tuple(tensor.dims) == (6, 5) for tensor in whole.graph.initializer) == 1
    assert [value.name for value in whole.graph.input] == ["images", "doubts"]
    other = side_by_side([side(0, model(1)), side(1, model(2, network_seed=7))])
    assert sum(node.op_type == "MatMul" for node in other.graph.node) == 4


def test_the_switch_is_on_unless_it_is_given() -> None:
    whole = side_by_side([side(0, model(1)), side(1, model(2))])
    (default,) = run(whole, ["1/set"], {"images": IMAGES})
    (on,) = run(whole, ["1/set"], {"images": IMAGES, "doubts": np.array(True)})
    np.testing.assert_array_equal(default, on)


def test_graphs_that_read_different_images_share_their_constants() -> None:
    whole = side_by_side([side(0, model(1), "small"), side(1, model(2), "large")])
    assert {value.name for value in whole.graph.input} == {"small", "large", "doubts"}
    assert sum(tuple(tensor.dims) == (6, 5) for tensor in whole.graph.initializer) == 1
    found = run(whole, ["0/probabilities", "1/probabilities"], {"small": IMAGES, "large": IMAGES[::-1].copy()})
    np.testing.assert_allclose(
        found[1], run(model(2), ["probabilities"], {"images": IMAGES[::-1].copy()})[0], rtol=1e-6
    )


def test_graphs_of_different_operator_sets_are_joined() -> None:
    sides = [side(0, model(1, opset=17)), side(1, model(2, opset=20)), side(2, model(3, opset=18))]
    whole = side_by_side(
        [Side(one.model, one.inputs, {"probabilities": one.outputs["probabilities"]}) for one in sides]
    )
    names = [f"{number}/probabilities" for number in range(3)]
    for number, found in enumerate(run(whole, names, {"images": IMAGES})):
        expected = run(model(number + 1), ["probabilities"], {"images": IMAGES})[0]
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_inputs_of_one_name_and_different_sizes_are_refused() -> None:
    wide = model(2)
    wide.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 7
    with pytest.raises(ExportError, match="different inputs 'images'"):
        side_by_side([side(0, model(1)), side(1, wide)])


def test_an_output_that_two_graphs_give_is_refused() -> None:
    with pytest.raises(ExportError, match="'0/probabilities'"):
        side_by_side([side(0, model(1)), side(0, model(2))])
