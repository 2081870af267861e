"""The conformance check of crops: sound ones pass it, and each breach of the contract is named."""

from __future__ import annotations

import pytest
from made_crops import crops_plugin, write_crop

from autotl.errors import WeightsError
from autotl.testing import check_crop, check_plugin

NOTHING = "    return lambda pixels: None\n"


def test_a_sound_crop_conforms(tmp_path):
    check_plugin(crops_plugin(write_crop(tmp_path)))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import scipy\ndef open(files):\n" + NOTHING, "imports scipy"),
        ("from . import other\ndef open(files):\n" + NOTHING, "another file of its package"),
        ("def find(pixels):\n    return None\n", "open raised KeyError"),
        (
            "def open(files):\n    return lambda pixels: None if pixels[0, 1].any() else None\n",
            "finding in an image of 1x1x3 raised IndexError",
        ),
        ("def open(files):\n    return lambda pixels: [1, 2]\n", "expected 4 corners"),
        (
            "def open(files):\n    return lambda pixels: [(0, 0), (0, 9), (9, 9), (9, 0)]\n",
            "not the top left, top right, bottom right and bottom left",
        ),
        (
            "import numpy as np\nseen = []\ndef open(files):\n    def find(pixels):\n        seen.append(1)\n"
            "        n = len(seen)\n        return np.array([(0, 0), (n, 0), (n, n), (0, n)])\n    return find\n",
            "something else in the same image",
        ),
        (
            "def open(files):\n    def find(pixels):\n        pixels[:] = 0\n    return find\n",
            "it changed the pixels",
        ),
    ],
)  # fmt: skip
def test_each_breach_is_named(text, told, tmp_path):
    with pytest.raises(AssertionError, match=told):
        check_crop(write_crop(tmp_path, text))


def test_the_name_of_whole_images_is_taken(tmp_path):
    with pytest.raises(AssertionError, match="'none' stands for whole images"):
        check_crop(write_crop(tmp_path, name="none"))


def test_files_have_the_same_contents_each_time_and_missing_ones_are_said(tmp_path):
    contents = iter([b"200", b"100"])
    with pytest.raises(AssertionError, match="other contents the second time"):
        check_crop(write_crop(tmp_path, files=lambda: {"least.txt": next(contents)}))

    def missing():
        raise WeightsError("install it")

    with pytest.raises(AssertionError, match="without its weights: install it"):
        check_crop(write_crop(tmp_path, files=missing))
