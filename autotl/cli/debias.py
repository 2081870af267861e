"""The command `debias`: fit a run's model again by methods against bias, and compare them with the champion."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autotl.cli.options import Disable, Events, Json, RunFolder
from autotl.cli.output import event_writers, load_plugins, print_json
from autotl.runtime.user_paths import expand_home, split_names

if TYPE_CHECKING:
    from autotl.runs.debias import DebiasOutcome

EXIT_FAILED = 2


def debias(
    run: RunFolder,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="The attribute whose values make subgroups with each class. [default: the classes alone]",
        ),
    ] = None,
    method: Annotated[
        str, typer.Option(metavar="A,B|all", help="The methods to try; all: every one that this run can use.")
    ] = "all",
    seeds: Annotated[int, typer.Option(metavar="N", min=1, help="Fits of each method; fewer than 5 say little.")] = 5,
    attributes: Annotated[
        Path | None,
        typer.Option(
            parser=expand_home, metavar="CSV", help="A table with the columns path and COLUMN. [default: the run's own]"
        ),
    ] = None,
    limit: Annotated[str, typer.Option(metavar="TIME", help="Most time for one fit, such as 90s or 10m.")] = "10m",
    out: Annotated[
        Path | None,
        typer.Option(
            parser=expand_home, metavar="FOLDER", help="Write the model of the one method given as a new deployable."
        ),
    ] = None,
    disable_plugin: Disable = None,
    events: Events = None,
    as_json: Json = False,
) -> None:
    """Train a run's last layer or network against bias; compare it with the champion, subgroup by subgroup."""
    from autotl.runs.events import Listener
    from autotl.runs.progress_printer import ProgressPrinter
    from autotl.runtime.durations import parse_duration
    from autotl.settings import settings
    from autotl.workflows.debias import DebiasRequest
    from autotl.workflows.debias import debias as debias_run

    request = DebiasRequest(by, split_names(method), seeds, attributes, parse_duration(limit, name="--limit"), out)
    with closing(ProgressPrinter(budget_seconds=None)) as printer:
        listeners: tuple[Listener, ...] = (printer, *event_writers(events))
        try:
            found = debias_run(
                run, request, plugins=load_plugins(disable_plugin), settings=settings(), listeners=listeners
            )  # fmt: skip
        except KeyboardInterrupt:
            typer.echo("Interrupted. The fits that were made are kept: the same command carries on.", err=True)
            raise
    print_json(found) if as_json else _print(found, out)
    if found.failed:
        for name, why in found.failed.items():
            typer.echo(f"Error: the method {name!r} failed: {why}", err=True)
        raise typer.Exit(EXIT_FAILED)


def _print(found: DebiasOutcome, out: Path | None) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from autotl.evidence.debias_words import parts

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 160
    for part in parts(found):
        table = Table(title=escape(part.title), title_justify="left")
        for number, title in enumerate(part.columns):
            table.add_column(escape(title), justify="left" if number == 0 else "right")
        for row in part.rows:
            table.add_row(*(escape(str(cell)) for cell in row))
        console.print(table)
        console.print(escape(part.note), soft_wrap=True)
    for sentence in found.sentences:
        console.print(f"- {escape(sentence)}.", soft_wrap=True)
    for note in found.notes:
        console.print(f"Note: {escape(note)}.", soft_wrap=True)
    for name, why in found.left_out.items():
        console.print(f"Left out: {escape(name)}: {escape(why)}.", soft_wrap=True)
    if out is not None and not found.failed:
        console.print(f"Model       {escape(str(out))}", soft_wrap=True)
