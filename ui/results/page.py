"""The Results page: all runs, and everything about the selected one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import streamlit as st

from autotl_ui.results import finished_run
from autotl_ui.server.access import current
from autotl_ui.server.pages import TRAIN
from autotl_ui.widgets import live_progress
from autotl_ui.widgets.error_boundary import live
from autotl_ui.widgets.words import STATUSES, counted, moment, plain
from autotl_ui.workspace.runs import RunView, Status, look


def show() -> None:
    """Draw the page."""
    st.title("Results")
    workspace = current()
    runs = workspace.list_runs()
    if not runs:
        st.info("There are no runs yet. Train a model first; its results are shown here.", icon=":material/inbox:")
        st.page_link(TRAIN, label="Train a model", icon=":material/model_training:")
        return
    _show_run(_choose(runs))


def _choose(runs: list[RunView]) -> RunView:
    """Let the reader choose a run; the address keeps the choice, so that it survives a reload."""
    by_name = {run.name: run for run in runs}
    names = list(by_name)
    if st.session_state.get("run") not in by_name:
        wanted = st.query_params.get("run")
        st.session_state["run"] = wanted if wanted in by_name else names[0]
    # The labels hold no status: a list whose labels change forgets its value.
    name = st.selectbox("Run, newest first", names, key="run", width=560)
    counts = Counter(STATUSES[run.status][0].lower() for run in runs)
    st.caption(f"{counted(len(runs), 'run')}: {', '.join(f'{n} {word}' for word, n in counts.items())}")
    st.query_params["run"] = name
    return by_name[name]


def _show_run(run: RunView) -> None:
    word, colour = STATUSES[run.status]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(plain(run.name), anchor=False, width="content")
        st.badge(word, color=colour)
        st.caption(moment(run.started), width="content")
    if run.active:
        live(_watch, run_every=1)(run.folder, run.status)
    else:
        finished_run.show(run)


def _watch(folder: Path, status: Status) -> None:
    """Follow a run while it has this status; then redraw the whole page."""
    run = look(folder)
    if run.status != status:
        st.rerun()
    live_progress.show(run)


show()
