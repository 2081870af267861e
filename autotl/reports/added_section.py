"""Sections that are put into a report after it was written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from autotl.runtime.atomic_files import write_atomically


def put_section(report: Path, name: str, section: str, *, before: Sequence[str]) -> bool:
    """Put a section into a report, replacing an earlier one of this name.

    section: HTML. before: texts of the page in front of which it may stand; the first that is there is taken. Returns
    False, with nothing changed, if there is no report or none of these texts in it.
    """
    try:
        page = report.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    page = re.sub(f"{begin}.*?{end}\n?", "", page, flags=re.DOTALL)
    place = next((found for text in before if (found := page.find(text)) >= 0), None)
    if place is None:
        return False
    whole = f"{page[:place]}{begin}\n{section}\n{end}\n{page[place:]}"
    write_atomically(report, whole.encode("utf-8", "backslashreplace"))
    return True
