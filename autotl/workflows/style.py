"""Style transfer from files to a file; the best image so far is always saved."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from autotl.plugins import Plugins
from autotl.runs.events import Listener
from autotl.workflows.style_progress import StyleProgress, removed_on_failure
from autotl.workflows.style_request import StyleRequest, prepared

SIZE, STEPS = 256, 400


@dataclass(frozen=True)
class StyledImage:
    """An image with the content of one image and the style of another, and how well it has both.

    size: (height, width). status: "complete", or "interrupted" before the last step. style_loss, style_loss_before: of
    this image, and of the content image itself; style_reduction: the share that is gone. content_correlation:
    between the activations of this image and of the content image at the content stage.
    """

    out: Path
    size: tuple[int, int]
    backbone: str
    content_stage: str
    style_stages: Mapping[str, float]
    strength: float
    steps: int
    seed: int
    seconds: float
    status: str
    style_loss_before: float
    style_loss: float
    style_reduction: float
    content_correlation: float

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {**asdict(self), "out": str(self.out)}


def transfer_style(request: StyleRequest, *, plugins: Plugins, listeners: Sequence[Listener] = ()) -> StyledImage:
    """Write an image with the content of one image and the style of another.

    The file is there from the first seconds on and gets better; an interruption leaves the best image so far. Raises
    what `prepared` raises, and KeyboardInterrupt where there is no image yet.
    """
    began = time.monotonic()
    with prepared(request, plugins, listeners) as ready, removed_on_failure(request.out):
        stages = request.choose_stages(ready.transfer, ready.backbone)
        progress = StyleProgress(listeners, request.steps)
        found = ready.transfer.run(
            stages, style_weight=request.style_weight, steps=request.steps, seed=request.seed,
            after_step=lambda number, image: progress.tell(number, lambda: request.write(image)),
        )  # fmt: skip
        request.write(found.image)
    return StyledImage(
        out=request.out, size=ready.size, backbone=ready.backbone.name, content_stage=stages.content,
        style_stages=dict(stages.style), strength=request.strength, steps=found.steps, seed=request.seed,
        seconds=round(time.monotonic() - began, 1), status="interrupted" if found.interrupted else "complete",
        style_loss_before=found.style_loss_before, style_loss=found.style_loss, style_reduction=found.style_reduction,
        content_correlation=found.content_correlation,
    )  # fmt: skip
