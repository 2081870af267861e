"""The command `estimate`: class shares among items without labels."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autotl.cli.options import Attributes, Json, RunFolder
from autotl.cli.output import print_json
from autotl.runtime.user_paths import expand_home

if TYPE_CHECKING:
    from rich.console import Console

    from autotl.workflows.share_estimate import ShareEstimate
    from autotl.workflows.share_findings import Findings


def estimate(
    run: RunFolder,
    unlabelled: Annotated[
        Path,
        typer.Argument(parser=expand_home, metavar="UNLABELLED", help="A folder, archive or table of images or texts."),
    ],
    codings: Annotated[
        Path | None,
        typer.Option(parser=expand_home, metavar="FILE.csv", help="People's labels: columns item, coder, label."),
    ] = None,
    by: Annotated[str | None, typer.Option(metavar="COLUMN", help="Also estimate the shares in each group.")] = None,
    groups: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="The person, film or author of each item, which makes items similar."),
    ] = None,
    attributes: Attributes = None,
    sample: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Draw this many items for people to label.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(parser=expand_home, metavar="SHEET.csv", help="Where to write the sheet to fill in.")
    ] = None,
    plan: Annotated[
        float,
        typer.Option(metavar="POINTS", help="Plan how many labels would give every share within this many points."),
    ] = 3,
    as_json: Json = False,
) -> None:
    """Estimate the share of each class among unlabelled items, corrected with a labelled sample."""
    from autotl.runs.progress_printer import ProgressPrinter
    from autotl.settings import settings
    from autotl.workflows.share_estimate import Request, draw_to_label, estimate_shares, require_one_purpose, within_of

    asked = Request(codings, by, groups, attributes, within_of(plan, "--plan"))
    require_one_purpose(asked, sample, out)
    with closing(ProgressPrinter(budget_seconds=None)) as printer:
        if sample is not None and out is not None:
            drawn = draw_to_label(run, unlabelled, sample, out, settings=settings(), listeners=(printer,))
        else:
            found = estimate_shares(run, unlabelled, asked, settings=settings(), listeners=(printer,))
    if as_json:
        print_json(drawn if sample is not None else found)
    elif sample is not None:
        for sentence in drawn.text:
            typer.echo(sentence)
    else:
        _print(found)


def _print(found: ShareEstimate) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    findings = found.findings
    console = Console(highlight=False)
    table = Table(title=escape(f"Shares of {found.data}"), title_justify="left")
    for title in ("class", "model's answers", "corrected", "95 % interval"):
        table.add_column(title, justify="left" if title == "class" else "right")
    for name, naive, one in zip(findings.classes, findings.whole.naive, findings.whole.shares, strict=True):
        corrected = f"{100 * one.value:.1f} %" if one.is_defined else "not known"
        ends = f"{100 * one.low:.1f} to {100 * one.high:.1f} %" if one.is_defined else "needs labels"
        table.add_row(escape(name), f"{100 * naive:.1f} %", corrected, ends)
    console.print(table)
    if findings.groups:
        _print_groups(console, findings)
    for sentence in found.text:
        typer.echo(sentence)


def _print_groups(console: Console, findings: Findings) -> None:
    """Print the shares of each group: classes are rows, or columns if there are fewer classes than groups."""
    from rich.markup import escape
    from rich.table import Table

    cells = {
        (part.name, name): f"{100 * one.value:.0f} ({100 * one.low:.0f} to {100 * one.high:.0f})"
        if one.is_defined
        else "-"
        for part in findings.groups
        for name, one in zip(findings.classes, part.shares, strict=True)
    }
    groups, classes = [part.name for part in findings.groups], list(findings.classes)
    groups_are_columns = len(groups) <= len(classes)
    table = Table(title=escape(f"In %, by {findings.by}"), title_justify="left")
    table.add_column("class" if groups_are_columns else escape(str(findings.by)))
    for title in groups if groups_are_columns else classes:
        table.add_column(escape(title), justify="right")
    for row in classes if groups_are_columns else groups:
        pairs = [(group, row) for group in groups] if groups_are_columns else [(row, name) for name in classes]
        table.add_row(escape(row), *(cells[pair] for pair in pairs))
    console.print(table)
