"""The chart of a running search: the best value so far over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from autotl.runs.progress import BestTrial
from autotl_ui.widgets.theme import STRATEGY_COLOURS
from autotl_ui.widgets.words import score_name

if TYPE_CHECKING:
    import altair as alt

BEST_PIXELS = 290
MINUTES_FROM_SECONDS = 240


def best_chart(
    bests: Sequence[BestTrial], objective: str, *, until_seconds: float, horizon_seconds: float = 0.0
) -> alt.LayerChart | alt.FacetChart:
    """The best value so far over time, as steps, with its 95 % interval as a band.

    until_seconds: working time of the search. horizon_seconds: how far the axis goes at least, such as the
    budget, so that a chart that grows stays as it is.
    """
    import altair as alt

    objective = score_name(objective)
    until = max(until_seconds, bests[-1].seconds)
    end = max(horizon_seconds, until, 1.0)
    unit, per_unit = ("s", 1.0) if end < MINUTES_FROM_SECONDS else ("min", 60.0)
    rows = [
        {
            **best.score.to_json(),
            "time": best.seconds / per_unit,
            "what": f"trial {best.trial}: {best.name}",
            "now": False,
        }
        for best in bests
    ]
    # The last row carries the latest best on to now.
    rows.append({**rows[-1], "time": until / per_unit, "now": True})
    colour = STRATEGY_COLOURS["probe"]
    scale = alt.Scale(zero=False, nice=True)
    title = f"best {objective} so far"
    base = alt.Chart(pd.DataFrame(rows)).encode(
        x=alt.X("time:Q", title=f"working time ({unit})", scale=alt.Scale(domain=[0, end / per_unit], nice=False))
    )
    band = base.mark_area(interpolate="step-after", opacity=0.18, color=colour).encode(
        y=alt.Y("low:Q", scale=scale, title=title), y2="high:Q"
    )
    line = base.mark_line(interpolate="step-after", color=colour, strokeWidth=2.5).encode(
        y=alt.Y("value:Q", scale=scale, title=title)
    )
    points = (
        base.transform_filter("!datum.now")
        .mark_circle(size=60, opacity=1, color=colour)
        .encode(
            y=alt.Y("value:Q", scale=scale, title=title),
            tooltip=[
                alt.Tooltip("what:N", title="best"),
                alt.Tooltip("value:Q", title=objective, format=".3f"),
                alt.Tooltip("low:Q", title="95 % from", format=".3f"),
                alt.Tooltip("high:Q", title="to", format=".3f"),
                alt.Tooltip("time:Q", title=f"after ({unit})", format=".1f"),
            ],
        )
    )
    return alt.layer(band, line, points).properties(height=BEST_PIXELS)
