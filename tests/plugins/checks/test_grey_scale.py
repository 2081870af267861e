"""Images without colour."""

from __future__ import annotations

import pytest

from autotl_plugins.checks import grey_scale as plugin


def test_a_grey_data_set_is_told_once(photos):
    [finding] = plugin.grey_scale(photos(["cat"] * 20 + ["dog"] * 20, colourfulness=0.0))
    assert (finding.severity, finding.items) == ("info", ())
    assert finding.message.startswith("all 40 images are grey-scale")


def test_a_class_that_alone_is_grey_is_a_warning(photos):
    [finding] = plugin.grey_scale(photos(["cat"] * 20 + ["dog"] * 20, colourfulness=[0.5] * 20 + [30.0] * 20))
    assert finding.severity == "warning"
    assert "nearly all images of cat are grey-scale" in finding.message
    assert len(finding.items) == 20


@pytest.mark.parametrize("n_grey", [3, 10])
def test_grey_images_in_every_class_are_nothing_to_speak_of(photos, n_grey):
    colours = ([0.0] * n_grey + [30.0] * (20 - n_grey)) * 2
    assert not list(plugin.grey_scale(photos(["cat"] * 20 + ["dog"] * 20, colourfulness=colours)))
