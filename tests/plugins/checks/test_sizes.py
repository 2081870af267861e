"""Tiny images, odd sizes, odd shapes."""

from __future__ import annotations

import pytest

from autotl_plugins.checks import sizes as plugin


def test_a_few_tiny_images_are_odd_ones_out_the_smallest_first(photos):
    [finding] = plugin.tiny(photos(["cat"] * 6, width=[640, 20, 16, 640, 640, 32], height=[480, 40, 16, 480, 480, 32]))
    assert finding.severity == "warning"
    assert "2 images of 6 have fewer than 32 pixels on the shorter side, such as cat/2.png (16 x 16)" in finding.message
    assert finding.items == ("cat/2.png", "cat/1.png")


def test_a_data_set_of_tiny_images_is_told_once_and_no_image_is_blamed(photos):
    [finding] = plugin.tiny(photos(["cat"] * 6, width=28, height=28))
    assert (finding.severity, finding.items) == ("info", ())
    assert finding.message.startswith("all 6 images have fewer than 32 pixels")


@pytest.mark.parametrize(("width", "height", "odd"), [(321, 240, False), (1279, 960, False), (300, 220, True)])
def test_among_images_of_one_size_another_is_odd_only_from_half_or_double_on(photos, width, height, odd):
    found = list(plugin.odd_size(photos(["cat"] * 40, width=[640] * 39 + [width], height=[480] * 39 + [height])))
    assert [f.items for f in found] == [("cat/39.png",)] * odd


def test_in_a_data_set_of_mixed_sizes_only_those_far_outside_are_odd(photos):
    widths = [100 + 20 * i for i in range(39)]
    assert not list(plugin.odd_size(photos(["cat"] * 40, width=[*widths, 1200], height=[*widths, 1200])))
    [finding] = plugin.odd_size(photos(["cat"] * 40, width=[*widths, 20_000], height=[*widths, 20_000]))
    assert "1 image of 40 is far larger or smaller than the rest, such as cat/39.png (20000 x 20000" in finding.message


def test_long_and_narrow_images_are_named_the_narrowest_first(photos):
    [finding] = plugin.odd_shape(photos(["cat"] * 4, width=[640, 100, 90, 640], height=[480, 300, 900, 480]))
    assert finding.severity == "info"
    assert finding.items == ("cat/2.png", "cat/1.png")
