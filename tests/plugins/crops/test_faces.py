"""Faces are found and turned upright, and nothing is taken for a face that is none."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import skimage.data
from PIL import Image

from autotl.errors import WeightsError
from autotl.testing import check_plugin
from autotl_plugins.crops import _faces, faces

needs_the_package = pytest.mark.skipif(
    importlib.util.find_spec("facenet_pytorch") is None, reason="facenet-pytorch is not installed"
)
EYES = np.array([(204, 100), (246, 102)])
"""In the photo of the astronaut."""


@pytest.fixture(scope="module")
def find():
    return _faces.open(faces.networks())


def in_square(corners, points):
    """Points as shares of the square between corners."""
    top_left, top_right, _, bottom_left = corners
    return (np.asarray(points) - top_left) @ np.linalg.inv(np.stack([top_right - top_left, bottom_left - top_left]))


def test_the_licence_of_what_it_was_trained_on_keeps_it_out_unless_it_is_named():
    [crop] = faces.register_crops()
    assert (crop.default, crop.commercial) == (False, False)
    assert "non-commercial research only" in crop.licence


def test_without_its_weights_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WeightsError, match=r"`pip install --no-deps facenet-pytorch`"):
        faces.networks()


def test_weights_of_another_network_are_refused(monkeypatch):
    monkeypatch.setattr(faces, "find_in_package", lambda *given, **more: "pnet.pt")
    monkeypatch.setattr(faces, "read_torch_file", lambda file: {"conv1.weight": np.zeros((10, 3, 3, 3), np.float32)})
    with pytest.raises(WeightsError, match=r"not that of MTCNN.*conv1\.bias"):
        faces.networks()


@needs_the_package
def test_it_conforms():
    check_plugin(faces)


@needs_the_package
@pytest.mark.parametrize("degrees", [0, 20, -20])
def test_both_eyes_are_level_above_the_middle_whichever_way_the_head_is_turned(degrees, find):
    photo = Image.fromarray(skimage.data.astronaut())
    turned = np.asarray(photo.rotate(degrees, Image.Resampling.BICUBIC))
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    left, right = in_square(find(turned), (EYES - 256) @ turn + 256)
    assert (left[1], right[1]) == pytest.approx((0.47, 0.47), abs=0.03)
    assert (left[0], right[0]) == pytest.approx((0.375, 0.625), abs=0.03)


@needs_the_package
def test_the_largest_face_is_chosen(find):
    photo = Image.fromarray(skimage.data.astronaut())
    both = Image.new("RGB", (640, 480), (120, 130, 125))
    both.paste(photo.crop((130, 0, 330, 200)).resize((100, 100)), (20, 20))
    both.paste(photo.crop((130, 0, 330, 200)).resize((300, 300)), (300, 100))
    middle = find(np.asarray(both)).mean(axis=0)
    assert 300 < middle[0] < 600
    assert 100 < middle[1] < 400


@needs_the_package
@pytest.mark.parametrize("photo", ["coffee", "rocket", "chelsea", "gravel", "page"])
def test_nothing_else_is_taken_for_a_face(photo, find):
    pixels = getattr(skimage.data, photo)()
    assert find(pixels if pixels.ndim == 3 else pixels[..., None].repeat(3, axis=2)) is None


@needs_the_package
def test_small_faces_are_found_and_patches_without_one_are_not(find):
    images = (skimage.data.lfw_subset() * 255).astype(np.uint8)[..., None].repeat(3, axis=3)
    found = [find(image) is not None for image in images[::5]]
    assert sum(found[:20]) >= 18
    assert sum(found[20:]) == 0


@needs_the_package
def test_in_a_strip_no_face_is_looked_for(find, monkeypatch):
    monkeypatch.setattr(_faces, "_largest_face", None)  # enlarged, it would be an image of 16 megapixels
    assert find(np.zeros((1, 640, 3), np.uint8)) is None
    assert find(np.zeros((640, 15, 3), np.uint8)) is None
