"""Two graphs side by side share what both compute, and what stands beside costs nothing when it is off."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from autotl.errors import ExportError
from autotl.features.frozen_network import open_session
from autotl.graphs.beside import beside
from autotl.graphs.blocks import affine
from autotl.graphs.surgery import join, prune, sort_nodes

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 3)).astype(np.float32)
SHARED, HEAD, OTHER = RNG.normal(size=(3, 4)), RNG.normal(size=(4, 2)), RNG.normal(size=(4, 6))


def two_layers(last, target, names=("w", "b", "hidden"), shared=SHARED):
    """x @ shared, then @ last; names: of the constants and of the tensor in between."""
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["x", names[0], names[1]], [names[2]], name="first"),
            helper.make_node("MatMul", [names[2], "last"], [target], name="second"),
        ],
        target,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3])],
        [helper.make_tensor_value_info(target, TensorProto.FLOAT, ["batch", last.shape[1]])],
        [
            numpy_helper.from_array(shared.astype(np.float32), names[0]),
            numpy_helper.from_array(np.zeros(4, np.float32), names[1]),
            numpy_helper.from_array(last.astype(np.float32), "last"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def run(graph, names=None, **inputs):
    onnx.checker.check_model(graph, full_check=True)
    return open_session(graph.SerializeToString()).run(names, inputs)


def all_nodes(graph):
    """Operators, also those inside branches."""
    found = []
    for node in graph.node:
        found.append(node.op_type)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                found += all_nodes(attribute.g)
    return found


def test_both_outputs_are_what_the_graphs_say_by_themselves():
    both = beside(two_layers(HEAD, "p"), two_layers(OTHER, "q"), switch="also")
    assert [value.name for value in both.graph.output] == ["p", "q"]
    p, q = run(both, x=X)
    assert np.array_equal(p, run(two_layers(HEAD, "p"), x=X)[0])
    assert np.array_equal(q, run(two_layers(OTHER, "q"), x=X)[0])


@pytest.mark.parametrize("names", [("w", "b", "hidden"), ("other_w", "other_b", "other_hidden")])
def test_a_layer_that_both_have_is_computed_once_whatever_it_is_called(names):
    both = beside(two_layers(HEAD, "p"), two_layers(OTHER, "q", names), switch="also")
    assert all_nodes(both.graph).count("Gemm") == 1
    assert all_nodes(both.graph).count("MatMul") == 2


def test_a_layer_with_other_weights_is_another_one():
    both = beside(two_layers(HEAD, "p"), two_layers(OTHER, "q", shared=SHARED + 1), switch="also")
    assert all_nodes(both.graph).count("Gemm") == 2
    assert np.array_equal(run(both, x=X)[1], run(two_layers(OTHER, "q", shared=SHARED + 1), x=X)[0])


def test_switched_off_the_new_outputs_have_no_rows_and_the_old_ones_are_the_same_to_the_bit():
    both = beside(two_layers(HEAD, "p"), two_layers(OTHER, "q"), switch="also")
    p, q = run(both, x=X, also=np.array(False))
    assert np.array_equal(p, run(two_layers(HEAD, "p"), x=X)[0])
    assert q.shape == (0, 6)


def test_a_graph_may_stand_beside_an_output_and_several_beside_each_other():
    first = beside(two_layers(HEAD, "p"), affine(np.eye(2), np.ones(2), "p", "more"), switch="also")
    both = beside(first, affine(np.eye(2), -np.ones(2), "p", "less"), switch="also")
    p, more, less = run(both, x=X)
    assert more == pytest.approx(p + 1)
    assert less == pytest.approx(p - 1)
    assert [value.name for value in both.graph.input] == ["x", "also"]


def test_a_graph_without_what_it_reads_is_refused():
    with pytest.raises(ExportError, match="no tensor 'y' for the graph beside it"):
        beside(two_layers(HEAD, "p"), affine(np.eye(2), np.ones(2), "y", "more"), switch="also")


def test_an_output_that_is_there_already_is_refused():
    with pytest.raises(ExportError, match="has a tensor 'hidden' already"):
        beside(two_layers(HEAD, "p"), affine(np.eye(2), np.ones(2), "p", "hidden"), switch="also")


def test_graphs_of_different_operator_sets_share_their_layers_too():
    older = two_layers(OTHER, "q")
    newer = join(two_layers(HEAD, "p"), affine(np.eye(2), np.zeros(2), "p", "result"), {"p": "p"})
    newer = onnx.version_converter.convert_version(newer, 18)
    both = beside(newer, older, switch="also")
    assert all_nodes(both.graph).count("Gemm") == 2  # the shared one and that of `result`
    assert run(both, x=X)[1] == pytest.approx(run(older, x=X)[0], abs=1e-6)


def test_what_stands_beside_can_be_taken_away_again():
    both = beside(two_layers(HEAD, "p"), two_layers(OTHER, "q"), switch="also")
    alone = prune(both, ["p"])
    assert [value.name for value in alone.graph.input] == ["x"]
    assert all_nodes(alone.graph) == all_nodes(two_layers(HEAD, "p").graph)


def test_nodes_are_sorted_by_what_their_branches_read_too():
    both = beside(two_layers(HEAD, "p"), two_layers(OTHER, "q"), switch="also")
    nodes = list(both.graph.node)
    del both.graph.node[:]
    both.graph.node.extend(reversed(nodes))
    with pytest.raises(onnx.checker.ValidationError, match="topologically sorted"):
        onnx.checker.check_model(both)
    assert np.array_equal(run(sort_nodes(both), x=X)[1], run(two_layers(OTHER, "q"), x=X)[0])
