"""The Train page: start a search and watch it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from autotl.data.dataset import MIN_IMAGES_PER_CLASS
from autotl.data.item_kinds import IMAGES, KINDS, ItemKind
from autotl.errors import AutoTLError
from autotl_ui.server.access import current
from autotl_ui.server.pages import DATA, TRAIN
from autotl_ui.train import run_section
from autotl_ui.train.search_form import LEAVE_OUT, show_form
from autotl_ui.train.start_search import (
    SearchRequest,
    find_problem,
    find_refusal,
    find_small_classes,
    start_search,
)
from autotl_ui.train.targets import choose_order, choose_target
from autotl_ui.widgets.clicks import once
from autotl_ui.widgets.study import Study, choose, current_study, say_data_gone, say_run_gone, turn_to
from autotl_ui.widgets.words import STATUSES, plain, sentence
from autotl_ui.workspace.data_sets import DataSet, list_data_sets, newest_data
from autotl_ui.workspace.listings import list_data_set
from autotl_ui.workspace.runs import RunView

N_NAMED = 6


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
        st.info("A model is trained on images or texts: add some first.", icon=":material/photo_library:")
        st.page_link(DATA, label="Add images or texts", icon=":material/photo_library:")
        return
    wanted = newest_data(current()) if study == Study() else study.data
    choose(
        "Dataset", {name: one.title for name, one in data_sets.items()}, wanted, key="data-set",
        turn=lambda name: turn_to(Study(data=name)),
    )  # fmt: skip
    if wanted not in data_sets:
        return
    labels = choose_target(data_sets[wanted])
    data_set = replace(data_sets[wanted], label=labels[0]) if len(labels) == 1 else data_sets[wanted]
    data_set = choose_order(data_set) if len(labels) < 2 else replace(data_set, order=())
    kind = _kind_of(data_set)
    few = find_small_classes(data_set)
    can_leave_out = bool(few) and not find_refusal(data_set, leave_out=True)
    leave_out = _offer_leaving_out(few, kind) if can_leave_out else None
    refusal = find_refusal(data_set, leave_out=bool(leave_out))
    if refusal and not can_leave_out:
        st.error(plain(sentence(refusal)), icon=":material/block:")
        st.page_link(DATA, label="Look at the data", icon=":material/photo_library:", query_params={"data": wanted})
    request = show_form(data_set, kind, labels if len(labels) > 1 else (), refused=bool(refusal), leave_out=leave_out)
    if request:
        _start(request)
    st.caption(
        "The search runs in the background: you can close this page and come back. "
        f"{kind.plural.capitalize()} and models stay on this machine."
    )


def _kind_of(data_set: DataSet) -> ItemKind:
    """The kind of a dataset's items; images where it cannot be read, which the page says."""
    try:
        return KINDS[list_data_set(data_set).modality]
    except AutoTLError:
        return IMAGES


def _offer_leaving_out(few: Mapping[str, int], kind: ItemKind) -> bool:
    """Name the classes with too few images, and let the reader leave them out; returns whether they are."""
    named = ", ".join(f"{plain(name)} ({number})" for name, number in list(few.items())[:N_NAMED])
    more = f" and {len(few) - N_NAMED} more" if len(few) > N_NAMED else ""
    st.warning(
        f"Too few {kind.plural} in {named}{more}: each class needs at least {MIN_IMAGES_PER_CLASS}. Leave them out "
        f"here, or add {kind.plural} or give them another class on the Data page.",
        icon=":material/info:",
    )
    return st.toggle(
        f"Leave out the {len(few)} classes" if len(few) > 1 else f"Leave out {plain(next(iter(few)))}",
        key=LEAVE_OUT, help=f"The model never answers with a class that is left out. No {kind.name} is changed.",
    )  # fmt: skip


def _start(request: SearchRequest) -> None:
    """Start the search and show it, or say what is wrong."""
    with st.spinner("Looking at the data and the networks …"):
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
