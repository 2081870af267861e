"""A run of several targets that has ended: the choice of a target, and the page of its own run."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from autotl_ui.results import finished_run
from autotl_ui.results.report import show_report
from autotl_ui.widgets.downloads import download_button
from autotl_ui.widgets.study import turn_to_run
from autotl_ui.widgets.words import STATUSES, counted, moment, plain
from autotl_ui.workspace.runs import RunView

_ALL = "All targets"


def show(study: RunView, wanted: RunView, targets: Sequence[RunView]) -> None:
    """Draw it. wanted: the study or the run of one of its targets, which are `targets`."""
    word, colour = STATUSES[study.status]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(plain(study.name), anchor=False, width="content")
        st.badge(word, color=colour)
        st.caption(f"{counted(len(targets), 'target')}, {moment(study.started)}", width="content")
    if study.problem:
        st.error(plain(study.problem), icon=":material/error:")
    places = {_ALL: study.name} | {_title(run): run.name for run in targets}
    chosen = next((title for title, name in places.items() if name == wanted.name), _ALL)

    def take() -> None:
        if title := st.session_state["target"]:
            turn_to_run(places[title])

    st.session_state["target"] = chosen
    st.segmented_control("Target", list(places), key="target", on_change=take, width="stretch")
    if wanted.study:
        finished_run.show(wanted)
        return
    if (study.champion / "model.onnx").exists():
        download_button(study.champion, study.name, key="download")
        st.caption("One model that answers all targets; the model of each target is on its page.")
    show_report(study.name, study.report)


def _title(run: RunView) -> str:
    return run.state.label or run.folder.name
