"""What a run shows while it is at work."""

from __future__ import annotations

import streamlit as st

from autotl_ui import jobs
from autotl_ui.events import read_progress
from autotl_ui.runs import RunView
from autotl_ui.scores import read_leaderboard
from autotl_ui.trials import show_trials
from autotl_ui.words import plain


def show(run: RunView) -> None:
    """Draw the stage, how far it has come, the trials so far, and the stop button."""
    progress = read_progress(run)
    st.markdown(plain(progress.doing))
    st.progress(progress.share or 0.0, text=progress.timing)
    _stop_button(run)
    for finding in progress.findings:
        st.warning(plain(finding), icon=":material/info:")
    board = read_leaderboard(run.folder)
    if board is None:
        st.caption("The first trials appear here within a minute or so; with many pictures it takes longer.")
        return
    st.subheader("Trials so far", anchor=False)
    objective = str(run.state.get("config", {}).get("objective", "score"))
    show_trials(board, objective, key="running")


def _stop_button(run: RunView) -> None:
    if run.job is None:
        st.caption("This search was started outside the app; stop it there with Ctrl+C.")
        return
    stopping = run.job.stop_requested is not None
    st.button(
        "Stopping" if stopping else "Stop and keep the best model",
        key="stop",
        icon=":material/stop_circle:",
        disabled=stopping,
        on_click=jobs.stop,
        args=(run.folder,),
    )
