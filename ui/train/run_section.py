"""One run on the Train page: live while it is running, and what to do next when it has ended."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import streamlit as st

from autotl_ui.jobs import jobs
from autotl_ui.server.access import current
from autotl_ui.server.pages import DATA, RESULTS
from autotl_ui.train.start_search import find_problem_of_resuming, resume_search
from autotl_ui.widgets import live_progress
from autotl_ui.widgets.error_boundary import live
from autotl_ui.widgets.study import Study, turn_to
from autotl_ui.widgets.words import STATUSES, duration, plain, sentence
from autotl_ui.workspace.data_sets import data_in_address
from autotl_ui.workspace.runs import RunView, has_model, look

STAGE_SECONDS, TRIALS_SECONDS = 1.0, 3.0
"""How often each is redrawn; charts cost twenty times as much as sentences, and the search needs the machine."""


def show(run: RunView) -> None:
    """Draw the state of a run, and what can be done with it next."""
    st.header(plain(run.name), anchor=False)
    if run.active:
        live(_watch_stage, run_every=STAGE_SECONDS)(run.folder)
        live(_watch_trials, run_every=TRIALS_SECONDS)(run.folder)
    else:
        _show_ended(run)
    with st.container(horizontal=True):
        if has_model(run):
            kind: Literal["primary", "secondary"] = "primary" if run.status == "complete" else "secondary"
            if st.button("See the results", key="results", type=kind, icon=":material/leaderboard:"):
                st.switch_page(RESULTS, query_params={"run": run.name})
        # A link to this page would look like the current page.
        st.button(
            "Start another search", key="another", icon=":material/add:", on_click=turn_to,
            args=(Study(**data_in_address(current(), run)),),
        )  # fmt: skip
    if not run.active and (run.folder / "events.jsonl").exists():
        live_progress.show_trials_so_far(run)


def _watch_stage(folder: Path) -> None:
    """Follow it until it has ended; then redraw the whole page."""
    run = look(folder)
    if not run.active:
        st.rerun()
    word, colour = STATUSES[run.status]
    st.badge(word, color=colour)
    live_progress.show_stage(run)


def _watch_trials(folder: Path) -> None:
    run = look(folder)
    if run.active:  # where it has ended, the other fragment redraws the whole page
        live_progress.show_trials_so_far(run)


def _show_ended(run: RunView) -> None:
    word, colour = STATUSES[run.status]
    st.badge(word, color=colour)
    if run.status == "complete":
        st.success("The search has finished, and the model is ready.", icon=":material/check_circle:")
    elif run.status == "interrupted" and has_model(run):
        st.info("The search was stopped early. The best model so far was kept.", icon=":material/stop_circle:")
    elif run.status == "interrupted":
        st.info(plain(run.problem) or "The search was stopped before there was a model.", icon=":material/stop_circle:")
    elif run.status == "failed":
        st.error(plain(run.problem).replace("\n", "  \n"), icon=":material/error:")
        if data := data_in_address(current(), run):
            st.page_link(DATA, label="Look at the data", icon=":material/photo_library:", query_params=data)
    else:
        st.warning(
            f"{plain(run.problem)} The run folder is damaged. Start another search: it will be faster, because the "
            "features are cached.",
            icon=":material/broken_image:",
        )
    if run.can_resume:
        _offer_resume(run)
    log = jobs.tail(run.folder)
    if log and run.status != "complete":
        with st.expander("Log", icon=":material/article:"):
            st.code(log, language=None, wrap_lines=True, height=300)
            st.caption(f"The whole log is in {plain(current().shown(jobs.log_file(run.folder)))}.")


def _offer_resume(run: RunView) -> None:
    if not st.button("Resume", key="resume", icon=":material/play_arrow:", type="primary"):
        st.caption(f"Finished trials are kept. {_time_left(run)}")
        return
    with st.spinner("Opening the weights of the networks …"):
        problem = find_problem_of_resuming(current(), run)
    if problem:
        st.error(plain(sentence(problem)), icon=":material/block:")
        return
    try:
        resume_search(current(), run)
    except OSError as error:
        st.error(f"The search could not be resumed: {plain(str(error))}.")
        return
    st.rerun()


def _time_left(run: RunView) -> str:
    if not run.state.budget_seconds:
        return ""
    left = run.state.budget_seconds - run.state.spent_seconds
    return (
        f"{duration(left)} of the budget is left." if left >= 1 else "The budget is used up, so only the test is left."
    )
