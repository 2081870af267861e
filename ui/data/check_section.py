"""The part of the data page that checks the data: start, progress, and what was found."""

from __future__ import annotations

import streamlit as st

from autotl.checks.check_document import CheckDocument
from autotl.data.item_kinds import ItemKind
from autotl_ui.data.contents import Contents
from autotl_ui.data.findings import show_finding
from autotl_ui.data.gallery import undo_button
from autotl_ui.data.groups_question import show_groups_question
from autotl_ui.widgets.error_boundary import live
from autotl_ui.widgets.words import counted, duration, moment, plain, worded
from autotl_ui.workspace.checks import CheckView, look_at_check, now, start_check, stop_check
from autotl_ui.workspace.data_sets import DataSet
from autotl_ui.workspace.workspace import Workspace

N_FINDINGS = 30
_PROBLEM = "check-problem"
_FAULTY = {
    "image": "blank or blurred images",
    "text": "empty or cut texts",
    "pair": "images or texts with faults",
    "clip": "damaged clips",
}


def show_check(workspace: Workspace, data_set: DataSet, contents: Contents) -> None:
    """Draw the check of a dataset: the button that starts it, its progress, or its findings."""
    if problem := st.session_state.pop(_PROBLEM, ""):
        st.error(plain(problem))
    check = look_at_check(workspace, data_set)
    match check.condition:
        case "running":
            live(_watch, run_every=1)(workspace, data_set, contents.kind)
        case "done":
            _show_done(workspace, data_set, contents, check)
        case "failed":
            st.error(f"The check could not be done: {plain(check.problem)}", icon=":material/error:")
            _start_button(workspace, data_set, "Check again")
        case _:
            stopped = "The check was stopped. " if check.condition == "stopped" else ""
            st.markdown(
                f"{stopped}A check looks for near-duplicates, labels that are probably wrong, unreadable "
                f"files, {_FAULTY[contents.kind.name]}, classes that are too small, and whether the classes can be "
                "distinguished by something that has nothing to do with them. It takes a minute or so."
            )
            _start_button(workspace, data_set, "Check the data")


def _start_button(workspace: Workspace, data_set: DataSet, title: str) -> None:
    st.button(
        title, key="check", type="primary", icon=":material/fact_check:", on_click=_start, args=(workspace, data_set)
    )


def _start(workspace: Workspace, data_set: DataSet) -> None:
    try:
        start_check(workspace, data_set)
    except OSError as error:
        st.session_state[_PROBLEM] = f"The check could not be started: {error}."


def _watch(workspace: Workspace, data_set: DataSet, kind: ItemKind) -> None:
    check = look_at_check(workspace, data_set)
    if check.condition != "running":
        st.rerun()
    seconds = max(0.0, now() - check.started)
    st.progress(check.share or 0.0, text=f"{worded(plain(check.doing), kind)} ({duration(seconds)} so far)")
    st.button("Stop", key="stop-check", icon=":material/stop_circle:", on_click=stop_check, args=(workspace, data_set))
    st.caption("You can leave this page; the check continues.")


def _show_done(workspace: Workspace, data_set: DataSet, contents: Contents, check: CheckView) -> None:
    document = check.document
    assert document is not None
    outdated = document.is_outdated(contents.decisions)
    if outdated:
        st.info("There are new decisions since this check. Check again to see what is left.", icon=":material/update:")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Check again", key="check", icon=":material/refresh:", type="primary" if outdated else "secondary",
            on_click=_start, args=(workspace, data_set),
        )  # fmt: skip
        undo_button(data_set, contents, key="undo-check")
        if check.page:
            st.download_button(
                "Download as a page", data=check.page.read_bytes, file_name=f"{data_set.name}-check.html",
                mime="text/html", key="check-page", icon=":material/download:", on_click="ignore",
            )  # fmt: skip
        st.caption(f"Checked {moment(check.started)}.")
    if document.refusal:
        st.error(f"A model cannot be trained on these data yet: {plain(document.refusal)}", icon=":material/block:")
    show_groups_question(data_set, contents.kind, document)
    if document.skipped:
        st.caption(plain(document.skipped).capitalize() + ".")
    if not document.findings:
        st.success("Nothing was found that needs your attention.", icon=":material/check_circle:")
    decided = {decision.item for decision in set(contents.decisions) - set(document.decisions)}
    for number, found in enumerate(document.findings[:N_FINDINGS]):
        show_finding(data_set, contents, found, decided=decided, key=f"{data_set.name}-{number}")
    if len(document.findings) > N_FINDINGS:
        st.caption(f"And {len(document.findings) - N_FINDINGS} more findings; the downloadable page lists them.")
    _show_set_aside(document)


def _show_set_aside(document: CheckDocument) -> None:
    rows = document.set_aside
    if rows:
        with st.expander(
            f"{counted(len(rows), 'file')} skipped or excluded, with reasons", icon=":material/inventory:"
        ):
            st.dataframe(
                {"file": [row[0] for row in rows], "why": [row[1] for row in rows]},
                hide_index=True, alt="The files that cannot be used, or were excluded, with the reason for each.",
            )  # fmt: skip
