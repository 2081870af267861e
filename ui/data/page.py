"""The data page: add images or texts, see what they contain, correct what is wrong."""

from __future__ import annotations

import streamlit as st

from autotl.errors import AutoTLError
from autotl_ui.data.adding import show_adding
from autotl_ui.data.check_section import show_check
from autotl_ui.data.choices import show_problem
from autotl_ui.data.contents import open_contents
from autotl_ui.data.decision_list import show_decisions
from autotl_ui.data.dropzone import ARRIVED
from autotl_ui.data.gallery import show_gallery
from autotl_ui.data.managing import show_managing
from autotl_ui.data.overview import show_overview
from autotl_ui.data.unrecognised_data import show_unrecognised
from autotl_ui.server.access import current
from autotl_ui.server.pages import TRAIN
from autotl_ui.widgets.study import Study, current_study, say_data_gone, say_run_gone, turn_to
from autotl_ui.widgets.words import plain
from autotl_ui.workspace.data_sets import (
    DataSet,
    data_in_address,
    find_data_set,
    list_data_sets,
    make_room_for_decisions,
    newest_data,
)
from autotl_ui.workspace.workspace import Workspace

N_WITHOUT_SCROLLING = 8
ITEMS = "Images"  # the section of all items, whose title is what these are called
SECTIONS = ("Overview", ITEMS, "Check", "Decisions")


def show() -> None:
    """Draw the page."""
    st.title("Data")
    _turn_to_arrival()
    workspace = current()
    data_sets = list_data_sets(workspace)
    if current_study() != Study() and not _wanted(workspace):
        _say_missing(workspace)
    if not data_sets:
        st.markdown("Begin with images or texts that are sorted into classes.")
        _go_to(show_adding(workspace))
        return
    aside, main = st.columns([2, 7], gap="large")
    with aside:
        chosen = _choose(workspace, data_sets)
        adding = st.toggle("Add data", key="adding")
    with main:
        if adding:
            _go_to(show_adding(workspace))
        elif chosen:
            # A part of the page for each, or the images of the one before stay in sight, selected, until others come.
            with st.container(key=f"of-{chosen.name}"):
                _show_data_set(workspace, chosen)


def _choose(workspace: Workspace, data_sets: list[DataSet]) -> DataSet | None:
    """Let the reader choose; None if the address names what is not here, until something else is chosen."""
    by_name = {one.name: one for one in data_sets}
    wanted = _wanted(workspace) if current_study() != Study() else newest_data(workspace)
    st.session_state["data"] = wanted
    with st.container(height=420 if len(by_name) > N_WITHOUT_SCROLLING else "content", border=False):
        st.radio(
            "Your data", list(by_name), key="data", index=0 if wanted else None, on_change=_take_choice,
            format_func=lambda name: plain(by_name[name].title),
        )  # fmt: skip
    if wanted and not current_study().run:
        turn_to(Study(data=wanted))
    return by_name.get(wanted or "")


def _take_choice() -> None:
    turn_to(Study(data=st.session_state["data"]))


def _wanted(workspace: Workspace) -> str | None:
    """The dataset of the current study; None if it is not among the person's data."""
    study = current_study()
    run = next((run for run in workspace.list_runs() if run.name == study.run), None)
    name = data_in_address(workspace, run).get("data") if run else study.data
    return name if name and find_data_set(workspace, name) else None


def _say_missing(workspace: Workspace) -> None:
    """Say what the address names and is not here."""
    study = current_study()
    run = next((run for run in workspace.list_runs() if run.name == study.run), None)
    if run:
        where = f" ({plain(workspace.shown(run.data))})" if run.data else ""
        st.warning(
            f"The data of run {plain(run.name)}{where} are not in this list. Choose other data, or add them.",
            icon=":material/search_off:",
        )
    elif study.run:
        say_run_gone(study.run)
    elif study.data:
        say_data_gone(study.data)


def _go_to(data_set: DataSet | None) -> None:
    """Show a dataset that was just added."""
    if data_set:
        st.session_state[ARRIVED] = data_set.name
        st.rerun()


def _turn_to_arrival() -> None:
    """Set the widgets to what was just added: before they are drawn, or the browser keeps showing what they said."""
    name = st.session_state.pop(ARRIVED, None)
    if name:
        turn_to(Study(data=name))
        st.session_state.update(adding=False, pasting=False, section=SECTIONS[0])


def _show_data_set(workspace: Workspace, data_set: DataSet) -> None:
    st.header(plain(data_set.title), anchor=False)
    if problem := st.session_state.pop("data-problem", ""):
        st.error(plain(problem))
    show_problem()
    try:
        data_set = make_room_for_decisions(workspace, data_set)
        contents = open_contents(data_set)
    except (AutoTLError, OSError) as error:
        show_unrecognised(workspace, data_set, str(error))
        show_managing(workspace, data_set)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        trainable = len(contents.classes) > 1
        if st.button(
            "Train on this", key="train", type="primary", icon=":material/model_training:", disabled=not trainable,
            help=None if trainable else "A model needs at least two classes.",
        ):  # fmt: skip
            st.switch_page(TRAIN, query_params={"data": data_set.name})
        show_managing(workspace, data_set)
    st.session_state.setdefault("section", SECTIONS[0])
    section = st.segmented_control(
        "Part", SECTIONS, key="section", required=True, label_visibility="collapsed",
        format_func=lambda name: contents.kind.plural.capitalize() if name == ITEMS else name,
    )  # fmt: skip
    match section:
        case s if s == ITEMS:
            show_gallery(data_set, contents)
        case "Check":
            show_check(workspace, data_set, contents)
        case "Decisions":
            show_decisions(data_set, contents)
        case _:
            show_overview(workspace, data_set, contents)


show()
