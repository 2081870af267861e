"""What a paper says of a run: a methods paragraph and a citation, ready to paste."""

from __future__ import annotations

from autotl.runs.result import RunResult
from autotl.runs.run import Run


def methods_paragraph(run: Run, result: RunResult) -> str:
    """How the model was made and tested, in plain English."""
    return ""


def citation(run: Run) -> str:
    """AutoTL as a BibTeX entry."""
    return ""
