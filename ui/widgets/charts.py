"""Charts: scores with their intervals, and probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from autotl.evidence.leaderboard import is_default
from autotl.runs.config import BASELINES
from autotl_ui.widgets.theme import STRATEGY_COLOURS, ink
from autotl_ui.widgets.words import score_name

if TYPE_CHECKING:
    import altair as alt

N_TRIALS = 12
N_CLASSES = 6
N_COUNTED = 15
ROW_PIXELS = 28
AXIS_PIXELS = 70
LEGEND_PIXELS = 45
ROUTES = {
    "probe": "simplified", "fine-tune": "fine-tuned", "ensemble": "ensemble", "majority": "baseline",
    "frame-vote": "vote",
}  # fmt: skip


def leaderboard_chart(
    board: pd.DataFrame, objective: str, *, champion: int | None = None
) -> alt.LayerChart | alt.FacetChart:
    """The best trials, a dot and its 95 % interval each; champion, default and majority class are always among them.

    board: as `read_leaderboard` gives it.
    """
    import altair as alt

    objective = score_name(objective)
    ended = board[board["state"] == "complete"]
    always = is_default(ended) | ended["strategy"].isin(BASELINES) | (ended["trial"] == champion)
    best = ended[always | (np.arange(len(ended)) < N_TRIALS)].copy()
    titled = zip(best.iterrows(), is_default(best), strict=True)
    best["title"] = [_title(trial, default=default) for (_, trial), default in titled]
    best["route"] = best["strategy"].map(ROUTES).fillna(best["strategy"])
    seen = [strategy for strategy in ROUTES if (best["strategy"] == strategy).any()]
    colour = alt.Color(
        "route:N",
        title=None,
        scale=alt.Scale(domain=[ROUTES[s] for s in seen], range=[STRATEGY_COLOURS[s] for s in seen]),
        legend=alt.Legend(orient="top", symbolType="circle"),
    )
    base = alt.Chart(best[["title", "name", "route", "value", "low", "high"]]).encode(
        y=alt.Y(
            "title:N",
            sort=None,
            title=None,
            axis=alt.Axis(labelLimit=150, labelOverlap=False, ticks=False, domain=False),
        ),
        color=colour,
        tooltip=[
            alt.Tooltip("title:N", title="trial"),
            alt.Tooltip("name:N", title="what"),
            alt.Tooltip("value:Q", title=objective, format=".3f"),
            alt.Tooltip("low:Q", title="95 % from", format=".3f"),
            alt.Tooltip("high:Q", title="to", format=".3f"),
        ],
    )
    scale = alt.Scale(zero=False, nice=True)
    title = f"{objective}, with 95 % intervals"
    intervals = base.mark_rule(strokeWidth=2.5, opacity=0.55).encode(
        x=alt.X("low:Q", scale=scale, title=title, axis=alt.Axis(tickCount=6)), x2="high:Q"
    )
    values = base.mark_circle(size=90, opacity=1).encode(x=alt.X("value:Q", scale=scale, title=title))
    return alt.layer(intervals, values).properties(height=ROW_PIXELS * len(best) + AXIS_PIXELS + LEGEND_PIXELS)


def probability_chart(probabilities: Mapping[str, float]) -> alt.LayerChart | alt.FacetChart:
    """The most probable classes as bars, 0 to 100 %."""
    import altair as alt

    rows = sorted(probabilities.items(), key=lambda row: -row[1])[:N_CLASSES]
    table = pd.DataFrame(rows, columns=["class", "probability"])
    base = alt.Chart(table).encode(
        y=alt.Y("class:N", sort=None, title=None, axis=alt.Axis(labelLimit=130, ticks=False, domain=False)),
        x=alt.X(
            "probability:Q",
            title="probability",
            scale=alt.Scale(domain=[0, 1.12]),
            axis=alt.Axis(format="%", values=[0, 0.5, 1], grid=False),
        ),
        tooltip=[alt.Tooltip("class:N"), alt.Tooltip("probability:Q", format=".1%")],
    )
    bars = base.mark_bar(color=STRATEGY_COLOURS["probe"], cornerRadiusEnd=3, height=14)
    labels = base.mark_text(align="left", dx=5, color=ink()).encode(text=alt.Text("probability:Q", format=".1%"))
    return alt.layer(bars, labels).properties(height=ROW_PIXELS * len(table) + AXIS_PIXELS)


def _title(trial: pd.Series, *, default: bool) -> str:
    if trial["strategy"] == "majority":
        return "majority class"
    if trial["strategy"] == "frame-vote":
        return "vote (never deployed)"
    return f"trial {trial['trial']}: {trial['head']}{' (default)' if default else ''}"


def count_chart(counts: pd.Series, items: str = "images") -> alt.LayerChart | alt.FacetChart:
    """How many items each class got, most first. counts: by class. items: what they are called."""
    import altair as alt

    table = counts.head(N_COUNTED).rename("items").rename_axis("class").reset_index()
    base = alt.Chart(table).encode(
        y=alt.Y("class:N", sort=None, title=None, axis=alt.Axis(labelLimit=130, ticks=False, domain=False)),
        x=alt.X("items:Q", title=items, axis=alt.Axis(tickMinStep=1, grid=False, tickCount=4)),
        tooltip=[alt.Tooltip("class:N"), alt.Tooltip("items:Q", title=items, format=",")],
    )
    bars = base.mark_bar(color=STRATEGY_COLOURS["probe"], cornerRadiusEnd=3, height=14)
    labels = base.mark_text(align="left", dx=5, color=ink()).encode(text=alt.Text("items:Q", format=","))
    return alt.layer(bars, labels).properties(height=ROW_PIXELS * len(table) + AXIS_PIXELS)
