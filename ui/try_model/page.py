"""The page to try a model: pictures in, label and probabilities out."""

from __future__ import annotations

import hashlib
from pathlib import Path

import streamlit as st

from autotl_ui.server.access import current
from autotl_ui.server.pages import TRAIN
from autotl_ui.try_model import batch_section, image_prediction, similar_images
from autotl_ui.try_model.model_facts import read_card, read_facts, unsure_below
from autotl_ui.widgets.charts import probability_chart
from autotl_ui.widgets.theme import legible
from autotl_ui.widgets.words import moment, plain
from autotl_ui.workspace.deployables import open_model
from autotl_ui.workspace.runs import RunView

SUFFIXES = ("jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff", "avif", "heic", "heif")
N_IMAGES = 24
THUMBNAIL_PIXELS = 320


def show() -> None:
    """Draw the page."""
    st.title("Try a model")
    workspace = current()
    runs = [run for run in workspace.list_runs() if run.result]
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
    pictures = _pictures()
    for number, (name, content) in enumerate(pictures):
        _show_picture(run, number, name, content)
    if pictures:
        similar_images.offer(run)
    else:
        st.caption("Drop a few pictures here. The model names a class for anything, even for what it has never seen.")
    st.subheader("A whole folder", anchor=False)
    batch_section.show(workspace, run)
    st.subheader("About this model", anchor=False)
    _show_facts(run.champion)


def _choose(runs: list[RunView]) -> RunView:
    by_name = {run.name: run for run in runs}
    names = list(by_name)
    if st.session_state.get("run") not in by_name:
        st.session_state.pop("run", None)
    wanted = st.query_params.get("run")
    name = st.selectbox(
        "Run", names, key="run", index=names.index(wanted) if wanted in by_name else 0,
        format_func=lambda name: f"{name} ({moment(by_name[name].started)})",
    )  # fmt: skip
    st.query_params["run"] = name
    return by_name[name]


def _pictures() -> list[tuple[str, bytes]]:
    """What was dropped and what the camera took, by name."""
    files = st.file_uploader("Pictures", SUFFIXES, accept_multiple_files=True, key="pictures")
    # The browser asks for permission as soon as the camera is drawn, so that it must be wanted first.
    taken = st.camera_input("Camera", key="photo") if st.toggle("Use the camera", key="camera") else None
    if len(files) > N_IMAGES:
        st.warning(f"Only the first {N_IMAGES} are shown. For more, put them into a folder and classify that, below.")
    found = [(file.name, file.getvalue()) for file in files[:N_IMAGES]]
    return [("From the camera", taken.getvalue()), *found] if taken else found


def _show_picture(run: RunView, number: int, name: str, content: bytes) -> None:
    found = image_prediction.answer(run.champion, content)
    with st.container(border=True):
        if "error" in found:
            st.warning(f"{plain(name)} cannot be read as a picture: {plain(found['error'])}")
            return
        picture, verdict = st.columns([1, 3], vertical_alignment="center")
        with picture:
            small = image_prediction.preview(content, THUMBNAIL_PIXELS)
            if small:
                st.image(small, width=160, alt=name)
            else:
                st.caption("no preview")
        with verdict:
            label, probability = found["label"], found["probabilities"][found["label"]]
            unsure = ", **unsure**: it may be another class, or none that the model knows"
            said = unsure if probability < unsure_below(run.champion) else ""
            st.markdown(f"**{plain(label)}** {100 * probability:.1f} %{said}  \n:gray[{plain(name)}]")
            st.altair_chart(
                legible(probability_chart(found["probabilities"])),
                key=f"probabilities-{number}",
                alt=f"Probabilities of {name}: {label} {probability:.1%}",
            )
        similar_images.show(run, content, key=f"{number}-{hashlib.sha256(content).hexdigest()[:8]}")


def _show_facts(champion: Path) -> None:
    card, facts = read_card(champion), read_facts(champion)
    if card:
        with st.expander("Model card", icon=":material/description:"):
            st.markdown(card)
    if facts:
        with st.expander("Everything it says of itself", icon=":material/list:"):
            rows = [f"| {plain(name)} | {plain(' '.join(text.split()))} |" for name, text in facts]
            st.markdown("\n".join(["| fact | value |", "|:--|:--|", *rows]))


show()
