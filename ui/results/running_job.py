"""How far a job on a finished run is, and what stops it."""

from __future__ import annotations

import streamlit as st

from autotl_ui.results.run_jobs import RunCommand, look_at_job, stop_job
from autotl_ui.widgets.error_boundary import live
from autotl_ui.widgets.words import plain
from autotl_ui.workspace.runs import RunView


def show_job(command: RunCommand, run: RunView) -> bool:
    """Draw the job that runs, or why the latest one failed; returns whether one runs."""
    job = look_at_job(command, run)
    if job and job.is_running:
        live(_watch, run_every=1)(command, run)
        return True
    if job and job.problem:
        st.error(plain(job.problem), icon=":material/error:")
    return False


def _watch(command: RunCommand, run: RunView) -> None:
    """Follow the job; then redraw the whole page."""
    job = look_at_job(command, run)
    if not (job and job.is_running):
        st.rerun()
    st.progress(job.share or 0.0, text=f"{job.doing}.")
    st.button(
        "Stop", key=f"{command.name}-stop", icon=":material/stop_circle:", on_click=stop_job, args=(command, run)
    )  # fmt: skip
