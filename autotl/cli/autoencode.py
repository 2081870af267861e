"""The command `autoencode`: train an autoencoder on a run's images, and show what it has learned."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from autotl.cli.options import Disable, Events, Json, RunFolder
from autotl.cli.output import event_writers, load_plugins, print_json

if TYPE_CHECKING:
    from pathlib import Path

    from autotl.runs.autoencoders import AutoencoderResult


def autoencode(
    run: RunFolder,
    method: Annotated[str, typer.Option(metavar="vae|autoencoder", help="Which one, or one of a plugin.")] = "vae",
    edge: Annotated[
        int, typer.Option(metavar="PIXELS", help="Edge of the images: 16, 24, 32, 48, 64, 96 or 128.")
    ] = 32,
    latents: Annotated[int, typer.Option(metavar="N", help="Numbers that an image is encoded into.")] = 32,
    seconds: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="How long it may train, in seconds, or such as 5m. [default: 2m, or no limit with --epochs]",
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(metavar="N", help="Passes through the images. [default: as many as the time allows]")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="[default: that of the run]")] = None,
    disable_plugin: Disable = None,
    events: Events = None,
    as_json: Json = False,
) -> None:
    """Train an autoencoder on a run's images: reconstructions, samples, walks, and which images are rare."""
    from autotl.runs.events import Listener
    from autotl.runs.progress_printer import ProgressPrinter
    from autotl.runtime.durations import parse_duration
    from autotl.settings import settings
    from autotl.workflows.autoencode import autoencode as train
    from autotl.workflows.autoencode_request import AutoencoderRequest

    limit = None if seconds is None else parse_duration(seconds, name="--seconds")
    asked = AutoencoderRequest(method, edge, latents, limit, epochs, seed)
    plugins = load_plugins(disable_plugin)
    with closing(ProgressPrinter(budget_seconds=None)) as printer:
        listeners: tuple[Listener, ...] = (printer, *event_writers(events))
        try:
            found = train(run, asked, plugins=plugins, settings=settings(), listeners=listeners)
        except KeyboardInterrupt:
            typer.echo("Interrupted. Nothing was written; an earlier result stays as it was.", err=True)
            raise
    if as_json:
        print_json(found)
    else:
        _print(run, found)


def _print(run: Path, found: AutoencoderResult) -> None:
    from autotl.evidence.autoencoder_tables import how
    from autotl.runs.autoencoders import autoencoder_folder

    for sentence in found.sentences:
        typer.echo(f"- {sentence[:1].upper()}{sentence[1:]}.")
    typer.echo(how(found))
    folder = autoencoder_folder(run, found.name)
    typer.echo(f"Sheets      {folder}")
    typer.echo(f"Rare images {folder / 'rare.csv'}")
    if (run / "report.html").exists():
        typer.echo(f"Report      {run / 'report.html'}")
