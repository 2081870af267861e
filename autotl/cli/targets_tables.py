"""The result of a study of several targets, as it is printed at a terminal, and the exit code it means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from autotl.cli.output import print_json
from autotl.runtime.durations import duration

if TYPE_CHECKING:
    from autotl.runs.joint_result import JointResult
    from autotl.runs.targets_result import TargetsResult

_PIPED_WIDTH = 120


def end_targets(found: TargetsResult, *, as_json: bool, interrupted: int, unkept: int) -> None:
    """Print a result and leave with the exit code that fits. interrupted, unkept: exit codes."""
    show_targets(found, as_json=as_json)
    if found.status == "interrupted":
        raise typer.Exit(interrupted)
    if found.status != "complete" or found.unkept:
        raise typer.Exit(unkept)


def show_targets(found: TargetsResult, *, as_json: bool) -> None:
    """Print a result as a table, or as one JSON document."""
    if as_json:
        print_json(found)
    else:
        print_targets(found)


def print_targets(found: TargetsResult) -> None:
    """Print a row for each target, and where the files are, on standard output."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _PIPED_WIDTH
    table = Table(title="Targets, 95 % interval", title_justify="left")
    for column in ("target", "champion", "score", "search", "test"):
        table.add_column(column)
    for target in found.targets:
        result = target.result
        if result is None:
            table.add_row(escape(target.name), f"[red]none ({target.status})[/red]", "-", "-", "-")
            continue
        champion = f"{result.champion.head or result.champion.strategy} on {result.champion.backbone}"
        scores = (result.objective, str(result.search[result.objective]), str(result.test[result.objective]))
        table.add_row(escape(target.name), escape(champion), *map(escape, scores))
    console.print(table)
    for target in found.finished:
        assert target.result is not None
        console.print(f"[bold]{escape(target.name)}:[/bold] {escape(target.result.advice)}.", soft_wrap=True)
    if found.joint and found.joint.targets:
        console.print(_joint_table(found.joint))
        for one in found.joint.targets.values():
            console.print(f"{escape(one.sentence)}.", soft_wrap=True)
    places = [("Report", str(found.run / "report.html")), ("Deployable", found.deployable or "none")]
    for label, path in (*places, ("Took", duration(found.seconds))):
        console.print(f"{label:<12}{escape(path)}", soft_wrap=True)
    for text in found.unkept:
        console.print(f"[bold red]{escape(text)}[/bold red]", soft_wrap=True)
    if found.status not in ("complete", "running"):
        console.print(f"Carry on with `autotl resume {escape(str(found.run))}`.", soft_wrap=True)


def _joint_table(joint: JointResult) -> Table:
    """What one network of all targets achieved on each, beside the target's own champion."""
    title = f"One network for all targets ({joint.words}), 95 % interval"
    table = Table(title=title, title_justify="left")
    for column in ("target", "head", "search", "test", "joint training is", "used"):
        table.add_column(column)
    for name, one in joint.targets.items():
        test = str(one.test) if one.test else "-"
        row = (name, one.head, str(one.search), test, one.verdict.decision, "yes" if one.deployed else "no")
        table.add_row(*map(escape, row))
    return table
