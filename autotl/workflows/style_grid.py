"""Which stage gives which look: the same two images, with the style of one stage at a time."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from autotl.images.captioned_sheet import Cell, draw_sheet
from autotl.plugins import Plugins
from autotl.runs.events import Listener
from autotl.runtime.wording import lower_by
from autotl.style_transfer.stages import StyleStages
from autotl.style_transfer.transfer import Transferred
from autotl.workflows.style_progress import StyleProgress, removed_on_failure
from autotl.workflows.style_request import Prepared, StyleRequest, prepared

SIZE, STEPS = 128, 100
_COLUMNS = 5


@dataclass(frozen=True)
class StageLook:
    """What the style of one stage alone gives. stride: pixels of the image per position of the stage, by side."""

    stage: str
    stride: float
    steps: int
    style_reduction: float
    content_correlation: float


@dataclass(frozen=True)
class StageGrid:
    """A sheet with both images and an image for each stage. size: of each, (height, width). status: see StyledImage."""

    out: Path
    size: tuple[int, int]
    backbone: str
    content_stage: str
    stages: tuple[StageLook, ...]
    strength: float
    seed: int
    seconds: float
    status: str

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {**asdict(self), "out": str(self.out)}


def compare_stages(request: StyleRequest, *, plugins: Plugins, listeners: Sequence[Listener] = ()) -> StageGrid:
    """Write a sheet with one image for each stage; request.style_stages: empty for all stages of the backbone.

    An interruption leaves the sheet with the images so far. Raises what `transfer_style` raises.
    """
    began = time.monotonic()
    with prepared(request, plugins, listeners) as ready, removed_on_failure(request.out):
        chosen = request.choose_stages(ready.transfer, ready.backbone)
        names = tuple(request.style_stages or ready.transfer.strides)
        progress = StyleProgress(listeners, len(names) * request.steps)
        found: dict[str, Transferred] = {}
        status = "complete"
        try:
            for name in names:
                found[name] = _transfer_alone(name, chosen.content, ready, request, progress, before=len(found))
                request.write(_sheet(found, ready))
                if found[name].interrupted:
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            if not found:
                raise
            status = "interrupted"
    looks = (
        StageLook(name, ready.transfer.strides[name], one.steps, one.style_reduction, one.content_correlation)
        for name, one in found.items()
    )
    return StageGrid(
        out=request.out, size=ready.size, backbone=ready.backbone.name, content_stage=chosen.content,
        stages=tuple(looks), strength=request.strength, seed=request.seed, seconds=round(time.monotonic() - began, 1),
        status=status,
    )  # fmt: skip


def _transfer_alone(
    stage: str, content: str, ready: Prepared, request: StyleRequest, progress: StyleProgress, *, before: int
) -> Transferred:
    """Transfer the style of one stage. before: the number of images that are done."""

    def after_step(number: int, _image: np.ndarray) -> None:
        progress.tell(before * request.steps + number)

    alone = StyleStages(content, {stage: 1.0})
    return ready.transfer.run(
        alone, style_weight=request.style_weight, steps=request.steps, seed=request.seed, after_step=after_step
    )


def _sheet(found: Mapping[str, Transferred], ready: Prepared) -> Image.Image:
    given = [Cell(ready.content, ("content",)), Cell(ready.style, ("style",))]
    cells = [Cell(one.image, (name, f"style loss {lower_by(one.style_reduction)}")) for name, one in found.items()]
    return draw_sheet([*given, *cells], columns=_COLUMNS)
