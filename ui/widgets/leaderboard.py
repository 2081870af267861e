"""The leaderboard: a chart of the best trials and the table of all."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from autotl_ui.widgets.charts import ROUTES, leaderboard_chart
from autotl_ui.widgets.theme import legible
from autotl_ui.widgets.words import score_name

TRIAL_STATES = {"complete": "finished", "pruned": "pruned"}


def show_trials(board: pd.DataFrame, objective: str, *, key: str, champion: int | None = None) -> None:
    """Draw the trials. board: as `read_leaderboard` gives it. champion: the number of the trial that was chosen."""
    objective = score_name(objective)
    if (board["state"] == "complete").any():
        st.altair_chart(
            legible(leaderboard_chart(board, objective, champion=champion)),
            key=f"chart-{key}",
            alt=f"The {objective} of the best trials with 95 % intervals; the table below holds the same numbers.",
        )
    tuned = board["strategy"] == "fine-tune"
    if tuned.any():
        st.caption(
            "Fine-tuned trials are measured on the folds there was time for, and made comparable through the untuned "
            "default. One becomes the champion only where it is better beyond doubt."
        )
    number = st.column_config.NumberColumn
    table = board[["rank", "value", "trial", "name", "seconds", "state", "params"]].copy()
    table["state"] = [TRIAL_STATES.get(state, state) for state in table["state"]]
    table.loc[board["trial"] == champion, "state"] = "champion"
    table.insert(4, "route", board["strategy"].map(ROUTES).fillna(board["strategy"]))
    intervals = zip(board["low"], board["high"], strict=True)
    table.insert(2, "interval", ["" if pd.isna(low) else f"{low:.3f} to {high:.3f}" for low, high in intervals])
    st.dataframe(
        table,
        key=f"table-{key}",
        hide_index=True,
        placeholder="",
        column_config={
            "rank": number("#", width=40),
            "trial": number("trial", width=50),
            "name": st.column_config.TextColumn("classifier and network"),
            "value": number(objective, format="%.3f"),
            "interval": st.column_config.TextColumn("95 % interval"),
            "seconds": number("time (s)", format="%.1f"),
            "params": st.column_config.TextColumn("parameters", width="large"),
        },
        alt=f"All trials with their {objective}, interval, duration and parameters, best first.",
    )
