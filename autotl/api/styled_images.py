"""Style transfer in Python: `autotl.style`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, TypeAlias

from autotl.api.arguments import optional, read_flag, read_names, read_number, read_path, read_text, read_whole
from autotl.api.notebook import watched
from autotl.runs.events import Listener

if TYPE_CHECKING:
    from autotl.plugins import Plugins
    from autotl.workflows.style import StyledImage
    from autotl.workflows.style_grid import StageGrid

AnyPath: TypeAlias = str | PathLike[str]


def style(
    content: AnyPath,
    style: AnyPath,
    out: AnyPath,
    *,
    size: int | None = None,
    backbone: str | None = None,
    content_stage: str | None = None,
    style_stages: str | Iterable[str] | Mapping[str, float] | None = None,
    strength: float = 1.0,
    steps: int | None = None,
    grid: bool = False,
    seed: int = 0,
    disable_plugins: str | Iterable[str] | None = None,
    progress: bool | None = None,
    plugins: Plugins | None = None,
    listeners: Sequence[Listener] = (),
) -> StyledImage | StageGrid:
    """Repaint an image in the style of another (Gatys et al. 2016); returns a `StyledImage`.

    content, style: image files. out: the new file, PNG, JPEG or WebP. style_stages: names, or weights by name.
    grid: write a sheet instead, a small image for each stage by itself, and return a `StageGrid`. progress: whether to
    print what happens; None: in a notebook and at a terminal. The other options are those of `autotl style`. An
    interruption leaves the best image so far. Raises AutoTLError, whose message names the argument at fault.
    """
    from autotl.plugins import load_preferred
    from autotl.settings import settings
    from autotl.workflows import style as whole
    from autotl.workflows import style_grid
    from autotl.workflows.style_request import StyleRequest

    usual = style_grid if read_flag("grid", grid) else whole
    request = StyleRequest(
        read_path("content", content), read_path("style", style), read_path("out", out),
        size=usual.SIZE if size is None else read_whole("size", size),
        steps=usual.STEPS if steps is None else read_whole("steps", steps),
        backbone=optional(read_text)("backbone", backbone) or "",
        content_stage=optional(read_text)("content_stage", content_stage) or "",
        style_stages=_read_stages(style_stages), strength=read_number("strength", strength),
        seed=read_whole("seed", seed),
    )  # fmt: skip
    loaded = plugins or load_preferred(settings(), disable=read_names("disable_plugins", disable_plugins))
    with watched(progress, listeners) as all_listeners:
        if grid:
            return style_grid.compare_stages(request, plugins=loaded, listeners=all_listeners)
        return whole.transfer_style(request, plugins=loaded, listeners=all_listeners)


def _read_stages(given: str | Iterable[str] | Mapping[str, float] | None) -> Mapping[str, float]:
    from autotl.style_transfer.stages import parse_style_stages

    if isinstance(given, Mapping):
        return parse_style_stages(",".join(f"{name}:{weight}" for name, weight in given.items()))
    return parse_style_stages(",".join(read_names("style_stages", given)))
