"""The largest object is found before a plain background, and nothing where nothing stands out."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data

from autotl.testing import check_plugin
from autotl_plugins.crops import largest_object
from autotl_plugins.crops._largest_object import MARGIN, find, largest_component, otsu


def scene(height=240, width=320, background=(40, 60, 50), noise=4, seed=0):
    rng = np.random.default_rng(seed)
    return np.clip(np.array(background) + rng.normal(0, noise, (height, width, 3)), 0, 255).astype(np.uint8)


def test_it_conforms():
    check_plugin(largest_object)


@pytest.mark.parametrize("background", [(40, 60, 50), (250, 250, 250), (200, 30, 30)])
def test_the_larger_of_two_objects_is_found_before_any_plain_background(background):
    pixels = scene(background=background)
    pixels[60:140, 200:240] = (20, 120, 240)
    pixels[200:215, 20:35] = (20, 120, 240)
    corners = find(pixels)
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx((220, 100), abs=4)
    assert right - left == pytest.approx(bottom - top)
    assert right - left == pytest.approx(80 * (1 + 2 * MARGIN), rel=0.1)


def test_the_corners_of_an_upright_square_go_round_clockwise_from_the_top_left():
    pixels = scene()
    pixels[60:140, 200:240] = 250
    top_left, top_right, bottom_right, bottom_left = find(pixels)
    assert top_left[1] == top_right[1] < bottom_left[1] == bottom_right[1]
    assert top_left[0] == bottom_left[0] < top_right[0] == bottom_right[0]


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((60, 80, 3), np.uint8),
        scene(),
        skimage.data.gravel()[..., None].repeat(3, axis=2),
        np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8),
    ],
    ids=["black", "plain", "gravel", "noise"],
)
def test_nothing_stands_out_of_a_texture(pixels):
    assert find(pixels) is None


def test_connected_parts_are_told_apart_and_joined_by_their_corners():
    mask = np.zeros((7, 9), bool)
    mask[0:2, 0:3] = True
    mask[2, 3] = True  # touches the corner of the one above
    mask[4:7, 6] = mask[6, 6:9] = mask[4:7, 8] = True  # two arms that meet below
    assert largest_component(mask) == (0, 0, 4, 3, 7) or largest_component(mask) == (6, 4, 9, 7, 7)
    mask[5, 7] = True
    assert largest_component(mask) == (6, 4, 9, 7, 8)
    assert largest_component(np.zeros((3, 3), bool)) is None


def test_the_threshold_separates_two_groups_of_values_as_scikit_image_does():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(20, 3, 900), rng.normal(90, 5, 300)])
    threshold, separation = otsu(values)
    assert ((values > threshold) == (values > skimage.filters.threshold_otsu(values))).mean() > 0.99
    assert separation > 0.95
    assert otsu(np.full(50, 3.0))[1] == 0
