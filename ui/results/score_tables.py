"""Every score of a run: overall scores as a table, per-class scores as bars with their intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from autotl.data.item_kinds import ItemKind
from autotl.interfaces import ScoreInterval
from autotl.runs.result import RunResult, by_class, overall
from autotl_ui.widgets.theme import STRATEGY_COLOURS, ink, legible
from autotl_ui.widgets.words import SCORE_MEANINGS, plain, score_name, worded
from autotl_ui.workspace.scores import score_text

if TYPE_CHECKING:
    import altair as alt

_ROW_PIXELS, _AXIS_PIXELS = 26, 60


def show_overall(result: RunResult, kind: ItemKind) -> None:
    """Every overall score in the search, on the test split, and of the untuned default on the test split."""
    rows = ["| score | search | test | untuned default, test |", "|:--|:--|:--|:--|"]
    columns = [overall(scores) for scores in (result.search, result.test, result.default_test)]
    names = dict.fromkeys([*columns[1], *columns[0], *columns[2]])
    for name in names:
        cells = [scores.get(name) for scores in columns]
        rows.append(f"| {plain(score_name(name))} | " + " | ".join(map(score_text, cells)) + " |")
    st.markdown("\n".join(rows))
    st.caption("In brackets: 95 % confidence intervals.")
    if explained := [name for name in names if name in SCORE_MEANINGS]:
        with st.expander("What these scores mean", icon=":material/help:"):
            lines = [f"- **{plain(score_name(name))}**: {worded(SCORE_MEANINGS[name], kind)}." for name in explained]
            st.markdown("\n".join(lines))


def show_classes(result: RunResult, kind: ItemKind) -> None:
    """One score per class, worst first."""
    found = {"test": by_class(result.test), "search": by_class(result.search)}
    names = list(dict.fromkeys([*found["test"], *found["search"]]))
    if not names:
        st.caption("No evaluator returned per-class scores.")
        return
    with st.container(horizontal=True):
        name = st.segmented_control(
            "Per-class score", names, key="class-score", default=names[0], required=True, format_func=score_name
        )
        part = st.segmented_control("Measured on", ["test", "search"], key="class-part", default="test", required=True)
    if meaning := SCORE_MEANINGS.get(str(name)):
        st.caption(f"{score_name(str(name)).capitalize()}: {worded(meaning, kind)}.")
    scores = found[part].get(name or names[0], {})
    if not scores:
        st.caption("This score was not measured there.")
        return
    table = class_table(scores)
    st.altair_chart(
        legible(class_chart(table, f"{score_name(str(name))}, {part}")),
        key="class-chart",
        alt=f"{score_name(str(name))} of each class with 95 % intervals, worst first; the table below has the numbers.",
    )
    st.dataframe(
        table, hide_index=True, key="class-table", placeholder="undefined",
        column_config={
            "score": st.column_config.NumberColumn(score_name(str(name)), format="%.3f"),
            "low": st.column_config.NumberColumn("95 % from", format="%.3f"),
            "high": st.column_config.NumberColumn("to", format="%.3f"),
        },
        alt=f"{score_name(str(name))} of each class with its interval, worst first.",
    )  # fmt: skip


def class_table(scores: Mapping[str, ScoreInterval]) -> pd.DataFrame:
    """Columns class, score, low, high; worst first, undefined scores last."""
    rows = [(name, score.value, score.low, score.high) for name, score in scores.items()]
    table = pd.DataFrame(rows, columns=["class", "score", "low", "high"])
    return table.sort_values("score", kind="stable", na_position="last", ignore_index=True)


def class_chart(table: pd.DataFrame, title: str) -> alt.LayerChart | alt.FacetChart:
    """Bars with their intervals. table: as `class_table` returns it."""
    import altair as alt

    base = alt.Chart(table).encode(
        y=alt.Y(
            "class:N", sort=None, title=None,
            axis=alt.Axis(labelLimit=150, labelOverlap=False, ticks=False, domain=False),
        ),
        tooltip=[
            alt.Tooltip("class:N"),
            alt.Tooltip("score:Q", format=".3f"),
            alt.Tooltip("low:Q", title="95 % from", format=".3f"),
            alt.Tooltip("high:Q", title="to", format=".3f"),
        ],
    )  # fmt: skip
    top = max(1.0, float(table[["score", "high"]].max().max(skipna=True) or 1.0))
    scale = alt.Scale(domain=[min(0.0, float(table[["score", "low"]].min().min() or 0.0)), top])
    x_title = f"{title}, with 95 % intervals"
    bars = base.mark_bar(color=STRATEGY_COLOURS["probe"], height=14, opacity=0.75, cornerRadiusEnd=3).encode(
        x=alt.X("score:Q", title=x_title, scale=scale, axis=alt.Axis(tickCount=5))
    )
    intervals = base.mark_rule(color=ink(), strokeWidth=2).encode(
        x=alt.X("low:Q", title=x_title, scale=scale), x2="high:Q"
    )
    return alt.layer(bars, intervals).properties(height=_ROW_PIXELS * len(table) + _AXIS_PIXELS)
