"""The measures of an image, on images whose appearance is known."""

from __future__ import annotations

import time

import numpy as np
import pytest
from PIL import Image, ImageFilter

from autotl.images.appearance import MEASURES, measure, measure_all, pixels_to_measure

NAMES = set(MEASURES)


def checkers(edge: int = 128, colour: tuple[int, int, int] = (255, 255, 255)) -> Image.Image:
    """Fields of 16 pixels in black and a colour."""
    fields = np.kron(np.indices((edge // 16, edge // 16)).sum(axis=0) % 2, np.ones((16, 16)))
    return Image.fromarray((fields[..., None] * np.array(colour)).astype(np.uint8))


@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_image_of_one_grey_has_its_brightness_and_nothing_else(level):
    found = measure(Image.new("RGB", (80, 64), (level, level, level)))
    assert found == pytest.approx(
        {
            "brightness_p5": level / 255,
            "brightness_p99": level / 255,
            "contrast": 0,
            "sharpness": 0,
            "colourfulness": 0,
        },
        abs=1e-3,
    )


def test_black_and_white_have_full_contrast_and_no_colour():
    found = measure(checkers())
    assert (found["brightness_p5"], found["contrast"], found["colourfulness"]) == (0, pytest.approx(0.5, abs=1e-3), 0)
    assert found["brightness_p99"] == pytest.approx(1, abs=1e-3)


def test_the_more_an_image_is_blurred_the_less_sharp_it_is():
    sharpness = [measure(checkers().filter(ImageFilter.GaussianBlur(r)))["sharpness"] for r in (0, 1, 2, 4, 8)]
    assert sharpness == sorted(sharpness, reverse=True)
    assert sharpness[0] > 1.5
    assert sharpness[-1] < 0.5


def test_a_faint_image_is_as_sharp_as_a_strong_one():
    strong, faint = checkers(), checkers().point(lambda value: 100 + value // 5)
    assert measure(faint)["sharpness"] == pytest.approx(measure(strong)["sharpness"], rel=0.1)


def test_a_sharp_subject_before_a_soft_background_is_sharp():
    image = checkers(256).filter(ImageFilter.GaussianBlur(12))
    image.paste(checkers(64), (96, 96))
    assert measure(image)["sharpness"] > 1


def test_noise_does_not_depend_on_the_size_an_image_is_handed_over_in():
    image = checkers(512)
    small, large = measure(image.reduce(4)), measure(image)
    assert small == pytest.approx(large, rel=0.05, abs=0.01)


@pytest.mark.parametrize(("colour", "least", "most"), [((255, 0, 0), 80, 200), ((130, 125, 120), 2, 20)])
def test_colourfulness_goes_with_the_colours(colour, least, most):
    assert least < measure(checkers(colour=colour))["colourfulness"] < most


@pytest.mark.parametrize("size", [(1, 1), (2, 500), (1, 64), (5000, 3), (28, 28)])
def test_images_of_any_size_have_finite_measures(size):
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    found = measure(Image.fromarray(noise))
    assert set(found) == NAMES
    assert all(isinstance(value, float) and np.isfinite(value) for value in found.values())


def test_measuring_is_quick_beside_decoding():
    image = checkers(64)
    seconds = []
    for _ in range(50):
        started = time.perf_counter()
        measure(image)
        seconds.append(time.perf_counter() - started)
    # 0.1 ms on a quiet machine; the minimum forgives a busy one.
    assert min(seconds) < 0.0015


def test_images_measured_together_have_the_measures_that_each_has_alone():
    rng = np.random.default_rng(0)
    sizes = [(28, 28), (64, 40), (28, 28), (1, 5), (28, 28), (64, 40)]
    images = [Image.fromarray(rng.integers(0, 256, (h, w, 3), dtype=np.uint8)) for w, h in sizes]
    together = measure_all([pixels_to_measure(image) for image in images])
    assert [dict(zip(MEASURES, map(float, row), strict=True)) for row in together] == [measure(i) for i in images]
