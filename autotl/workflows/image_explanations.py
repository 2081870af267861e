"""Explains answers about images: a map of the evidence, drawn over each image, and where it is strongest."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from autotl.deploy.explainer import Evidence, Explainer
from autotl.deploy.occlusion_maps import by_cell
from autotl.images.decoder import UnreadableImage
from autotl.images.given_images import GivenImage, read_source
from autotl.images.image_reader import ImageReader
from autotl.images.overlays import overlay
from autotl.images.safe_decode import decode_risk
from autotl.workflows.explanation import Explanation, in_odds

NOWHERE = "nowhere"
_NAME_LENGTH = 60
_METHODS = {
    "exact": "the sum of the map and a constant is the difference between the two logits",
    "gradient": "to first order around this image, confirmed by covering a quarter of it",
    "occlusion": "how much the log-odds fall when a part of the image is blurred",
}


class ImageExplanations:
    """Explains a deployable's answers about images; folder: its own."""

    at_once = 16

    def __init__(self, folder: Path) -> None:
        self._explainer = Explainer(folder)

    def explain(self, items: Sequence[GivenImage], first: int, out: Path | None) -> Iterator[Explanation]:
        """Explain some images, in their order, with an overlay of each in `out`."""
        reader = self._explainer.predictor.reader
        read = [_pixels(given, reader) for given in items]
        readable = [pixels for pixels in read if isinstance(pixels, np.ndarray)]
        evidence = iter(self._explainer.explain(np.stack(readable)) if readable else ())
        for number, (given, pixels) in enumerate(zip(items, read, strict=True), first):
            if isinstance(pixels, str):
                yield {"item": given.name, "error": pixels}
                continue
            one = next(evidence)
            said: Explanation = {"item": given.name, **words_for(one, self._explainer.classes)}
            if out is not None:
                out.mkdir(parents=True, exist_ok=True)
                said["overlay"] = _file_name(number, given.name)
                shown = pixels if reader.crops else read_source(given.image)
                (out / said["overlay"]).write_bytes(overlay(shown, one.map))
            yield said

    def finish(self, out: Path) -> None:
        """Nothing more is written: every image has an overlay of its own."""


def words_for(evidence: Evidence, classes: Sequence[str]) -> Explanation:
    """A map in words."""
    label, runner_up = classes[evidence.label], classes[evidence.runner_up]
    place = place_of(evidence.map)
    where = f"the evidence for {label} is strongest {place}"
    if place == NOWHERE:
        where = f"no part of the image speaks for {label}"
    return {
        "label": label,
        "runner_up": runner_up,
        "difference": round(evidence.difference, 6),
        "method": evidence.method,
        "how": _METHODS[evidence.method],
        "place": place,
        "said": (
            f"{in_odds(label, runner_up, evidence.difference)}: {where}. Orange speaks for {label}, blue for "
            f"{runner_up}."
        ),
    }


def place_of(found: np.ndarray) -> str:
    """The ninth of the image with the most evidence for the answer, such as "in the upper left"."""
    sums = by_cell(np.maximum(found, 0), 3)
    if sums.sum() == 0:
        return NOWHERE
    row, column = divmod(int(sums.argmax()), 3)
    if (row, column) == (1, 1):
        return "in the middle"
    vertical, horizontal = ("upper", "", "lower")[row], ("left", "", "right")[column]
    if not horizontal:
        return f"in the {vertical} middle"
    return f"in the {vertical} {horizontal}" if vertical else f"in the middle {horizontal}"


def _pixels(given: GivenImage, reader: ImageReader) -> np.ndarray | str:
    """The pixels that the model sees, or why they cannot be read."""
    if given.problem:
        return given.problem
    try:
        source = read_source(given.image)
        return decode_risk(source) or reader.pixels(source)
    except UnreadableImage as error:
        return str(error)


def _file_name(number: int, name: str) -> str:
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", Path(name).stem)[-_NAME_LENGTH:]
    return f"{number:04d}-{stem}.png"
