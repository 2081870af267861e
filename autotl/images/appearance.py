"""What one image looks like, in five numbers: brightness (two), contrast, sharpness, colourfulness.

Formulas instead of a dependency on cleanvision 0.3.7 (Apache-2.0): its functions take 370 us where these take 90 to 150
(64 x 96 pixels, decoded), and it imports matplotlib and fsspec. Its definition of brightness is used. On real datasets
its entropy limit calls 1,544 of 1,797 digits and 155 of 1,000 drawings of clothes blank, the contrast calls none; and
its blur score finds 3 of 13 photographs blurred by 2 % of their length, the sharpness finds 9, and no sharp one.
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

EDGE = 64
"""The longer side, in pixels, at which images are measured; blur that is invisible at this size does no harm."""
# Perceived brightness: http://alienryderflex.com/hsp.html, the rounded weights of cleanvision.
_BRIGHTNESS = np.array([0.241, 0.691, 0.068], dtype=np.float32)


def measure(image: Image.Image) -> dict[str, float]:
    """Measure a decoded RGB image of any size; one with 64 to 128 pixels on its shorter side costs least.

    Returns brightness_p5 and brightness_p99 (percentiles, 0..1), contrast (standard deviation of the brightness,
    0..0.5), sharpness (0: a single colour; below 1: blurred; photographs: 3 to 10) and colourfulness (0: grey-scale;
    15: slightly coloured; up to about 180), which is the measure of Hasler and Suesstrunk, "Measuring colorfulness in
    natural images", 2003.
    """
    colours = np.asarray(_shrunk(image), dtype=np.float32)
    brightness = np.sqrt(np.square(colours) @ _BRIGHTNESS) / 255
    low, high = _percentiles(brightness, 0.05, 0.99)
    contrast = float(brightness.std())
    return {
        "brightness_p5": low,
        "brightness_p99": high,
        "contrast": contrast,
        "sharpness": _sharpness(brightness, contrast),
        "colourfulness": _colourfulness(colours.reshape(-1, 3)),
    }


def _shrunk(image: Image.Image) -> Image.Image:
    ratio = EDGE / max(image.size)
    if ratio >= 1:
        return image
    size = (max(1, round(image.width * ratio)), max(1, round(image.height * ratio)))
    return image.resize(size, Image.Resampling.BOX)


def _percentiles(values: np.ndarray, *shares: float) -> list[float]:
    """Percentiles (shares in 0..1) without interpolation: four times as fast as np.percentile."""
    places = [int(share * (values.size - 1)) for share in shares]
    return [float(value) for value in np.partition(values, places, axis=None)[places]]


def _sharpness(grey: np.ndarray, contrast: float) -> float:
    """The 99th percentile of the Laplacian over the deviation: a sharp subject before a soft background is sharp.

    Divided by the standard deviation, because fog or a grey textile is not blur. grey: float (height, width).
    """
    if min(grey.shape) < 3 or contrast == 0:
        return 0.0
    inner = 4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
    [strongest] = _percentiles(np.abs(inner), 0.99)
    return strongest / max(contrast, 1 / 255)


def _colourfulness(colours: np.ndarray) -> float:
    """Hasler and Suesstrunk's measure for float32 (n_pixels, 3)."""
    red, green, blue = colours.T
    red_green, yellow_blue = red - green, (red + green) / 2 - blue
    deviation = math.hypot(float(red_green.std()), float(yellow_blue.std()))
    return deviation + 0.3 * math.hypot(float(red_green.mean()), float(yellow_blue.mean()))
