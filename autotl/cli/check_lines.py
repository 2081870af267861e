"""What a check of data found, as it is printed at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from autotl.interfaces import Finding
    from autotl.workflows.check import DataCheck
    from autotl.workflows.check_targets import TargetsCheck


def print_check(found: DataCheck | TargetsCheck, page: Path) -> None:
    """Print the facts and the findings, then those of each of several targets, and where the page is."""
    from autotl.workflows.check_targets import TargetsCheck

    _print_facts(found.facts())
    if found.findings or not isinstance(found, TargetsCheck):
        _print_findings(found.findings)
    if isinstance(found, TargetsCheck):
        for target, check in found.of.items():
            typer.echo(f"target {target}:")
            _print_facts(found.facts_of(target))
            if check.findings or not found.findings:
                _print_findings(check.findings)
    typer.echo(f"page: {page}")


def _print_facts(facts: Mapping[str, str]) -> None:
    for name, text in facts.items():
        typer.echo(f"{name}: {text}")


def _print_findings(findings: Sequence[Finding]) -> None:
    for finding in findings:
        typer.echo(f"{finding.severity}: {finding.message}. {finding.advice}".rstrip())
    if not findings:
        typer.echo("no problems found")
