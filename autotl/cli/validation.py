"""The command `validate`: compare the model with people on a sample that they label."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from autotl.cli.options import Json, RunFolder
from autotl.cli.output import print_json
from autotl.errors import ConfigError
from autotl.runtime.user_paths import expand_home

if TYPE_CHECKING:
    from autotl.evidence.sampling import Design
    from autotl.runtime.item_words import ItemWords
    from autotl.workflows.human_validation import HumanValidation
    from autotl.workflows.people_sample import SampleDrawn

DESIGNS = ("random", "score", "group")


def validate(
    run: RunFolder,
    sample: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Draw this many items for people to label.")
    ] = None,
    by: Annotated[
        str | None, typer.Option(metavar="GROUP", help="Draw equally from each group: a column, `group` or `class`.")
    ] = None,
    design: Annotated[
        str | None,
        typer.Option(metavar="random|score|group", help="score: unsure answers more often. [default: random]"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(parser=expand_home, metavar="SHEET.csv", help="Where to write the sheet to fill in.")
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(parser=expand_home, metavar="FOLDER", help="Copy the drawn items there under neutral names."),
    ] = None,
    codings: Annotated[
        Path | None,
        typer.Option(
            parser=expand_home, metavar="FILE.csv", help="Import people's labels: columns item, coder, label."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Let people label a sample; measure their agreement and errors, and compare the model with them."""
    from autotl.workflows.human_validation import validate_file
    from autotl.workflows.people_sample import draw_sample, write_sheet_again

    _require_one_purpose(sample, by, design, out, images, codings)
    if sample is not None:
        assert out is not None
        found = draw_sample(
            run, sample, sheet=out, by=by, design=cast("Design | None", design), copies=images
        )  # fmt: skip
        print_json(found) if as_json else _print_sample(found, run)
        return
    if out is not None:
        n = write_sheet_again(run, out)
        print_json({"run": run.name, "sheet": str(out), "n_drawn": n}) if as_json else typer.echo(
            _words_of(run)(f"All {n} images drawn so far are") + f" in {out}."
        )
        return
    validation = validate_file(run, codings)
    print_json(validation) if as_json else print_validation(validation)


def _require_one_purpose(
    sample: int | None, by: str | None, design: str | None, out: Path | None, images: Path | None, codings: Path | None
) -> None:
    if sample is not None and codings is not None:
        raise ConfigError("--sample draws images and --codings imports codings; give one of them at a time")
    if sample is not None and out is None:
        raise ConfigError("--sample needs a file for the sheet: give --out SHEET.csv")
    if sample is None and (by or design or images):
        given = "--by" if by else "--design" if design else "--images"
        raise ConfigError(f"{given} controls how items are drawn; give --sample N with it")
    if codings is not None and out is not None:
        raise ConfigError("--out names the sheet that --sample writes; --codings writes none")
    if design is not None and design not in DESIGNS:
        raise ConfigError(f"--design is {design!r}; expected one of {', '.join(DESIGNS)}")


def _words_of(run: Path) -> ItemWords:
    """Says sentences about images in terms of the run's kind of item."""
    from autotl.runs.run import read_state
    from autotl.runtime.item_words import IMAGE, ItemWords

    return ItemWords(read_state(run).get("modality", IMAGE))


def _print_sample(found: SampleDrawn, run: Path) -> None:
    words = _words_of(run)
    typer.echo(words(f"Drawn: {len(found.items)} images, {found.n_drawn} including earlier draws, from:"))
    for population in found.populations:
        typer.echo(f"- {population}")
    typer.echo(f"Sheet: {found.sheet}")
    typer.echo(f"Expected before labelling: {found.plan.sentence}")
    for note in found.notes:
        typer.echo(f"Note: {note}.")
    typer.echo(
        "Next: give each coder a copy of the sheet, to fill in `coder` and `label` without looking at others' sheets, "
        f"and import each with `autotl validate {run} --codings FILE.csv`. With three or more coders, the "
        "errors of each can be estimated."
    )


def print_validation(found: HumanValidation) -> None:
    """Print the results of the coding: sentences first, then the tables."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table as Printed

    from autotl.interfaces import Table
    from autotl.runtime.wording import counted

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 120
    if found.taken:
        known = f", {found.taken.n_known} already known" if found.taken.n_known else ""
        left = f", {found.taken.n_open} rows have no label yet" if found.taken.n_open else ""
        console.print(f"Imported: {counted(found.taken.n_new, 'new coding')}{known}{left}.", soft_wrap=True)
    coders = ", ".join(f"{name} {n}" for name, n in found.coded.items()) or "none yet"
    console.print(f"Drawn: {found.n_drawn} of {found.n_population}. Coded: {escape(coders)}.", soft_wrap=True)
    for sentence in found.sentences:
        console.print(f"- {escape(sentence)}", soft_wrap=True)
    for part in found.parts[1:]:  # the first holds the sentences
        if isinstance(part, Table):
            table = Printed(title=escape(part.title), title_justify="left")
            for number, title in enumerate(part.columns):
                table.add_column(escape(title), justify="left" if number == 0 else "right")
            for row in part.rows:
                table.add_row(*(escape(str(cell)) for cell in row))
            console.print(table)
            if part.note:
                console.print(escape(part.note), soft_wrap=True)
    console.print(f"[bold]Next:[/bold] {escape(found.next_step)}", soft_wrap=True)
