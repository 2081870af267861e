"""A run's scores and trials as the app shows them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from autotl.interfaces import ScoreInterval


def read_leaderboard(folder: Path) -> pd.DataFrame | None:
    """The trials so far, best first; None where there are none yet, or where the file cannot be read."""
    try:
        board = pd.read_csv(folder / "leaderboard.csv")
        return board[
            ["rank", "trial", "name", "state", "strategy", "head", "value", "low", "high", "seconds", "params"]
        ]
    except (OSError, ValueError, KeyError):  # pandas' own errors are ValueErrors
        return None


def value_text(score: ScoreInterval) -> str:
    """A score's value as pages show it."""
    return f"{score.value:.3f}" if score.is_defined else "undefined"


def interval_text(score: ScoreInterval) -> str:
    """A score's interval in words."""
    return f"{score.low:.3f} to {score.high:.3f}" if score.has_interval else "no interval"


def score_text(score: ScoreInterval | None) -> str:
    """A score with its interval in brackets; empty where there is none."""
    return f"{value_text(score)} ({interval_text(score)})" if score else ""
