"""The results of a finished run in Python: its scores, its verdicts, its leaderboard and its evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autotl.api.notebook import as_html, as_text
from autotl.api.study_plots import StudyPlots
from autotl.errors import ConfigError
from autotl.runs.run import Run

if TYPE_CHECKING:
    import pandas as pd


class StudyResults(StudyPlots):
    """The results of a finished run. run: its folder; result: scores, champion and verdicts."""

    def __init__(self, run: Run) -> None:
        result = run.result()
        if result is None:
            raise ConfigError(f"{run.folder} has not finished yet; continue it with `autotl resume {run.folder}`")
        self.run = run.folder
        self.result = result

    @property
    def document(self) -> dict[str, object]:
        """The result as `autotl fit --json` prints it."""
        return self.result.to_json()

    @property
    def test_scores(self) -> dict[str, dict[str, float | None]]:
        """Each score on the test split: {"accuracy": {"value", "low", "high"}, ...}."""
        return {name: score.to_json() for name, score in self.result.test.items()}

    @property
    def groups(self) -> dict[str, object]:
        """Images that belong together: which grouping is kept on one side, and what each costs the untuned default."""
        return self.result.groups.to_json()

    @property
    def search_scores(self) -> dict[str, dict[str, float | None]]:
        """Each score during the search, corrected for the choice among trials; compare with `test_scores`."""
        return {name: score.to_json() for name, score in self.result.search.items()}

    @property
    def advice(self) -> str:
        """What to use and why, in one sentence that follows from the search and the test."""
        return self.result.advice

    @property
    def in_short(self) -> tuple[str, ...]:
        """A summary of the evidence in plain language, the verdict first."""
        return self.result.in_short

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """All tables of the report's evidence and of plugins' panels, by title."""
        import pandas as pd

        from autotl.interfaces import Table

        parts = [part for panel in self._evidence().panels for part in panel.parts]
        return {p.title: pd.DataFrame(list(p.rows), columns=list(p.columns)) for p in parts if isinstance(p, Table)}

    @property
    def verdict(self) -> dict[str, dict[str, object]]:
        """What can be claimed about fine-tuning, and about the champion compared with the untuned default."""
        result = self.result
        return {"fine_tuning": result.fine_tuning.to_json(), "over_default": result.over_default.to_json()}

    def __repr__(self) -> str:
        return as_text(self.result, str(self.run))

    def _repr_html_(self) -> str:
        from autotl.evidence.leaderboard import read_leaderboard

        return as_html(self.result, read_leaderboard(self.run), str(self.run))
