"""The section of a report about methods against bias; added after the report was written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from autotl.evidence.debias_words import PANEL, parts
from autotl.evidence.panels import heading
from autotl.reports.sections import Figures, shown_parts
from autotl.reports.templating import template
from autotl.runs.debias import DebiasOutcome
from autotl.runtime.atomic_files import write_atomically

_BEGIN, _END = "<!-- debias: begin -->", "<!-- debias: end -->"
_NEXT = "<h2>Scores</h2>"
_NUMBER = 2000
"""Of the section's first figure, whose identifiers must differ from those of the others on the page."""


def add_debias_section(report: Path, outcomes: Sequence[DebiasOutcome]) -> bool:
    """Put the section into a report before its scores, replacing an earlier one; False if there is no such report."""
    try:
        page = report.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    page = re.sub(f"{_BEGIN}.*?{_END}\n?", "", page, flags=re.DOTALL)
    before, mark, after = page.partition(_NEXT)
    if not mark or not outcomes:
        return False
    with Figures(_NUMBER) as figures:
        shown = [
            {
                "title": f"By {outcome.by or 'class'}", "sentences": outcome.sentences, "notes": outcome.notes,
                "parts": shown_parts(parts(outcome), figures),
            }
            for outcome in outcomes
        ]  # fmt: skip
    section = template("debias_section.html.j2").render(heading=heading(PANEL), outcomes=shown)
    whole = f"{before}{_BEGIN}\n{section}\n{_END}\n{mark}{after}"
    write_atomically(report, whole.encode("utf-8", "backslashreplace"))
    return True
