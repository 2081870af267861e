"""A network in int8 computes nearly the same, is kept by what it was calibrated on, and never mixes with the other."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from small_encoder import small_graph

from autotl.errors import ExportError
from autotl.features import quantised_network
from autotl.features.engine_choice import choose_engine
from autotl.features.features import extract
from autotl.features.frozen_network import INT8, freeze
from autotl.features.quantised_network import is_made, quantise, quantise_graph


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("int8")


@pytest.fixture(scope="module")
def network(tiny, folder):
    return freeze(tiny, (32, 48), cache=folder)


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(3).integers(0, 256, (40, 32, 48, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def int8(network, pixels):
    return quantise(network, pixels[:20], ["a", "b"])


def engine(network):
    return choose_engine(network, lambda: pytest.fail("nothing is decoded for it")).engine


def test_in_int8_the_network_computes_nearly_the_same(network, int8, pixels):
    from autotl.features.engine import open_named

    single = open_named("onnxruntime", network).run(pixels)
    found = engine(int8).run(pixels)
    for want, got in zip(single, found, strict=True):
        assert got.shape == want.shape
        assert 0 < np.linalg.norm(got - want) < 0.1 * np.linalg.norm(want)


def test_only_what_deployables_need_computes_in_int8_and_says_so(int8):
    assert (engine(int8).name, str(engine(int8))[-5:]) == ("onnxruntime", " int8")


def test_it_is_kept_beside_the_graph_by_what_it_was_calibrated_on(network, int8, pixels, monkeypatch):
    monkeypatch.setattr(quantised_network, "quantise_graph", lambda file, pixels: pytest.fail("it is there"))
    assert quantise(network, pixels, ["a", "b"]) == int8
    assert int8.file.parent == network.file.parent
    assert (int8.precision, network.precision) == (INT8, "fp32")
    other = quantised_network.quantised_by(network, ["a", "c"])
    assert len({network.key, int8.key, other.key}) == 3
    assert not is_made(other)


def test_a_damaged_file_is_made_anew(network, pixels):
    first = quantise(network, pixels[:8], ["damaged"])
    whole = first.file.read_bytes()
    first.file.write_bytes(whole[:-20])
    assert not is_made(first)
    assert quantise(network, pixels[:8], ["damaged"]) == first
    assert first.file.read_bytes() == whole


def test_features_in_int8_and_in_single_precision_are_kept_apart(network, int8, shapes_dataset, folder):
    both = [extract(shapes_dataset, one, cache=folder, items=np.arange(6)) for one in (network, int8)]
    assert [features.computed for features in both] == [6, 6]
    first, second = (features.read("joined", "avg+max", np.arange(6)) for features in both)
    assert not np.array_equal(first, second)
    again = extract(shapes_dataset, int8, cache=folder, items=np.arange(6))
    assert (again.computed, again.reused) == (0, 6)
    assert np.array_equal(again.read("joined", "avg+max", np.arange(6)), second)


def test_a_graph_without_a_convolution_or_a_damaged_one_is_refused(tmp_path, pixels):
    import keras

    from autotl.graphs.keras_to_onnx import to_onnx

    image = keras.Input((32, 48, 3))
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(image))
    (tmp_path / "plain.onnx").write_bytes(to_onnx(model, input_dtype="uint8").SerializeToString())
    with pytest.raises(ExportError, match=r"plain\.onnx has no convolution"):
        quantise_graph(tmp_path / "plain.onnx", pixels)
    (tmp_path / "odd.onnx").write_bytes(b"odd")
    with pytest.raises(ExportError, match=r"odd\.onnx cannot be quantised"):
        quantise_graph(tmp_path / "odd.onnx", pixels)


def test_nodes_without_a_name_are_told_apart(pixels, tmp_path):
    file = tmp_path / "network.onnx"
    model = small_graph(32, 48)
    assert not any(node.name for node in model.graph.node)
    onnx.save(model, file)
    nodes = onnx.load_from_string(quantise_graph(file, pixels[:20])).graph.node
    makers = {name: node.op_type for node in nodes for name in node.output}
    read_by = {node.op_type: [makers.get(name) for name in node.input] for node in nodes}
    assert read_by["Conv"][:2] == ["DequantizeLinear", "DequantizeLinear"]
    assert "DequantizeLinear" not in read_by["MatMul"]
