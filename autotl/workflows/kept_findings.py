"""What the checks found about the data of a run, as run.json keeps it."""

from __future__ import annotations

from collections.abc import Iterable

from autotl.interfaces import Finding
from autotl.runs.run import Run

MOST_PROPOSALS = 500
"""Of the pairs and proposals of each finding: run.json is written after every trial."""


def keep_findings(run: Run, findings: Iterable[Finding]) -> None:
    """Write findings to run.json in place of those that are there."""
    run.update(findings=[finding.to_json(most=MOST_PROPOSALS) for finding in findings])
