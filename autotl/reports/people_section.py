"""The section of a report that compares the model with human coders; added after the report was written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autotl.evidence.panels import heading
from autotl.interfaces import Figure, Table
from autotl.reports.added_section import put_section
from autotl.reports.sections import Figures, shown_parts
from autotl.reports.templating import template

_NUMBER = 1000
"""Of the section's first figure, whose identifiers must differ from those of the others on the page."""


def add_people_section(report: Path, name: str, sentences: Sequence[str], parts: Sequence[Table | Figure]) -> bool:
    """Put the section into a report before its first heading, replacing an earlier one.

    name: of the panel. parts: tables and figures below the sentences. Returns False if there is no report to change.
    """
    with Figures(_NUMBER) as figures:
        shown = shown_parts(parts, figures)
    section = template("people_section.html.j2").render(heading=heading(name), sentences=sentences, parts=shown)
    return put_section(report, "people", section, before=("<h2",))
