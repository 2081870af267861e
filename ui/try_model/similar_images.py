"""The training images most similar to a new one, and the job that makes the index for them."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from autotl.deploy.similar_images import Neighbour, has_index, nearest
from autotl_ui.jobs import jobs
from autotl_ui.server.access import current
from autotl_ui.try_model.image_prediction import risk_of
from autotl_ui.widgets.error_boundary import live
from autotl_ui.widgets.items import GridItem, show_items
from autotl_ui.widgets.words import plain
from autotl_ui.workspace.runs import RunView

PIXELS = 96
N_SIMILAR = 6
_INDEX = Path("evidence") / "neighbours.npz"


def show(run: RunView, content: bytes, *, key: str) -> None:
    """Draw the most similar training images; nothing where the run has no index yet."""
    found = find_similar(run, content)
    if not found:
        return
    st.caption("The most similar training images. A similarity of 1 means that the network cannot tell them apart.")
    if found[0].is_same_image:
        st.caption(":material/info: This is a training image, so the prediction says nothing about new images.")
    show_items(
        [GridItem(Path(one.file), one.path, one.label, f"similarity {one.similarity:.2f}") for one in found],
        key=f"similar-{key}", pixels=PIXELS,
    )  # fmt: skip


def offer(run: RunView) -> None:
    """Offer to make the index where there is none."""
    if _has_index(run):
        return
    job = jobs.read(run.folder / _INDEX)
    if job and job.alive:
        live(_wait, run_every=1)(run)
        return
    if job and (problem := jobs.last_words(run.folder / _INDEX)):
        st.warning(f"The training images could not be read: {plain(problem)}", icon=":material/info:")
    pressed = st.button(
        "Show similar training images", key="compare", icon=":material/compare:",
        help="Reads the training images once, which takes about a minute.",
    )  # fmt: skip
    if pressed:
        try:
            start_index(run)
        except OSError as error:
            st.error(f"The job could not be started: {plain(str(error))}.")
        else:
            st.rerun()


def start_index(run: RunView) -> None:
    """Start the job that reads the training images once; OSError if it cannot start."""
    owner, about = current().job_owner, f"training images of {run.name}"
    jobs.start(run.folder / _INDEX, ["index", str(run.folder)], owner=owner, about=about)


def find_similar(run: RunView, content: bytes) -> list[Neighbour]:
    """The training images most similar to an image file, as the model sees them; empty where the run has no index."""
    try:
        return [] if risk_of(content) else _nearest(str(run.folder), (run.folder / _INDEX).stat().st_mtime_ns, content)
    except Exception:  # a damaged index, a network without features: the prediction itself is still shown
        return []


def _has_index(run: RunView) -> bool:
    try:
        return has_index(run.folder)
    except Exception:  # as above
        return False


def _wait(run: RunView) -> None:
    """Wait for the index; then redraw the whole page."""
    job = jobs.read(run.folder / _INDEX)
    if not (job and job.alive):
        st.rerun()
    st.info("The training images are being read, once for this model.", icon=":material/hourglass_top:")


@st.cache_data(max_entries=256, ttl=3600, show_spinner=False)
def _nearest(folder: str, written: int, content: bytes) -> list[Neighbour]:  # noqa: ARG001, part of the cache's key
    found = nearest(Path(folder), [content], k=N_SIMILAR)
    return found[0] if found else []
