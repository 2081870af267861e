"""Figures of the report itself: scores by class, the search, and where the time went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autotl.evidence.leaderboard import Leaderboard, trials_without_gain
from autotl.evidence.weak_classes import ClassRecall
from autotl.interfaces import Figure, ScoreInterval
from autotl.reports.figures import ACCENT, INK, SOFT, WARN
from autotl.runs.config import BASELINES, ENSEMBLE, FINE_TUNE, FRAME_VOTE, MAJORITY, PROBE
from autotl.runs.events import Event, FeaturesRead

MOST_CLASSES = 40
FEWEST_TRIALS = 3
_ROUTES = {
    PROBE: "probe", FINE_TUNE: "fine-tuned", ENSEMBLE: "ensemble", MAJORITY: "majority class", FRAME_VOTE: "vote"
}  # fmt: skip
_ROUTE_COLOURS = {"probe": ACCENT, "fine-tuned": WARN, "ensemble": "#6f4ba3", "majority class": SOFT, "vote": SOFT}
_SHARE = {"scale": {"domain": [0, 1]}, "axis": {"format": "%"}}


def class_chart(ranked: Sequence[ClassRecall], scores: Mapping[str, ScoreInterval]) -> Figure | None:
    """Recall and precision of each class with 95 % intervals, the lowest recall first; None without tested classes."""
    rows = []
    for one in ranked[:MOST_CLASSES]:
        for kind, score in (("recall", one.recall), ("precision", scores.get(f"precision[{one.name}]"))):
            if score and score.is_defined:
                rows.append({"class": one.name, "score": kind, **score.to_json()})
    if not rows:
        return None
    shared = {
        "y": {"field": "class", "type": "nominal", "sort": None, "title": None},
        "yOffset": {"field": "score", "sort": ["recall", "precision"]},
        "color": {
            "field": "score", "type": "nominal", "title": None, "sort": ["recall", "precision"],
            "scale": {"domain": ["recall", "precision"], "range": [ACCENT, WARN]},
        },
    }  # fmt: skip
    low, high = {"field": "low", "type": "quantitative", "title": None, **_SHARE}, {"field": "high"}
    spec = {
        "data": {"values": rows},
        "height": {"step": 14},
        "layer": [
            {"mark": {"type": "rule", "strokeWidth": 2}, "encoding": {**shared, "x": low, "x2": high}},
            {
                "mark": {"type": "circle", "size": 60, "opacity": 1},
                "encoding": {**shared, "x": {"field": "value", "type": "quantitative", "title": None, **_SHARE}},
            },
        ],
    }
    rest = f" The {MOST_CLASSES} classes with the lowest recall of {len(ranked)}." if len(ranked) > MOST_CLASSES else ""
    return Figure(
        "Recall and precision of each class",
        spec,
        alt="Recall and precision of each class on the test split, with intervals.",
        note="Recall: the share of a class's test images that are recognised. Precision: the share of predictions of "
        f"this class that are right. Bars: 95 % intervals.{rest}",
    )


def search_chart(board: Leaderboard) -> Figure | None:
    """The score of every completed trial in order, and the best so far; None if there are only a few."""
    trials = sorted(board.completed, key=lambda trial: trial.number)
    if len(trials) < FEWEST_TRIALS:
        return None
    rows, best = [], trials[0].score.value
    for trial in trials:
        if trial.strategy not in BASELINES:
            best = max(best, trial.score.value) if board.larger_is_better else min(best, trial.score.value)
        route = _ROUTES.get(trial.strategy, trial.strategy)
        rows.append({"trial": trial.number, "route": route, "best": best, **trial.score.to_json()})
    routes = [route for route in _ROUTE_COLOURS if any(row["route"] == route for row in rows)]
    x = {"field": "trial", "type": "quantitative", "axis": {"tickMinStep": 1, "grid": False}}
    y = {"type": "quantitative", "title": board.objective, "scale": {"zero": False}}
    colour = {
        "field": "route", "type": "nominal", "title": None,
        "scale": {"domain": routes, "range": [_ROUTE_COLOURS[route] for route in routes]},
    }  # fmt: skip
    spec = {
        "data": {"values": rows},
        "height": 220,
        "layer": [
            {
                "mark": {"type": "line", "interpolate": "step-after", "color": INK, "strokeDash": [3, 3]},
                "encoding": {"x": x, "y": {"field": "best", **y}},
            },
            {
                "mark": {"type": "rule", "opacity": 0.35},
                "encoding": {"x": x, "y": {"field": "low", **y}, "y2": {"field": "high"}, "color": colour},
            },
            {
                "mark": {"type": "circle", "size": 50, "opacity": 1},
                "encoding": {"x": x, "y": {"field": "value", **y}, "color": colour},
            },
        ],
    }
    tail = trials_without_gain([t for t in trials if t.strategy not in BASELINES], board.larger_is_better)
    return Figure(
        "The search",
        spec,
        alt=f"{board.objective} of {len(trials)} trials in the order in which they were begun.",
        note=f"Each trial with its 95 % interval; the dashed line is the best so far. The last {tail} trials brought "
        "nothing better."
        if tail
        else "Each trial with its 95 % interval; the dashed line is the best so far.",
    )


def time_chart(board: Leaderboard, events: Sequence[Event], evidence_seconds: float) -> Figure | None:
    """Where the time went, in minutes of work; None if nothing is known."""
    parts = {
        "reading features": sum(event.seconds for event in events if isinstance(event, FeaturesRead)),
        "probes": sum(trial.seconds for trial in board.of(PROBE)),
        "fine-tune trials": sum(trial.seconds for trial in board.of(FINE_TUNE)),
        "evidence": evidence_seconds,
    }
    rows = [{"part": name, "minutes": round(seconds / 60, 2)} for name, seconds in parts.items() if seconds > 0]
    if not rows:
        return None
    spec = {
        "data": {"values": rows},
        "height": {"step": 22},
        "mark": {"type": "bar", "cornerRadiusEnd": 3},
        "encoding": {
            "y": {"field": "part", "type": "nominal", "sort": None, "title": None},
            "x": {"field": "minutes", "type": "quantitative"},
        },
    }
    return Figure(
        "Where the time went",
        spec,
        alt="Minutes of work: " + ", ".join(f"{row['part']} {row['minutes']}" for row in rows),
        note="Minutes of work; parallel work is added up. Reading the data, comparing images and exporting are "
        "not included.",
    )
