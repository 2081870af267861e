"""The command `style`: an image with the content of one image and the style of another."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autotl.cli.fit import EXIT_INTERRUPTED
from autotl.cli.options import Disable, Events, Json
from autotl.cli.output import event_writers, load_plugins, print_json
from autotl.errors import ConfigError
from autotl.runtime.user_paths import expand_home

if TYPE_CHECKING:
    from autotl.plugins import Plugins
    from autotl.runs.events import Listener
    from autotl.workflows.style import StyledImage
    from autotl.workflows.style_grid import StageGrid
    from autotl.workflows.style_request import StyleRequest


def style(
    content: Annotated[Path, typer.Argument(parser=expand_home, metavar="CONTENT", help="The image to repaint.")],
    style: Annotated[Path, typer.Argument(parser=expand_home, metavar="STYLE", help="The image whose style it gets.")],
    out: Annotated[
        Path | None,
        typer.Option(
            parser=expand_home, metavar="FILE", help="The new image, a name that ends in .png, .jpg or .webp."
        ),
    ] = None,
    size: Annotated[
        int | None, typer.Option(metavar="PIXELS", help="The longer side of the image. [default: 256, with --grid 128]")
    ] = None,
    backbone: Annotated[
        str, typer.Option(metavar="NAME", help="The network that sees both images. [default: the first one installed]")
    ] = "",
    content_stage: Annotated[
        str,
        typer.Option(
            metavar="STAGE", help="Where the content is read. [default: the deepest that shrinks it by up to 4]"
        ),
    ] = "",
    style_stages: Annotated[
        str,
        typer.Option(
            metavar="A,B:WEIGHT",
            help="Where the style is read, with weights. [default: all that shrink it by up to 16, alike]",
        ),
    ] = "",
    strength: Annotated[float, typer.Option(help="How much the style counts against the content.")] = 1.0,
    steps: Annotated[
        int | None, typer.Option(metavar="N", help="Steps of the optimisation. [default: 400, with --grid 100]")
    ] = None,
    grid: Annotated[
        bool, typer.Option("--grid", help="Write a sheet instead: a small image for each stage by itself.")
    ] = False,
    seed: Annotated[int, typer.Option(help="The same seed on the same machine: the same image.")] = 0,
    events: Events = None,
    as_json: Json = False,
    disable_plugin: Disable = None,
) -> None:
    """Repaint an image in the style of another (Gatys et al. 2016), with any network backbone."""
    from autotl.style_transfer.stages import parse_style_stages
    from autotl.workflows import style as whole
    from autotl.workflows import style_grid
    from autotl.workflows.style_request import StyleRequest

    if out is None:
        raise ConfigError("give a file for the image: --out FILE, a name that ends in .png, .jpg or .webp")
    usual = style_grid if grid else whole
    request = StyleRequest(
        content, style, out, size=usual.SIZE if size is None else size, steps=usual.STEPS if steps is None else steps,
        backbone=backbone, content_stage=content_stage, style_stages=parse_style_stages(style_stages),
        strength=strength, seed=seed,
    )  # fmt: skip
    found = _make(request, load_plugins(disable_plugin), events, grid=grid)
    print_json(found) if as_json else _print(found)
    if found.status == "interrupted":
        typer.echo("Interrupted. The best image so far is saved.", err=True)
        raise typer.Exit(EXIT_INTERRUPTED)


def _make(request: StyleRequest, plugins: Plugins, events: Path | None, *, grid: bool) -> StyledImage | StageGrid:
    from autotl.runs.progress_printer import ProgressPrinter
    from autotl.workflows.style import transfer_style
    from autotl.workflows.style_grid import compare_stages

    with closing(ProgressPrinter(budget_seconds=None)) as printer:
        listeners: tuple[Listener, ...] = (printer, *event_writers(events))
        try:
            if grid:
                return compare_stages(request, plugins=plugins, listeners=listeners)
            return transfer_style(request, plugins=plugins, listeners=listeners)
        except KeyboardInterrupt:
            typer.echo("Interrupted before there was an image.", err=True)
            raise


def _print(found: StyledImage | StageGrid) -> None:
    from autotl.runtime.durations import duration
    from autotl.workflows.style_grid import StageGrid

    height, width = found.size
    if isinstance(found, StageGrid):
        for look in found.stages:
            typer.echo(f"{look.stage}: {_numbers(look.style_reduction, look.content_correlation)}")
        typer.echo(f"Sheet       {found.out} ({duration(found.seconds)})")
        return
    typer.echo(
        f"Content of {found.content_stage}, style of {', '.join(found.style_stages)} of {found.backbone}: "
        f"{_numbers(found.style_reduction, found.content_correlation)}"
    )
    typer.echo(f"Image       {found.out} ({width}x{height}, {found.steps} steps, {duration(found.seconds)})")


def _numbers(reduction: float, correlation: float) -> str:
    from autotl.runtime.wording import lower_by

    return f"style loss {lower_by(reduction, 1)}, correlation with the content {correlation:.2f}"
