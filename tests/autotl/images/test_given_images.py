"""Whatever holds the images, each one has its own name and place; what is no image is told by name."""

from __future__ import annotations

import io
from collections import deque
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageCms

from autotl.images.decoder import UnreadableImage, decode
from autotl.images.given_images import given_images, read_source

PATHS = ["c.png", "a.png", "b.png"]
SHUFFLED = pd.Series(PATHS, index=[2, 0, 1])


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def photo(mode: str = "RGB") -> Image.Image:
    """A picture without symmetry."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (4, 6, 4), dtype=np.uint8).repeat(10, axis=0).repeat(10, axis=1)
    return Image.fromarray(pixels).convert(mode)


@pytest.mark.parametrize(
    "items",
    [
        PATHS,
        tuple(PATHS),
        (path for path in PATHS),
        dict.fromkeys(PATHS).keys(),
        dict(enumerate(PATHS)).values(),
        deque(PATHS),
        map(Path, PATHS),
        np.array(PATHS),
        np.array(PATHS, dtype=object),
        np.array([[path] for path in PATHS], dtype=object),
        np.array(PATHS, dtype=np.dtypes.StringDType()),
        SHUFFLED,
        SHUFFLED.astype("category"),
        SHUFFLED.astype(object),
        SHUFFLED.set_axis(["x", "x", "y"]),
        SHUFFLED.set_axis(pd.MultiIndex.from_tuples([(1, "b"), (0, "a"), (1, "a")])),
        SHUFFLED.map(Path),
        pd.DataFrame({"path": SHUFFLED, "label": "cat"})["path"],
        pd.Index(PATHS),
        pd.array(PATHS, dtype="string"),
    ],
    ids=lambda items: type(items).__name__,
)
def test_any_container_gives_its_images_in_its_order(items):
    assert [(one.name, one.image) for one in given_images(items)] == [(path, path) for path in PATHS]


@pytest.mark.parametrize("one", ["a.png", Path("a.png"), np.str_("a.png")], ids=lambda one: type(one).__name__)
def test_a_single_path_is_one_image(one):
    assert [(given.name, given.image) for given in given_images(one)] == [("a.png", "a.png")]


def test_an_image_in_memory_is_called_by_its_place():
    data = encoded(photo())
    items = ["a.png", data, bytearray(data), memoryview(data), io.BytesIO(data), photo(), np.asarray(photo())]
    names = [one.name for one in given_images(items)]
    assert names == ["a.png", *(f"item {place}" for place in range(1, 7))]
    for single in items[1:-2]:
        [one] = given_images(io.BytesIO(data) if isinstance(single, io.BytesIO) else single)
        assert (one.name, one.image) == ("item 0", data)


def test_a_missing_value_keeps_its_place():
    items = pd.Series(["a.png", None, float("nan"), pd.NA, pd.NaT, "", np.float32("nan")], dtype=object)
    given = given_images(items)
    assert [bool(one.problem) for one in given] == [False, *[True] * 6]
    assert [one.name for one in given[1:]] == [f"item {place}" for place in range(1, 7)]


@pytest.mark.parametrize("items", [[], (), pd.Series([], dtype=object), np.array([]), set(), iter(())])
def test_nothing_gives_nothing(items):
    assert given_images(items) == []


@pytest.mark.parametrize(
    ("items", "words"),
    [
        (3, r"items is an int \(3\)"),
        (None, "items is a NoneType"),
        (["a.png", 3], r"items\[1\] is an int"),
        (["a.png", ["b.png"]], r"items\[1\] is a list"),
        ({"a": "a.png"}, "items is a dict; give its values"),
        (pd.DataFrame({"path": PATHS}), r"items is a table; give its column"),
        ([pd.DataFrame({"path": PATHS})], r"items\[0\] is a DataFrame"),
        (np.zeros(5), r"items is an array of float64 and shape \(5,\)"),
        (np.zeros((3, 20, 30)), r"transpose\(1, 2, 0\)"),
        (np.zeros((2, 20, 30, 5)), r"items\[0\] is an array"),
        (np.zeros((20, 30), dtype=complex), "expected numbers"),
        (np.zeros((0, 30)), "expected numbers"),
        (io.StringIO("text"), "open it with mode 'rb'"),
    ],
)
def test_what_is_no_image_is_told_by_its_name_and_place(items, words):
    with pytest.raises(TypeError, match=words):
        given_images(items)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBa", "CMYK", "YCbCr", "HSV", "I;16"])
def test_a_pillow_image_is_read_as_its_file(mode):
    grey = photo("L").convert("I").point(lambda value: value * 200).convert("I;16")
    image = grey if mode == "I;16" else photo("RGBA").convert("RGB").convert(mode) if mode == "HSV" else photo(mode)
    (given,) = given_images(image)
    pixels = decode(read_source(given.image), 20, 30)
    assert pixels.shape == (20, 30, 3)
    if mode not in ("CMYK", "YCbCr", "HSV", "RGBa", "PA"):
        np.testing.assert_array_equal(pixels, decode(encoded(image), 20, 30))


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_a_pillow_image_keeps_its_orientation_and_its_profile(orientation, kind):
    exif = Image.Exif()
    exif[0x0112] = orientation
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = encoded(photo(), kind, exif=exif, icc_profile=profile)
    for load in (False, True):
        image = Image.open(io.BytesIO(data))
        if load:
            image.load()
        (given,) = given_images([image])
        difference = decode(read_source(given.image), 20, 30).astype(int) - decode(data, 20, 30)
        assert np.abs(difference).max() <= 2


def test_a_transparent_palette_has_a_white_ground():
    image = Image.new("P", (8, 8), 0)
    image.info["transparency"] = 0
    assert decode(read_source(image), 4, 4).min() == 255


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_pixels_of_any_type_are_the_same_image(mode):
    pixels = np.asarray(photo(mode))
    expected = decode(encoded(photo(mode)), 20, 30)
    same = [
        pixels,
        pixels.astype(np.int64),
        pixels / 255,
        (pixels / 255).astype(np.float32),
        pixels.astype(np.uint16) * 257,
    ]
    same += [np.asfortranarray(pixels), pixels[..., None]] if mode == "L" else [np.asfortranarray(pixels)]
    for array in same:
        (given,) = given_images(array)
        np.testing.assert_array_equal(decode(read_source(given.image), 20, 30), expected)


def test_stacked_pixels_are_one_image_each():
    pixels = np.asarray(photo("RGB"))
    given = given_images(np.stack([pixels, 255 - pixels]))
    assert [one.name for one in given] == ["item 0", "item 1"]
    np.testing.assert_array_equal(given[1].image, 255 - pixels)


def test_black_and_white_pixels_may_be_true_and_false():
    mask = np.asarray(photo("1"))
    assert set(np.unique(decode(read_source(mask), *mask.shape))) == {0, 255}


@pytest.mark.parametrize(
    "array", [np.full((4, 4), 16.0), np.full((4, 4), -1), np.full((4, 4), np.nan), np.full((4, 4, 3), 256)]
)
def test_pixels_outside_the_known_ranges_are_unreadable(array):
    (given,) = given_images(array)
    with pytest.raises(UnreadableImage, match=r"pixels range from .*; expected"):
        read_source(given.image)


def test_the_home_folder_may_be_written_as_a_tilde(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_source("~/a.png") == str(tmp_path / "a.png")
    assert read_source("~nobody-of-this-name.png") == "~nobody-of-this-name.png"


def test_a_closed_or_torn_pillow_image_is_unreadable():
    image = Image.open(io.BytesIO(encoded(photo(), "JPEG")[:-200]))
    with pytest.raises(UnreadableImage, match="damaged"):
        read_source(image)
