"""The command `explain`: where in an image, or in which words of a text, the evidence for the model's answer lies."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autotl.cli.models import open_deployable
from autotl.cli.options import ImageColumn, Json, Label, Model, Text, TrackingUri
from autotl.cli.output import cache_folder, print_json
from autotl.errors import ConfigError
from autotl.runtime.user_paths import expand_home

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autotl.workflows.explanation import Explanation


def explain(
    model: Model,
    items: Annotated[
        list[Path] | None,
        typer.Argument(help="Files, or folders, archives or tables of images or texts; tables of pairs of both."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            parser=expand_home, metavar="FOLDER", help="A new or empty folder for the overlays, or the page of texts."
        ),
    ] = None,
    as_json: Json = False,
    label: Label = None,
    text: Text = None,
    image: ImageColumn = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Show where in each image, or in which words of each text, the evidence for its label lies."""
    from autotl.deploy.prediction_files import collect, columns_of_run
    from autotl.runs.progress_printer import ProgressPrinter
    from autotl.workflows.explaining import explain as explain_items
    from autotl.workflows.explaining import require_explainable

    if not items:
        raise ConfigError("there is nothing to explain; give files, folders or tables of images or texts")
    if out is None:
        raise ConfigError("give a new or empty folder for the overlays, or the page of texts: --out FOLDER")
    folder = open_deployable(model, tracking_uri)
    kind, _ = require_explainable(folder)
    given = collect(
        items, cache=cache_folder(), label=label, text=text, image=image, usual=columns_of_run(Path(model)),
        modality=kind.name,
    )  # fmt: skip
    with closing(ProgressPrinter(budget_seconds=None)) as printer:
        found = explain_items(folder, given, out, listeners=(printer,))
    if as_json:
        print_json(found)
    else:
        _print(found, out)
    bad = [one for one in found if "error" in one]
    if bad:
        typer.echo(
            f"Warning: {len(bad)} of {len(found)} {kind.plural} could not be read; the first is {bad[0]['item']}: "
            f"{bad[0]['error']}",
            err=True,
        )


def _print(found: Sequence[Explanation], out: Path) -> None:
    for one in found:
        if "error" not in one:
            typer.echo(f"{one['item']}: {one['said']}")
    has_words = any("words" in one for one in found)
    typer.echo(f"Page        {out / 'explanations.html'}" if has_words else f"Overlays    {out}")
