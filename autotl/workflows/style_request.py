"""What a style transfer is asked for, and the checks that come before any work."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from autotl.errors import ConfigError, MachineError
from autotl.interfaces import NOT_COMMERCIAL, Backbone, Encoder
from autotl.plugins import Plugins
from autotl.runs.events import Listener, Message
from autotl.runs.limits import MAX_SEED
from autotl.runtime import keras_backend
from autotl.runtime.atomic_files import write_atomically
from autotl.runtime.conditions import Place, require_writable
from autotl.style_transfer.pixels import LEAST_SIDE, read_pixels
from autotl.style_transfer.stages import StyleStages, choose_stages
from autotl.style_transfer.transfer import StyleTransfer

LARGEST_SIZE = 2048
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
_STYLE_WEIGHT = 15.0
"""Against a weight of 1 for the content, at a strength of 1."""
_QUALITY = 95


@dataclass(frozen=True)
class StyleRequest:
    """What is asked for.

    out: a new file, PNG, JPEG or WebP. size: of the longer side of both images, in pixels. backbone: empty for the
    first one installed. content_stage, style_stages: empty for the defaults of the backbone. strength: how much style
    counts against content, 1 for the usual balance. seed: of the noise in which the optimisation begins.
    """

    content: Path
    style: Path
    out: Path
    size: int
    steps: int
    backbone: str = ""
    content_stage: str = ""
    style_stages: Mapping[str, float] = field(default_factory=dict)
    strength: float = 1.0
    seed: int = 0

    @property
    def style_weight(self) -> float:
        """Of the style against the content in the loss."""
        return _STYLE_WEIGHT * self.strength

    def choose_stages(self, transfer: StyleTransfer, backbone: Backbone) -> StyleStages:
        """The stages that are read; ConfigError if one that was asked for does not exist."""
        return choose_stages(
            transfer.strides, backbone=backbone.name, content=self.content_stage, style=self.style_stages
        )

    def write(self, image: np.ndarray | Image.Image) -> None:
        """Write the image so far."""
        file = io.BytesIO()
        shown = image if isinstance(image, Image.Image) else Image.fromarray(image)
        shown.save(file, FORMATS[self.out.suffix.lower()], quality=_QUALITY)
        self.out.absolute().parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self.out, file.getvalue())


@dataclass(frozen=True)
class Prepared:
    """Both images, uint8 (height, width, 3), and what transfers the style of one to the other."""

    backbone: Backbone
    transfer: StyleTransfer
    content: np.ndarray
    style: np.ndarray

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the content image, and of the image to come."""
        height, width = self.content.shape[:2]
        return height, width


@contextmanager
def prepared(request: StyleRequest, plugins: Plugins, listeners: Sequence[Listener]) -> Iterator[Prepared]:
    """Check everything, then build the networks for as long as they are needed.

    Raises ConfigError where an image, an option or the file to write cannot be used, WeightsError where the weights are
    not available, MachineError where the memory is used up.
    """
    _require_sound(request)
    backbone = find_network(request.backbone, plugins)
    content = read_pixels(request.content, request.size, role="content")
    style = read_pixels(request.style, request.size, role="style")
    if not backbone.commercial:
        note = f"{backbone.name} {NOT_COMMERCIAL}: its licence is {backbone.licence or 'not known to allow it'}"
        for listener in listeners:
            listener(Message(note))
    keras_backend.prepare()
    keras_backend.load()
    backbone.weights(True)
    # In half precision, sums over all positions overflow.
    with keras_backend.session(request.seed, precision="float32"):
        try:
            yield Prepared(backbone, StyleTransfer(backbone, content, style), content, style)
        except Exception as error:
            if not keras_backend.is_out_of_memory(f"{type(error).__name__}: {error}"):
                raise
            raise MachineError(
                f"the memory is used up by a network for images of {request.size} pixels. Give a smaller --size, or "
                "another --backbone."
            ) from error


def find_network(name: str, plugins: Plugins) -> Backbone:
    """The backbone of this name; of an empty name, the first one that came with the installation.

    Raises ConfigError where there is none, or where it has no gradient because it is an encoder.
    """
    installed = [one for one in plugins.all(Backbone).values() if one.embedded and one.commercial]
    if name in plugins.all(Encoder):
        example = f", such as {installed[0].name}" if installed else "; `autotl plugins` lists them"
        raise ConfigError(
            f"{name!r} is an encoder, an ONNX graph without gradients; style transfer needs a network. Name one with "
            f"--backbone{example}."
        )
    if name:
        return plugins.pick(Backbone, name)
    if not installed:
        raise ConfigError("no backbone came with the installation. `autotl plugins` lists those that --backbone takes.")
    return installed[0]


def _require_sound(request: StyleRequest) -> None:
    if request.out.suffix.lower() not in FORMATS:
        raise ConfigError(f"the image cannot be written to {request.out}; expected a name that ends in {_listed()}")
    if request.out.exists() or request.out.is_symlink():
        raise ConfigError(f"{request.out} already exists. Give another file with --out.")
    ranges = (
        ("--size", request.size, LEAST_SIDE, LARGEST_SIZE), ("--steps", request.steps, 1, 100_000),
        ("--strength", request.strength, 0.001, 1000), ("--seed", request.seed, 0, MAX_SEED),
    )  # fmt: skip
    for option, value, least, most in ranges:
        if not least <= value <= most:
            raise ConfigError(f"{option} is {value}; expected a number from {least} to {most}")
    require_writable(Place(request.out.absolute().parent, "the folder of the image", "Give another file with --out"))


def _listed() -> str:
    *others, last = FORMATS
    return f"{', '.join(others)} or {last}"
