"""The page of runs: all of them, and everything about the one that is chosen."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from autotl_ui import finished, running
from autotl_ui.pages import TRAIN
from autotl_ui.runs import RunView, Status, look
from autotl_ui.words import STATUSES, moment, plain
from autotl_ui.workspace import current


def show() -> None:
    """Draw the page."""
    st.title("Results")
    workspace = current()
    runs = workspace.list_runs()
    if not runs:
        st.info(f"There are no runs in {plain(str(workspace.runs))} yet.", icon=":material/inbox:")
        st.page_link(TRAIN, label="Train a model", icon=":material/model_training:")
        return
    _show_run(_choose(runs))


def _choose(runs: list[RunView]) -> RunView:
    """Let the reader choose; the address keeps the choice, so that it survives a reload."""
    by_name = {run.name: run for run in runs}
    names = list(by_name)
    if st.session_state.get("run") not in by_name:
        wanted = st.query_params.get("run")
        st.session_state["run"] = wanted if wanted in by_name else names[0]
    name = st.selectbox(
        "Run, newest first", names, key="run", width=560,
        format_func=lambda name: f"{name} · {STATUSES[by_name[name].status][0]} · {moment(by_name[name].started)}",
    )  # fmt: skip
    st.query_params["run"] = name
    return by_name[name]


def _show_run(run: RunView) -> None:
    st.header(plain(run.name), anchor=False)
    word, colour = STATUSES[run.status]
    st.badge(word, color=colour)
    if run.active:
        st.fragment(_watch, run_every=1)(run.folder, run.status)
    else:
        finished.show(run)


def _watch(folder: Path, status: Status) -> None:
    """Follow a run as long as it has this status; then the whole page is drawn anew."""
    run = look(folder)
    if run.status != status:
        st.rerun()
    running.show(run)


show()
