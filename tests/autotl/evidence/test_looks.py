"""Kinds of images by their looks."""

from __future__ import annotations

import numpy as np
import pandas as pd

from autotl.evidence.looks import looks

ITEMS = pd.DataFrame({
    "width": np.arange(1, 31), "height": 10, "brightness_p99": np.linspace(0.1, 1, 30), "contrast": 0.2,
    "sharpness": np.linspace(0, 5, 30),
})  # fmt: skip


def test_each_measure_has_a_lowest_and_a_highest_third():
    found = {look.name: look.members for look in looks(ITEMS)}
    assert set(found) == {"small", "large", "dark", "bright", "blurred", "sharp", "with glare"}
    assert np.flatnonzero(found["small"]).tolist() == list(range(10))
    assert np.flatnonzero(found["sharp"]).tolist() == list(range(20, 30))


def test_what_is_alike_in_all_images_divides_nothing():
    assert not {"low contrast", "high contrast"} & {look.name for look in looks(ITEMS)}


def test_glare_is_what_few_images_have():
    found = {look.name: look.members for look in looks(ITEMS)}
    assert found["with glare"].sum() == 1
    assert "with glare" not in {look.name for look in looks(ITEMS.assign(brightness_p99=1.0))}
