"""The result of a finished search, from the document that `autotl fit --json` prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

_COLUMNS = ("rank", "trial", "name", "state", "strategy", "head", "value", "low", "high", "seconds", "params")


@dataclass(frozen=True)
class Score:
    """A value with its 95 % interval; None where it is undefined."""

    value: float | None
    low: float | None
    high: float | None

    def __str__(self) -> str:
        return "undefined" if self.value is None else f"{self.value:.3f}"

    @property
    def interval(self) -> str:
        """The interval in words."""
        return "no interval" if self.low is None or self.high is None else f"{self.low:.3f} to {self.high:.3f}"


@dataclass(frozen=True)
class Result:
    """What a search has found. search, test, default_test: scores by name, those of single classes left out.

    claims: the verdicts, one sentence each. report: its file, None where there is none.
    """

    objective: str
    champion: Mapping[str, Any]
    search: Mapping[str, Score]
    measured_on: str
    test: Mapping[str, Score]
    default_test: Mapping[str, Score]
    claims: tuple[str, ...]
    n_trials: int
    n_items: Mapping[str, int]
    seconds: float
    report: Path | None


def read_result(document: Mapping[str, Any], folder: Path) -> Result:
    """Read the document; raises KeyError, TypeError or ValueError where it is not one."""
    report = folder / "report.html"
    result = Result(
        objective=document["objective"],
        champion={name: document["champion"][name] for name in ("trial", "strategy", "backbone", "size", "head")},
        search=_scores(document["search"]),
        measured_on=document["search_measured_on"],
        test=_scores(document["test"]),
        default_test=_scores(document["default"]["test"]),
        claims=tuple(str(verdict["claim"]) for verdict in document["verdict"].values()),
        n_trials=int(document["n_trials"]),
        n_items={part: int(n) for part, n in document["n_items"].items()},
        seconds=float(document.get("seconds", 0)),
        report=report if report.exists() else None,
    )
    for scores in (result.search, result.test, result.default_test):
        if result.objective not in scores:
            raise ValueError(f"the objective {result.objective!r} has no score")
    return result


def read_leaderboard(folder: Path) -> pd.DataFrame | None:
    """The trials so far, best first; None where there are none yet, or where the file cannot be read."""
    try:
        board = pd.read_csv(folder / "leaderboard.csv")
        return board[
            ["rank", "trial", "name", "state", "strategy", "head", "value", "low", "high", "seconds", "params"]
        ]
    except (OSError, ValueError, KeyError):  # pandas' own errors are ValueErrors
        return None


def _scores(found: Mapping[str, Any]) -> dict[str, Score]:
    return {name: Score(s["value"], s["low"], s["high"]) for name, s in found.items() if "[" not in name}
