"""What one image looks like, in five numbers: brightness (two), contrast, sharpness, colourfulness.

Formulas instead of a dependency on cleanvision 0.3.7 (Apache-2.0): its functions take 370 us where these take 90 to 150
(64 x 96 pixels, decoded), and it imports matplotlib and fsspec. Its definition of brightness is used. On real datasets
its entropy limit calls 1,544 of 1,797 digits and 155 of 1,000 drawings of clothes blank, the contrast calls none; and
its blur score finds 3 of 13 photographs blurred by 2 % of their length, the sharpness finds 9, and no sharp one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from PIL import Image

EDGE = 64
"""The longer side, in pixels, at which images are measured; blur that is invisible at this size does no harm."""
MEASURES = ("brightness_p5", "brightness_p99", "contrast", "sharpness", "colourfulness")
# Perceived brightness: http://alienryderflex.com/hsp.html, the rounded weights of cleanvision.
_BRIGHTNESS = (0.241, 0.691, 0.068)


def measure(image: Image.Image) -> dict[str, float]:
    """Measure a decoded RGB image of any size; see `measure_all`. One with 64 to 128 pixels on its shorter side costs
    least.
    """
    return dict(zip(MEASURES, map(float, measure_all([pixels_to_measure(image)])[0]), strict=True))


def pixels_to_measure(image: Image.Image) -> np.ndarray:
    """What `measure_all` looks at of an RGB image: uint8 (height, width, 3), at most 64 pixels on its longer side."""
    ratio = EDGE / max(image.size)
    if ratio < 1:
        size = (max(1, round(image.width * ratio)), max(1, round(image.height * ratio)))
        image = image.resize(size, Image.Resampling.BOX)
    return np.asarray(image, dtype=np.uint8)


def measure_all(images: Sequence[np.ndarray]) -> np.ndarray:
    """Measure images, float32 (n, 5); those of one size together, which is many times as fast, and gives the same.

    images: see `pixels_to_measure`. The columns are MEASURES: brightness_p5 and brightness_p99 (percentiles, 0..1),
    contrast (standard deviation of the brightness, 0..0.5), sharpness (0: a single colour; below 1: blurred;
    photographs: 3 to 10) and colourfulness (0: grey-scale; 15: slightly coloured; up to about 180), which is the
    measure of Hasler and Suesstrunk, "Measuring colorfulness in natural images", 2003.
    """
    of_size: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for i, image in enumerate(images):
        of_size[image.shape].append(i)
    found = np.zeros((len(images), len(MEASURES)), dtype=np.float32)
    for same in of_size.values():
        found[same] = _measured(np.stack([images[i] for i in same]))
    return found


def _measured(images: np.ndarray) -> np.ndarray:
    """The measures of images of one size, uint8 (n, height, width, 3)."""
    # Whole arrays per colour, so that each image's numbers come out the same however many are measured at once.
    red, green, blue = np.ascontiguousarray(images.transpose(3, 0, 1, 2)).astype(np.float32)
    by_red, by_green, by_blue = (np.float32(weight) for weight in _BRIGHTNESS)
    brightness = np.sqrt(by_red * red * red + by_green * green * green + by_blue * blue * blue) / np.float32(255)
    flat = brightness.reshape(len(images), -1)
    contrast = flat.std(axis=1)
    low, high = _percentiles(flat, 0.05, 0.99)
    colours = _colourfulness(*(colour.reshape(len(images), -1) for colour in (red, green, blue)))
    return np.stack([low, high, contrast, _sharpness(brightness, contrast), colours], axis=1)


def _percentiles(values: np.ndarray, *shares: float) -> list[np.ndarray]:
    """Percentiles (shares in 0..1) of each row without interpolation: four times as fast as np.percentile."""
    places = [int(share * (values.shape[1] - 1)) for share in shares]
    ordered = np.partition(values, places, axis=1)
    return [ordered[:, place] for place in places]


def _sharpness(grey: np.ndarray, contrast: np.ndarray) -> np.ndarray:
    """The 99th percentile of the Laplacian over the deviation: a sharp subject before a soft background is sharp.

    Divided by the standard deviation, because fog or a grey textile is not blur. grey: float (n, height, width).
    """
    if min(grey.shape[1:]) < 3:
        return np.zeros(len(grey), dtype=np.float32)
    inner = 4 * grey[:, 1:-1, 1:-1] - grey[:, :-2, 1:-1] - grey[:, 2:, 1:-1] - grey[:, 1:-1, :-2] - grey[:, 1:-1, 2:]
    [strongest] = _percentiles(np.abs(inner).reshape(len(grey), -1), 0.99)
    return np.where(contrast == 0, 0, strongest / np.maximum(contrast, 1 / 255))


def _colourfulness(red: np.ndarray, green: np.ndarray, blue: np.ndarray) -> np.ndarray:
    """Hasler and Suesstrunk's measure for float32 (n, n_pixels) per colour."""
    red_green, yellow_blue = red - green, (red + green) / 2 - blue
    deviation = np.hypot(red_green.std(axis=1), yellow_blue.std(axis=1))
    return np.asarray(deviation + np.float32(0.3) * np.hypot(red_green.mean(axis=1), yellow_blue.mean(axis=1)))
