"""What became of the style transfers: the progress of one at work, and the image and its numbers."""

from __future__ import annotations

import base64
import contextlib
import html
from pathlib import Path

import streamlit as st

from autotl.runtime.wording import lower_by
from autotl_ui.jobs import jobs
from autotl_ui.style.style_jobs import StyleJob, list_jobs, look
from autotl_ui.widgets.error_boundary import live
from autotl_ui.widgets.words import duration, moment, plain
from autotl_ui.workspace.workspace import Workspace


def show(workspace: Workspace) -> None:
    """Draw the latest image, or the one that the reader selects; nothing where there is none."""
    found = {one.file.name: one for one in list_jobs(workspace)}
    if not found:
        return
    if st.session_state.get("style-image") not in found:
        st.session_state.pop("style-image", None)
    name = st.selectbox(
        "Images made here", list(found), key="style-image",
        format_func=lambda name: f"{found[name].about} ({moment(found[name].started)})",
    )  # fmt: skip
    one = found[name]
    if one.status == "running":
        live(_watch, run_every=1)(one.file)
    else:
        _show_ended(one)


def _watch(file: Path) -> None:
    """Follow an image while it gets better; then redraw the whole page."""
    one = look(file)
    if one is None or one.status != "running":
        st.rerun()
    progress = one.progress
    if progress.done:
        left = f", about {duration(progress.eta_seconds)} left" if progress.eta_seconds is not None else ""
        st.progress(min(progress.done / progress.total, 1.0), text=f"Step {progress.done} of {progress.total}{left}")
    else:
        st.progress(0.0, text="Loading the network, or waiting in the queue")
    st.button(
        "Stopping" if one.stopping else "Stop and keep the image so far", key="stop-style",
        icon=":material/stop_circle:", disabled=one.stopping, on_click=jobs.stop, args=(file,),
    )  # fmt: skip
    with contextlib.suppress(OSError):  # there is none yet
        # In the page itself: an image of Streamlit's own is gone from the server a second later.
        shown = base64.b64encode(file.read_bytes()).decode()
        st.html(f'<img src="data:image/png;base64,{shown}" alt="{html.escape(one.about)}, so far">')


def _show_ended(one: StyleJob) -> None:
    if one.status == "failed":
        st.error(f"{plain(one.problem)}", icon=":material/error:")
    elif one.status == "stopped":
        st.info("It was stopped before its last step.", icon=":material/stop_circle:")
    if not _show_image(one):
        st.caption("There is no image.")
        return
    if said := _said(one):
        st.caption(said)
    st.download_button(
        "Download the image", data=one.file.read_bytes, file_name=one.file.name, mime="image/png", key="download-style",
        type="primary", icon=":material/download:", on_click="ignore",
    )  # fmt: skip


def _show_image(one: StyleJob) -> bool:
    try:
        st.image(one.file.read_bytes(), alt=one.about)
    except OSError:
        return False
    return True


def _said(one: StyleJob) -> str:
    numbers = one.numbers
    if "style_reduction" in numbers:
        return (
            f"{plain(str(numbers['backbone']))}: compared with the content image, the style loss is "
            f"{lower_by(numbers['style_reduction'], 1)}, and the correlation with its content is "
            f"{numbers['content_correlation']:.2f}. "
            f"{numbers['steps']} steps in {duration(numbers['seconds'])}."
        )
    if "stages" in numbers:
        return (
            f"{plain(str(numbers['backbone']))}, shallow to deep: the style of each stage alone, with the content of "
            f"{plain(str(numbers['content_stage']))}. Choose stages under More choices to combine their looks."
        )
    return ""
