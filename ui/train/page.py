"""The Train page: start a search and watch it."""

from __future__ import annotations

import streamlit as st

from autotl_ui.server.access import current
from autotl_ui.server.pages import DATA, TRAIN
from autotl_ui.train import run_section
from autotl_ui.train.search_form import show_form
from autotl_ui.train.start_search import SearchRequest, find_problem, find_refusal, start_search
from autotl_ui.widgets.clicks import once
from autotl_ui.widgets.study import Study, choose, current_study, say_data_gone, say_run_gone, turn_to
from autotl_ui.widgets.words import STATUSES, plain, sentence
from autotl_ui.workspace.data_sets import list_data_sets, newest_data
from autotl_ui.workspace.runs import RunView


def show() -> None:
    """Draw the run that the address names, else the form."""
    st.title("Train a model")
    runs = {run.name: run for run in current().list_runs()}
    study = current_study()
    others = [run for run in runs.values() if run.active and run.name != study.run]
    if study.run in runs:
        run_section.show(runs[study.run])
        _list_active(others)
        return
    if study.run:
        say_run_gone(study.run)
    _list_active(others)
    data_sets = {one.name: one for one in list_data_sets(current())}
    if study.data and study.data not in data_sets:
        say_data_gone(study.data)
    if not data_sets:
        st.info("A model is trained on images: add some first.", icon=":material/photo_library:")
        st.page_link(DATA, label="Add images", icon=":material/photo_library:")
        return
    wanted = newest_data(current()) if study == Study() else study.data
    choose(
        "Dataset", {name: one.title for name, one in data_sets.items()}, wanted, key="data-set",
        turn=lambda name: turn_to(Study(data=name)),
    )  # fmt: skip
    if wanted not in data_sets:
        return
    refusal = find_refusal(data_sets[wanted])
    if refusal:
        st.error(plain(sentence(refusal)), icon=":material/block:")
        st.page_link(DATA, label="Look at the data", icon=":material/photo_library:", query_params={"data": wanted})
    request = show_form(data_sets[wanted], refused=bool(refusal))
    if request:
        _start(request)
    st.caption(
        "The search runs in the background: you can close this page and come back. "
        "Images and models stay on this machine."
    )


def _start(request: SearchRequest) -> None:
    """Start the search and show it, or say what is wrong."""
    problem = find_problem(request, current())
    if problem:
        st.error(plain(sentence(problem)))
        return
    try:
        name = once("search", request, lambda: start_search(request, current()))
    except OSError as error:
        st.error(f"The search could not be started: {plain(str(error))}.")
        return
    turn_to(Study(name))
    st.rerun()


def _list_active(runs: list[RunView]) -> None:
    """The running and queued runs, each with a link to it."""
    if not runs:
        return
    with st.container(border=True):
        st.markdown("**Running**")
        for run in runs:
            status = STATUSES[run.status][0].lower()
            st.page_link(
                TRAIN, label=f"{plain(run.name)} ({status})", icon=":material/hourglass_top:",
                query_params={"run": run.name},
            )  # fmt: skip


show()
