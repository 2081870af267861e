"""The command `explain`: where in an image the evidence for the model's answer lies."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autotl.cli.models import open_deployable
from autotl.cli.options import Json, Label, Model, TrackingUri
from autotl.cli.output import cache_folder, print_json
from autotl.errors import ConfigError
from autotl.runtime.user_paths import expand_home

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autotl.workflows.explaining import Explanation


def explain(
    model: Model,
    items: Annotated[
        list[Path] | None, typer.Argument(help="Image files, or folders, archives or tables of images.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(parser=expand_home, metavar="FOLDER", help="A new or empty folder for the overlays."),
    ] = None,
    as_json: Json = False,
    label: Label = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Show, as an overlay on each image, where the evidence for its label over the runner-up lies."""
    from autotl.deploy.prediction_files import collect
    from autotl.runs.progress_printer import ProgressPrinter
    from autotl.workflows.explaining import explain as explain_images

    if not items:
        raise ConfigError("there is nothing to explain; give image files or folders of images")
    if out is None:
        raise ConfigError("give a new or empty folder for the overlays: --out FOLDER")
    folder = open_deployable(model, tracking_uri)
    images = collect(items, cache=cache_folder(), label=label)
    with closing(ProgressPrinter(budget_seconds=None)) as printer:
        found = explain_images(folder, images, out, listeners=(printer,))
    if as_json:
        print_json(found)
    else:
        _print(found, out)
    bad = [one for one in found if "error" in one]
    if bad:
        typer.echo(
            f"Warning: {len(bad)} of {len(found)} images could not be read; the first is {bad[0]['item']}: "
            f"{bad[0]['error']}",
            err=True,
        )


def _print(found: Sequence[Explanation], out: Path) -> None:
    for one in found:
        if "error" not in one:
            typer.echo(f"{one['item']}: {one['said']}")
    typer.echo(f"Overlays    {out}")
