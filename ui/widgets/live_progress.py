"""A run that is running or queued: its progress, its trials, and the button that stops it."""

from __future__ import annotations

import streamlit as st

from autotl.data.item_kinds import ItemKind
from autotl.evidence.leaderboard import read_leaderboard
from autotl_ui.jobs import jobs
from autotl_ui.widgets.best_chart import best_chart
from autotl_ui.widgets.leaderboard import show_trials
from autotl_ui.widgets.search_progress import SearchProgress, read_progress
from autotl_ui.widgets.theme import legible
from autotl_ui.widgets.words import clock_time, cost, plain, score_name, spell_scores, worded
from autotl_ui.workspace.runs import RunView

SENTENCE_PIXELS = 110
"""Room for the longest sentence, so that what is below it does not move."""
CHART_PIXELS = 310
FACT_PIXELS = 165
"""Two facts fit side by side on a phone, four elsewhere; none moves when its number grows."""
REDRAW_SECONDS = 5.0
"""The end of the chart moves in such steps, because redrawing it is expensive."""
N_PAST = 40


def show(run: RunView) -> None:
    """Draw all of it."""
    show_stage(run)
    show_trials_so_far(run)


def show_stage(run: RunView) -> None:
    """Draw the current activity and its reason, the progress, and the button that stops the search."""
    progress = read_progress(run)
    with st.container(height=SENTENCE_PIXELS, border=False):
        st.markdown(worded(plain(spell_scores(progress.doing)), run.kind))
    st.progress(progress.share or 0.0, text=progress.timing)
    _stop_button(run)
    if run.status == "queued":
        st.caption("Searches run one after the other, so that each has the machine to itself. You can close this page.")
    else:
        _show_facts(progress, _objective(run), run.kind)


def show_trials_so_far(run: RunView) -> None:
    """Draw the best score over time, the trials, the history, and the findings of the checks."""
    if run.status == "queued":
        return
    progress, objective = read_progress(run), _objective(run)
    with st.container(height=CHART_PIXELS if run.active or progress.bests else "content", border=False):
        if progress.bests:
            now = progress.spent_seconds // REDRAW_SECONDS * REDRAW_SECONDS
            horizon = progress.budget_seconds or 0.0
            st.altair_chart(
                legible(best_chart(progress.bests, objective, until_seconds=now, horizon_seconds=horizon)),
                key="chart-best",
                alt=f"The best {objective} so far over time, with its 95 % interval; the tab below holds the numbers.",
            )
        elif run.active:
            st.caption("The first trials appear here within about a minute; with a large dataset it takes longer.")
    board_tab, past_tab, findings_tab = st.tabs(["Trials", "History", "Findings"], key="live")
    with board_tab:
        board = read_leaderboard(run.folder)
        if board is None:
            st.caption("No trial has finished yet." if run.active else "No trial was finished.")
        else:
            show_trials(board, objective, key="running")
    with past_tab:
        _show_past(progress, run.kind)
    with findings_tab:
        if not progress.findings:
            st.caption("The checks have found no problems so far.")
        for finding in progress.findings:
            st.warning(worded(plain(finding), run.kind), icon=":material/info:")


def _objective(run: RunView) -> str:
    return score_name(run.state.objective or "score")


def _show_facts(progress: SearchProgress, objective: str, kind: ItemKind) -> None:
    """The best score, the number of trials, the pace and the cost of a trial, each in a fixed place."""
    best = progress.bests[-1] if progress.bests else None
    costs = [f"{cost(progress.costs[name])} {word}" for name, word in _ROUTES.items() if name in progress.costs]
    facts = (
        (f"best {objective}", f"{best.score.value:.3f}" if best else "–"),
        ("trials", str(progress.n_trials)),
        ("pace", worded(progress.pace, kind) or "–"),
        ("a trial takes", ", ".join(costs) or "–"),
    )
    with st.container(horizontal=True, gap="small"):
        for label, value in facts:
            st.markdown(f":small[{plain(label)}]  \n**{plain(value)}**", width=FACT_PIXELS)


_ROUTES = {"probe": "simplified", "fine-tune": "fine-tuned"}


def _show_past(progress: SearchProgress, kind: ItemKind) -> None:
    lines = [f"- {clock_time(when)} · {plain(spell_scores(text))}" for when, text in reversed(progress.past[-N_PAST:])]
    st.markdown(worded("\n".join(lines), kind) or "There is nothing here yet.")


def _stop_button(run: RunView) -> None:
    if run.job is None:
        st.caption("This search was started outside the app. Stop it there with Ctrl+C.")
        return
    stopping = run.job.stop_requested is not None
    if run.status == "queued":
        label = "Leave the queue"
    else:
        label = "Stop and keep the best model" if run.champion.exists() else "Stop (there is no model yet)"
    st.button(
        "Stopping" if stopping else label,
        key="stop",
        icon=":material/stop_circle:",
        disabled=stopping,
        on_click=jobs.stop,
        args=(run.folder,),
    )
