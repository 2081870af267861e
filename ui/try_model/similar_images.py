"""The training pictures that a new one is like, below what the model says of it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from autotl_ui.try_model import image_prediction
from autotl_ui.widgets.error_boundary import live
from autotl_ui.widgets.images import GridImage, show_images
from autotl_ui.widgets.words import plain
from autotl_ui.workspace.runs import RunView

PIXELS = 96
SAME = 0.995
"""Shown as 1.00; of the very same picture it is a little less than 1, for the index is kept in half precision."""


def show(run: RunView, content: bytes, *, key: str) -> None:
    """Draw them; nothing where the run has no index yet."""
    found = image_prediction.like(run, content)
    if not found:
        return
    st.caption(
        "The training pictures that it is most like. A similarity of 1 means the same, as far as the network sees."
    )
    if found[0].similarity >= SAME:
        st.caption(":material/info: It is a training picture itself, so the answer tells nothing about new ones.")
    show_images(
        [GridImage(Path(one.file), one.path, one.label, f"similarity {one.similarity:.2f}") for one in found],
        key=f"like-{key}", pixels=PIXELS,
    )  # fmt: skip


def offer(run: RunView) -> None:
    """Offer to make the index where there is none."""
    if image_prediction.can_compare(run):
        return
    job = image_prediction.index_job(run)
    if job and job.alive:
        live(_wait, run_every=1)(run)
        return
    if job and (problem := image_prediction.index_problem(run)):
        st.warning(f"The training pictures could not be read: {plain(problem)}", icon=":material/info:")
    pressed = st.button(
        "Show which training pictures they are like", key="compare", icon=":material/compare:",
        help="Reads the training pictures once, which takes a minute or so.",
    )  # fmt: skip
    if pressed:
        try:
            image_prediction.start_index(run)
        except OSError as error:
            st.error(f"That could not be started: {plain(str(error))}.")
        else:
            st.rerun()


def _wait(run: RunView) -> None:
    """Wait for the index; then the whole page is drawn anew."""
    job = image_prediction.index_job(run)
    if not (job and job.alive):
        st.rerun()
    st.info("The training pictures are being read, once for this model.", icon=":material/hourglass_top:")
