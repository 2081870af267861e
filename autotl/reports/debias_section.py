"""The section of a report about methods against bias; added after the report was written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autotl.evidence.debias_words import PANEL, not_compared, parts
from autotl.evidence.panels import heading
from autotl.reports.added_section import put_section
from autotl.reports.sections import Figures, shown_parts
from autotl.reports.templating import template
from autotl.runs.debias import DebiasOutcome

_NUMBER = 2000
"""Of the section's first figure, whose identifiers must differ from those of the others on the page."""


def add_debias_section(report: Path, outcomes: Sequence[DebiasOutcome]) -> bool:
    """Put the section into a report before its scores, replacing an earlier one; False if there is no such report."""
    if not outcomes:
        return False
    with Figures(_NUMBER) as figures:
        shown = [
            {
                "title": f"By {outcome.by or 'class'}", "sentences": outcome.sentences,
                "notes": (*outcome.notes, *not_compared(outcome)),
                "parts": shown_parts(parts(outcome), figures),
            }
            for outcome in outcomes
        ]  # fmt: skip
    section = template("debias_section.html.j2").render(heading=heading(PANEL), outcomes=shown)
    return put_section(report, "debias", section, before=("<h2>Scores</h2>",))
