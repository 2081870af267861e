"""Blank, dark, bright and blurred images, seen through the measures of real pictures."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from autotl.images.appearance import measure
from autotl_plugins.checks import appearance as plugin


def scene(seed: int) -> Image.Image:
    """Boxes in all sizes and colours: as sharp, bright and colourful as a photograph."""
    rng = np.random.default_rng(seed)
    pixels = np.full((240, 320, 3), 128, dtype=np.uint8)
    for _ in range(60):
        y, x, h, w = rng.integers(0, 200, 4)
        pixels[y : y + h // 3, x : x + w // 3] = rng.integers(0, 256, 3)
    return Image.fromarray(pixels)


def burnt_out(image: Image.Image) -> Image.Image:
    """White but for a faded corner."""
    white = Image.new("RGB", image.size, "white")
    white.paste(image.resize((50, 50)).point(lambda value: 150 + value // 4))
    return white


SPOIL = {
    "blank": lambda image: Image.new("RGB", image.size, (200, 190, 180)),
    "dark": lambda image: image.point(lambda value: value // 5),
    "bright": burnt_out,
    "blurry": lambda image: image.filter(ImageFilter.GaussianBlur(8)),
}


def columns(pictures: list[Image.Image]) -> dict[str, list[float]]:
    rows = [measure(picture) for picture in pictures]
    return {name: [row[name] for row in rows] for name in rows[0]}


@pytest.mark.parametrize("spoiled", SPOIL)
def test_a_spoiled_image_is_found_for_what_it_is_and_for_nothing_else(photos, findings, spoiled):
    pictures = [scene(i) for i in range(12)]
    pictures[3] = SPOIL[spoiled](pictures[3])
    [finding] = findings(plugin, photos(["cat"] * 12, **columns(pictures)))
    assert finding.check == spoiled
    assert finding.items == ("cat/3.png",)
    assert finding.severity == ("warning" if spoiled == "blank" else "info")
    assert "1 image of 12 is" in finding.message


def test_the_worst_come_first(photos, findings):
    [finding] = findings(plugin, photos(["cat"] * 4, brightness_p99=[0.3, 0.1, 0.9, 0.2]))
    assert finding.items == ("cat/1.png", "cat/3.png", "cat/0.png")


def test_small_images_are_not_called_blurred(photos, findings):
    assert findings(plugin, photos(["cat"] * 4, sharpness=0.2, width=60)) == []


def test_a_page_of_text_is_not_called_bright(photos, findings):
    page = Image.fromarray(np.where(np.random.default_rng(0).random((300, 200)) < 0.03, 0, 255).astype(np.uint8))
    assert findings(plugin, photos(["page"] * 4, **columns([page.convert("RGB")] * 4))) == []


def test_a_quality_that_marks_one_class_is_a_warning_that_names_the_class(photos, findings):
    dataset = photos(["day"] * 30 + ["night"] * 30, brightness_p99=[0.9] * 30 + [0.2] * 20 + [0.8] * 10)
    [finding] = findings(plugin, dataset)
    assert finding.severity == "warning"
    assert "20 images of 60 are very dark, all of them in the class night" in finding.message


def test_a_quality_of_the_whole_data_set_blames_no_class(photos, findings):
    [finding] = findings(plugin, photos(["a"] * 30 + ["b"] * 30, brightness_p99=0.2))
    assert finding.severity == "info"
    assert "meant to look like that" in finding.advice


def test_images_that_turn_blank_say_why_and_are_not_proposed_to_be_excluded(photos, findings, tmp_path):
    for i in range(20):
        (tmp_path / "cat").mkdir(exist_ok=True)
        Image.fromarray(np.full((64, 64), 1200 + i, np.uint16)).save(tmp_path / "cat" / f"{i}.png")
    dataset = photos(["cat"] * 20, contrast=0.001, mode="I;16", format="PNG")
    dataset.__dict__["root"] = tmp_path
    [finding] = findings(plugin, dataset)
    assert "20 images of 20 are blank or nearly one colour: their values reach 1,219 of 65,535, as 12-bit data" in (
        finding.message
    )
    assert finding.advice.startswith("Multiply the values by 16")
    assert (finding.fixes, finding.proposals) == ((), ())


@pytest.mark.parametrize(("n_blank", "n_proposed"), [(3, 3), (30, 0), (8, 0)])
def test_neither_all_images_nor_most_of_a_class_are_proposed_to_be_excluded(photos, findings, n_blank, n_proposed):
    labels = ["cat"] * (10 if n_blank == 8 else 30) + ["dog"] * 60
    contrast = [0.001 if i < n_blank else 0.25 for i in range(len(labels))]
    [finding] = [f for f in findings(plugin, photos(labels, contrast=contrast)) if f.check == "blank"]
    assert len(finding.proposals) == n_proposed
