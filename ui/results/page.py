"""The Results page: all runs, and everything about the selected one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import streamlit as st

from autotl_ui.results import finished_run, several_targets
from autotl_ui.server.access import current
from autotl_ui.server.pages import TRAIN
from autotl_ui.widgets import live_progress
from autotl_ui.widgets.error_boundary import live
from autotl_ui.widgets.study import choose_run, wanted_run
from autotl_ui.widgets.words import STATUSES, counted, moment, plain
from autotl_ui.workspace.runs import RunView, Status, look


def show() -> None:
    """Draw the page."""
    st.title("Results")
    workspace = current()
    runs = workspace.list_runs()
    wanted = wanted_run(workspace, runs)
    if not runs:
        st.info("There are no runs yet. Train a model first; its results are shown here.", icon=":material/inbox:")
        st.page_link(TRAIN, label="Train a model", icon=":material/model_training:")
        return
    # The labels hold no status: a list whose labels change forgets its value.
    whole = [run for run in runs if not run.study]
    study = next((run for run in whole if wanted and run.name == (wanted.study or wanted.name)), wanted)
    choose_run({run.name: run.name for run in whole}, study, key="run", width=560, current=wanted)
    counts = Counter(STATUSES[run.status][0].lower() for run in whole)
    st.caption(f"{counted(len(whole), 'run')}, newest first: {', '.join(f'{n} {word}' for word, n in counts.items())}")
    if wanted and study:
        # A part of the page for each, or what belongs to the run before stays in sight until the new one is drawn.
        with st.container(key=f"of-{wanted.name}"):
            if study.state.targets and not study.active:
                several_targets.show(study, wanted)
            else:
                _show_run(wanted)


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
