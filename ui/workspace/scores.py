"""A run's scores and trials as the app shows them."""

from __future__ import annotations

from autotl.interfaces import ScoreInterval


def value_text(score: ScoreInterval) -> str:
    """A score's value as pages show it."""
    return f"{score.value:.{score.digits}f}" if score.is_defined else "undefined"


def interval_text(score: ScoreInterval) -> str:
    """A score's interval in words."""
    return score.ends


def score_text(score: ScoreInterval | None) -> str:
    """A score with its interval in brackets; empty where there is none."""
    return f"{value_text(score)} ({interval_text(score)})" if score else ""
