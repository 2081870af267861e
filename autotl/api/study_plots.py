"""The charts of a finished run in Python."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from autotl.errors import RunError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from autotl.evidence.run_evidence import Evidence
    from autotl.runs.result import RunResult


class StudyPlots:
    """Charts of a finished run. run: its folder; result: scores, champion and verdicts."""

    run: Path
    result: RunResult

    @property
    def leaderboard(self) -> pd.DataFrame:
        """One row per trial, best first."""
        from autotl.evidence.leaderboard import read_leaderboard

        board = read_leaderboard(self.run)
        if board is None:
            raise RunError(f"leaderboard.csv is missing or damaged in {self.run}")
        return board

    def plot_confusion(self) -> Figure:
        """The confusion matrix on the test split, as in the report: rows are the true classes."""
        from autotl.api.plots import plot_confusion

        return plot_confusion(self._evidence().test)

    def plot_classes(self) -> Figure:
        """The recall of each class on the test split with its interval, lowest first."""
        from autotl.api.plots import plot_classes

        return plot_classes(self._evidence().test)

    def plot_leaderboard(self) -> Figure:
        """The score of each trial in the search with its interval, best first."""
        from autotl.api.plots import plot_leaderboard

        return plot_leaderboard(self.leaderboard, self.result.objective)

    def plot_calibration(self) -> Figure:
        """The reliability diagram: accuracy against confidence, on the test split."""
        from autotl.api.plots import plot_calibration
        from autotl.runs.run import open_run, require_classes

        require_classes(open_run(self.run), "a reliability diagram")
        return plot_calibration(self._evidence().tested)

    def _evidence(self) -> Evidence:
        from autotl.evidence.run_evidence import read_evidence

        evidence = read_evidence(self.run)
        if evidence is None:
            raise RunError(f"the evidence of {self.run} is missing or damaged, so there is nothing to draw")
        return evidence
