"""Explains a model's answers: maps of the evidence over new images, and over its most confident mistakes."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypedDict

import numpy as np

from autotl.deploy.deployable import load_deployable
from autotl.deploy.explainer import Evidence, Explainer
from autotl.deploy.export import require_new
from autotl.deploy.occlusion_maps import by_cell
from autotl.errors import ConfigError
from autotl.images.decoder import UnreadableImage, decode
from autotl.images.given_images import GivenImage, read_source
from autotl.images.overlays import overlay
from autotl.images.safe_decode import decode_risk
from autotl.runs.events import Listener, Progress

DOCUMENT = "explanations.json"
_AT_ONCE = 16
_NAME_LENGTH = 60
NOWHERE = "nowhere"
_METHODS = {
    "exact": "the sum of the map and a constant is the difference between the two logits",
    "gradient": "to first order around this image, confirmed by covering a quarter of it",
    "occlusion": "how much the log-odds fall when a part of the image is blurred",
}


class Explanation(TypedDict, total=False):
    """Why one image got its label rather than the runner-up, or why it could not be read.

    difference: between the two classes' logits, that is, the natural logarithm of the odds. method: "exact", "gradient"
    or "occlusion"; how: the same in words. place: the ninth of the image with the most evidence for the label.
    overlay: the name of a PNG file, if overlays were requested.
    """

    item: str
    label: str
    runner_up: str
    difference: float
    method: str
    how: str
    place: str
    said: str
    overlay: str
    error: str


def explain(
    model: Path, images: Sequence[GivenImage], out: Path | None, *, listeners: Sequence[Listener] = ()
) -> list[Explanation]:
    """Explain a deployable's answers, in the order of the images; model: its folder, or that of its run.

    out: a new or empty folder for an overlay of each image and `explanations.json`; None writes nothing. Raises
    ConfigError if there is no image, where none can be read, or where `out` is in use; RunError if there is no
    model.
    """
    if not images:
        raise ConfigError("there is nothing to explain; give image files or folders of images")
    if not (target := load_deployable(model).target).is_classes:
        raise ConfigError(
            f"explanations compare the two most probable classes, and the target of {model} is {target.kind!r}"
        )
    if out is not None:
        require_new(out)
    explainer = Explainer(model)
    found: list[Explanation] = []
    for start in range(0, len(images), _AT_ONCE):
        _tell(listeners, start, len(images))
        found += _explained(explainer, images[start : start + _AT_ONCE], start, out)
    _tell(listeners, len(images), len(images))
    if all("error" in one for one in found):
        raise ConfigError(
            f"none of {len(found)} images could be read; the first is {found[0]['item']}: {_error(found)}"
        )
    if out is not None:
        document = json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False)
        (out / DOCUMENT).write_bytes(document.encode("utf-8", "backslashreplace"))
    return found


def words_for(evidence: Evidence, classes: Sequence[str]) -> Explanation:
    """A map in words."""
    label, runner_up = classes[evidence.label], classes[evidence.runner_up]
    place, odds = place_of(evidence.map), math.exp(min(abs(evidence.difference), 20))
    where = f"the evidence for {label} is strongest {place}"
    if place == NOWHERE:
        where = f"no part of the image speaks for {label}"
    odds_text = f"{odds:.1f} to 1" if odds < 10 else f"{odds:,.0f} to 1"
    return {
        "label": label,
        "runner_up": runner_up,
        "difference": round(evidence.difference, 6),
        "method": evidence.method,
        "how": _METHODS[evidence.method],
        "place": place,
        "said": (
            f"{label} rather than {runner_up}, {odds_text}: {where}. Orange speaks for {label}, blue for {runner_up}."
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


def _explained(
    explainer: Explainer, images: Sequence[GivenImage], first: int, out: Path | None
) -> Iterator[Explanation]:
    read = [_pixels(given, explainer.predictor.reader.height, explainer.predictor.reader.width) for given in images]
    readable = [pixels for pixels in read if isinstance(pixels, np.ndarray)]
    evidence = iter(explainer.explain(np.stack(readable)) if readable else ())
    for number, (given, pixels) in enumerate(zip(images, read, strict=True), first):
        if isinstance(pixels, str):
            yield {"item": given.name, "error": pixels}
            continue
        one = next(evidence)
        said: Explanation = {"item": given.name, **words_for(one, explainer.classes)}
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            said["overlay"] = _file_name(number, given.name)
            (out / said["overlay"]).write_bytes(overlay(read_source(given.image), one.map))
        yield said


def _pixels(given: GivenImage, height: int, width: int) -> np.ndarray | str:
    """The pixels that the model sees, or why they cannot be read."""
    if given.problem:
        return given.problem
    try:
        source = read_source(given.image)
        return decode_risk(source) or decode(source, height, width)
    except UnreadableImage as error:
        return str(error)


def _file_name(number: int, name: str) -> str:
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", Path(name).stem)[-_NAME_LENGTH:]
    return f"{number:04d}-{stem}.png"


def _error(found: Sequence[Explanation]) -> str:
    return found[0]["error"]


def _tell(listeners: Sequence[Listener], done: int, total: int) -> None:
    for listener in listeners:
        listener(Progress("explain", done, total))
