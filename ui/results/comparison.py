"""Runs side by side, and whether their scores can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from autotl.data.item_kinds import ItemKind
from autotl.interfaces import UNDEFINED
from autotl.runs.result import RunResult, overall
from autotl_ui.widgets.score_comparability import show_comparability
from autotl_ui.widgets.theme import STRATEGY_COLOURS, legible
from autotl_ui.widgets.words import duration, plain, score_name
from autotl_ui.workspace.evidence import evidence_to_compare
from autotl_ui.workspace.runs import RunView
from autotl_ui.workspace.scores import score_text

if TYPE_CHECKING:
    import altair as alt

_ROW_PIXELS, _AXIS_PIXELS = 36, 80


def show_comparison(run: RunView, runs: Sequence[RunView]) -> None:
    """Let the reader select runs to compare with this one, and draw them."""
    finished = {one.name: one for one in runs if one.result}
    others = [name for name in finished if name != run.name]
    if not others:
        st.info("This is the only finished run so far. Once there is another one, you can compare the two here.")
        return
    refit = run.result.refit if run.result else None
    same_data = [name for name in others if finished[name].data == run.data]
    former = Path(refit.of).name if refit else ""
    first = [former] if former in others else (same_data or others)[:1]
    names = st.multiselect("Compare with", others, default=first, key=f"compare-{run.name}")
    selected = [(run.name, run)] + [(name, finished[name]) for name in names]
    if len(selected) < 2:
        st.caption("Select at least one run to compare with this one.")
        return
    show_comparability({name: evidence_to_compare(one) for name, one in selected})
    results = {name: one.result for name, one in selected if one.result}
    scores = list(dict.fromkeys(name for result in results.values() for name in overall(result.test)))
    objective = next(iter(results.values())).objective
    score = st.selectbox("Score", scores, index=scores.index(objective), key="compare-score", format_func=score_name)
    table = interval_table(results, score)
    st.altair_chart(
        legible(interval_chart(table, score)),
        key="compare-chart",
        alt=f"{score_name(score)} of each run on its test split with 95 % intervals; the table below has the numbers.",
    )
    st.markdown(_table(results, scores, run.kind))
    st.caption(
        "All scores are from the test split, with 95 % confidence intervals in brackets. If you pick the best of many "
        "runs by its test score, you have used the test split to choose, and the score of the winner is too optimistic."
    )


def interval_table(results: dict[str, RunResult], score: str) -> pd.DataFrame:
    """Columns run, value, low, high; NaN where a run has no such score."""
    rows = []
    for name, result in results.items():
        found = result.test.get(score, UNDEFINED)
        rows.append((name, found.value, found.low, found.high))
    return pd.DataFrame(rows, columns=["run", "value", "low", "high"])


def interval_chart(table: pd.DataFrame, score: str) -> alt.LayerChart | alt.FacetChart:
    """A dot and its interval for each run. table: as `interval_table` returns it."""
    import altair as alt

    base = alt.Chart(table).encode(
        y=alt.Y("run:N", sort=None, title=None, axis=alt.Axis(labelLimit=180, ticks=False, domain=False)),
        tooltip=[
            alt.Tooltip("run:N"),
            alt.Tooltip("value:Q", title=score_name(score), format=".3f"),
            alt.Tooltip("low:Q", title="95 % from", format=".3f"),
            alt.Tooltip("high:Q", title="to", format=".3f"),
        ],
    )
    scale, title = alt.Scale(zero=False, nice=True), f"{score_name(score)}, test, with 95 % intervals"
    colour = STRATEGY_COLOURS["probe"]
    intervals = base.mark_rule(color=colour, strokeWidth=2.5, opacity=0.55).encode(
        x=alt.X("low:Q", scale=scale, title=title, axis=alt.Axis(tickCount=6)), x2="high:Q"
    )
    dots = base.mark_circle(color=colour, size=90, opacity=1).encode(x=alt.X("value:Q", scale=scale, title=title))
    return alt.layer(intervals, dots).properties(height=_ROW_PIXELS * len(table) + _AXIS_PIXELS)


def _table(results: dict[str, RunResult], scores: list[str], kind: ItemKind) -> str:
    """Markdown: a column per run, a row per fact."""
    found = results.values()
    champions = [f"{r.champion.head} on {r.champion.backbone}, {r.champion.size}" for r in found]
    rows = {
        "champion": [plain(text) for text in champions],
        f"test {kind.plural}": [str(r.n_items.get("test", 0)) for r in found],
        "data fingerprint": [plain(r.fingerprint[:8]) or "unknown" for r in found],
        "time": [duration(r.seconds) for r in found],
    }
    for name in scores:
        rows[plain(score_name(name))] = [score_text(r.test.get(name)) for r in found]
    header = ["| | " + " | ".join(plain(name) for name in results) + " |", "|:--|" + ":--|" * len(results)]
    return "\n".join([*header, *(f"| {title} | " + " | ".join(cells) + " |" for title, cells in rows.items())])
