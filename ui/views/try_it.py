"""The page to try a model: pictures in, label and probabilities out."""

from __future__ import annotations

from typing import Any

import streamlit as st

from autotl.images import UnreadableImage, thumbnail
from autotl_ui.charts import probability_chart
from autotl_ui.deployables import open_model
from autotl_ui.pages import TRAIN
from autotl_ui.runs import RunView
from autotl_ui.words import moment, plain
from autotl_ui.workspace import current

SUFFIXES = ("jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff")
N_PICTURES = 24
THUMBNAIL_PIXELS = 320


def show() -> None:
    """Draw the page."""
    st.title("Try a model")
    runs = [run for run in current().list_runs() if run.result]
    if not runs:
        st.info("There is no finished run yet. Train a model first, then try it here.", icon=":material/inbox:")
        st.page_link(TRAIN, label="Train a model", icon=":material/model_training:")
        return
    run = _choose(runs)
    model = open_model(run.champion)
    if model is None:
        st.warning(
            "This run's model cannot be opened: its folder is damaged or gone. Choose another run, or train anew.",
            icon=":material/broken_image:",
        )
        return
    st.caption(f"It knows {len(model.classes)} classes: {plain(', '.join(model.classes))}")
    files = st.file_uploader("Pictures", SUFFIXES, accept_multiple_files=True, key="pictures")
    if not files:
        st.caption("Drop a few pictures here. The model names a class for anything, even for what it has never seen.")
        return
    if len(files) > N_PICTURES:
        st.warning(f"Only the first {N_PICTURES} are shown; for more, use `autotl predict`.")
    pictures = [file.getvalue() for file in files[:N_PICTURES]]
    for file, content, found in zip(files, pictures, model.predict(pictures), strict=False):
        _show_picture(file.name, content, found)


def _choose(runs: list[RunView]) -> RunView:
    by_name = {run.name: run for run in runs}
    names = list(by_name)
    wanted = st.query_params.get("run")
    name = st.selectbox(
        "Run", names, key="run", index=names.index(wanted) if wanted in by_name else 0,
        format_func=lambda name: f"{name} ({moment(by_name[name].started)})",
    )  # fmt: skip
    st.query_params["run"] = name
    return by_name[name]


def _show_picture(name: str, content: bytes, found: dict[str, Any]) -> None:
    with st.container(border=True):
        if "error" in found:
            st.warning(f"{plain(name)} cannot be read as a picture: {plain(found['error'])}")
            return
        picture, verdict = st.columns([1, 3], vertical_alignment="center")
        with picture:
            try:
                st.image(thumbnail(content, THUMBNAIL_PIXELS), width=160, alt=name)
            except UnreadableImage:
                st.caption("no preview")
        with verdict:
            label, probability = found["label"], found["probabilities"][found["label"]]
            st.markdown(f"**{plain(label)}** {100 * probability:.1f} %  \n:gray[{plain(name)}]")
            st.altair_chart(
                probability_chart(found["probabilities"]),
                alt=f"Probabilities of {name}: {label} {probability:.1%}",
            )


show()
