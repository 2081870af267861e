"""The small graphs compute what their names say."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from autotl.errors import ExportError
from autotl.features.frozen_network import open_session
from autotl.graphs.blocks import affine, choices, weighted_mean
from autotl.graphs.surgery import join
from autotl.training.calibration import apply_temperature, tempered

RNG = np.random.default_rng(0)
LEFT, RIGHT = RNG.random((5, 3), dtype=np.float32), RNG.random((5, 2), dtype=np.float32)


def run(graph, **inputs):
    onnx.checker.check_model(graph, full_check=True)
    [found] = open_session(graph.SerializeToString()).run(None, inputs)
    return found


@pytest.mark.parametrize("scale", [1e-3, 1.0, 3000.0])
def test_an_affine_map_is_a_product_and_a_sum(scale):
    weights, offset = RNG.normal(size=(3, 4)) / scale, RNG.normal(size=4)
    found = run(affine(weights, offset, "a", "b"), a=LEFT * np.float32(scale))
    assert found == pytest.approx((LEFT * scale) @ weights + offset, abs=1e-4)


def test_an_affine_map_with_a_softmax_gives_probabilities_even_of_logits_in_the_thousands():
    weights = np.array([[3000.0, 0.0], [0.0, 3000.0], [0.0, 0.0]])
    found = run(affine(weights, np.zeros(2), "a", "b", softmax=True), a=np.eye(3, dtype=np.float32))
    assert found.tolist() == [[1, 0], [0, 1], [0.5, 0.5]]


def test_each_choice_keeps_its_own_order_of_the_inputs():
    wanted = {"turned": ["second", "first"], "one": ["first"], "both": ["first", "second"]}
    graph = choices({"first": 3, "second": 2}, wanted)
    onnx.checker.check_model(graph, full_check=True)
    found = open_session(graph.SerializeToString()).run(list(wanted), {"first": LEFT, "second": RIGHT})
    expected = [np.hstack([RIGHT, LEFT]), LEFT, np.hstack([LEFT, RIGHT])]
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("temperature", [0.05, 0.7, 1.0, 20.0])
def test_tempered_is_the_training_sides_temperature_also_for_probabilities_of_0(temperature):
    probabilities = np.array([[0.0, 1.0, 0.0], [0.2, 0.3, 0.5], [1e-9, 0.5, 0.5], [1e-4, 1e-3, 0.9989]], np.float32)
    found = run(tempered("p", "q", 3, temperature), p=probabilities)
    assert found == pytest.approx(apply_temperature(probabilities, temperature), abs=1e-4)


@pytest.mark.parametrize("weights", [[1.0], [0.25, 0.75], [0.2, 0.3, 0.5]])
def test_a_weighted_mean_weighs_each_of_its_sources(weights):
    parts = {f"p{i}": RNG.random((5, 2), dtype=np.float32) for i in range(len(weights))}
    found = run(weighted_mean(list(parts), weights, 2, "mean"), **parts)
    assert found == pytest.approx(sum(w * p for w, p in zip(weights, parts.values(), strict=True)), abs=1e-6)


def test_parts_are_joined_by_the_names_of_their_ends():
    first = affine(np.eye(3), np.ones(3), "a", "middle")
    whole = join(first, affine(2 * np.eye(3), np.zeros(3), "middle", "b"), {"middle": "middle"})
    assert run(whole, a=LEFT) == pytest.approx(2 * (LEFT + 1), abs=1e-6)
    with pytest.raises(ExportError, match="no output of the first graph called 'elsewhere'"):
        join(first, affine(np.eye(3), np.ones(3), "middle", "b"), {"elsewhere": "middle"})
