"""The result of a finished search, from the document that `autotl fit --json` prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from autotl.interfaces import ScoreInterval

ByClass = Mapping[str, Mapping[str, ScoreInterval]]
"""Scores of single classes: by the score's name, then by the class."""


@dataclass(frozen=True)
class Refit:
    """What a re-fitted model differs in from the one before. of: the run before. sentence: the same in words."""

    of: Path
    changed_in_test: int
    sentence: str


@dataclass(frozen=True)
class Result:
    """What a search has found. search, test, default_test: scores by name, those of single classes left out.

    claims: the verdicts, one sentence each; ended, expected_gain: why it ended, and what more time would bring;
    passed_over: better trials that could not be exported. n_unused: pictures that there was no time to read.
    report: its file, None where there is none.
    """

    objective: str
    champion: Mapping[str, Any]
    search: Mapping[str, ScoreInterval]
    measured_on: str
    test: Mapping[str, ScoreInterval]
    default_test: Mapping[str, ScoreInterval]
    search_by_class: ByClass
    test_by_class: ByClass
    claims: tuple[str, ...]
    ended: str
    expected_gain: str
    passed_over: tuple[str, ...]
    n_trials: int
    n_items: Mapping[str, int]
    n_unused: int
    seconds: float
    fingerprint: str
    refit: Refit | None
    report: Path | None


def read_result(document: Mapping[str, Any], folder: Path) -> Result:
    """Read the document; raises KeyError, TypeError or ValueError where it is not one."""
    report = folder / "report.html"
    champion = document["champion"]
    for name in ("trial", "strategy", "backbone", "size", "head"):
        champion[name]
    result = Result(
        objective=document["objective"],
        champion=dict(champion),
        search=_overall(document["search"]),
        measured_on=document["search_measured_on"],
        test=_overall(document["test"]),
        default_test=_overall(document["default"]["test"]),
        search_by_class=_by_class(document["search"]),
        test_by_class=_by_class(document["test"]),
        claims=tuple(str(verdict["claim"]) for verdict in document["verdict"].values()),
        ended=_sentence(document.get("ended")),
        expected_gain=_sentence((document.get("expected_gain") or {}).get("sentence")),
        passed_over=tuple(map(str, document.get("passed_over") or ())),
        n_trials=int(document["n_trials"]),
        n_items={part: int(n) for part, n in document["n_items"].items()},
        n_unused=int(document.get("n_unused") or 0),
        seconds=float(document.get("seconds") or 0),
        fingerprint=str(document.get("fingerprint") or ""),
        refit=_refit(document.get("refit")),
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


def _overall(found: Mapping[str, Any]) -> dict[str, ScoreInterval]:
    return {name: ScoreInterval.from_json(score) for name, score in found.items() if "[" not in name}


def _by_class(found: Mapping[str, Any]) -> dict[str, dict[str, ScoreInterval]]:
    """From "recall[cat]" to recall, cat; a class's name may hold brackets of its own."""
    scores: dict[str, dict[str, ScoreInterval]] = {}
    for name, score in found.items():
        kind, bracket, rest = name.partition("[")
        if bracket:
            scores.setdefault(kind, {})[rest.removesuffix("]")] = ScoreInterval.from_json(score)
    return scores


def value_text(score: ScoreInterval) -> str:
    """A score's value as pages show it."""
    return f"{score.value:.3f}" if score.is_defined else "undefined"


def interval_text(score: ScoreInterval) -> str:
    """A score's interval in words."""
    return f"{score.low:.3f} to {score.high:.3f}" if score.has_interval else "no interval"


def score_text(score: ScoreInterval | None) -> str:
    """A score with its interval in brackets; empty where there is none."""
    return f"{value_text(score)} ({interval_text(score)})" if score else ""


def _refit(found: Mapping[str, Any] | None) -> Refit | None:
    if not found:
        return None
    return Refit(Path(found["of"]), int(found.get("changed_in_test") or 0), _sentence(found.get("sentence")))


def _sentence(text: str | None) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""
