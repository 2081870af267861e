"""The Try page: classify single images or a whole folder with the model of a run."""

from __future__ import annotations

import hashlib
from pathlib import Path

import streamlit as st

from autotl.deploy.model_facts import unsure_below
from autotl_ui.server.access import current
from autotl_ui.server.pages import TRAIN
from autotl_ui.try_model import batch_section, similar_images
from autotl_ui.try_model.doubts import doubting_lines, label_line
from autotl_ui.try_model.image_prediction import ImagePrediction, predict_image, preview
from autotl_ui.try_model.model_facts import list_facts, read_card
from autotl_ui.widgets.charts import probability_chart
from autotl_ui.widgets.study import choose_run, wanted_run
from autotl_ui.widgets.theme import legible
from autotl_ui.widgets.words import moment, plain
from autotl_ui.workspace.deployables import open_model
from autotl_ui.workspace.runs import RunView
from autotl_ui.workspace.workspace import Workspace

SUFFIXES = ("jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff", "avif", "heic", "heif")
N_IMAGES = 24
THUMBNAIL_PIXELS = 320


def show() -> None:
    """Draw the page."""
    st.title("Try a model")
    workspace = current()
    runs = workspace.list_runs()
    wanted = wanted_run(workspace, runs, usable=lambda run: run.result)
    offered = {run.name: f"{run.name} ({moment(run.started)})" for run in runs if run.result}
    if not offered:
        st.info("There are no finished runs yet. Train a model first, then try it here.", icon=":material/inbox:")
        st.page_link(TRAIN, label="Train a model", icon=":material/model_training:")
        return
    choose_run(offered, wanted, key="run")
    if wanted:
        _show_model(workspace, wanted)


def _show_model(workspace: Workspace, run: RunView) -> None:
    model = open_model(run.champion)
    if model is None:
        st.warning(
            "The model of this run cannot be opened, because its folder is damaged or gone. Choose another run.",
            icon=":material/broken_image:",
        )
        return
    st.caption(f"The model knows {len(model.classes)} classes: {plain(', '.join(model.classes))}")
    images = _images()
    doubting = bool(model.doubts) and st.toggle(
        "Let the model say that it does not know", value=True, key="doubts",
        help="It says so if its confidence is below the threshold calibrated for this model, if several classes are "
        "plausible, or if the image is unlike all training images. The Results page shows how reliable this is.",
    )  # fmt: skip
    for number, (name, content) in enumerate(images):
        _show_image(run, number, name, content, doubting=doubting)
    if images:
        similar_images.offer(run)
    elif doubting:
        st.caption("Drop a few images here, including some that show something else.")
    else:
        st.caption(
            "Drop a few images here. The model always names one of its classes, even for something it never saw."
        )
    st.subheader("A whole folder", anchor=False)
    batch_section.show(workspace, run)
    st.subheader("About this model", anchor=False)
    _show_facts(run.champion)


def _images() -> list[tuple[str, bytes]]:
    """Name and content of what was dropped and what the camera took."""
    files = st.file_uploader("Images", SUFFIXES, accept_multiple_files=True, key="images")
    # The browser asks for permission as soon as the camera is drawn, so it is drawn only on demand.
    photo = st.camera_input("Camera", key="photo") if st.toggle("Use the camera", key="camera") else None
    if len(files) > N_IMAGES:
        st.warning(f"Only the first {N_IMAGES} are shown. For more, put them into a folder and classify it below.")
    found = [(file.name, file.getvalue()) for file in files[:N_IMAGES]]
    return [("From the camera", photo.getvalue()), *found] if photo else found


def _show_image(run: RunView, number: int, name: str, content: bytes, *, doubting: bool) -> None:
    prediction = predict_image(run.champion, content)
    with st.container(border=True):
        if prediction.error:
            st.warning(f"{plain(name)} cannot be read as an image: {plain(prediction.error)}")
            return
        image, verdict = st.columns([1, 3], vertical_alignment="center")
        with image:
            small = preview(content, THUMBNAIL_PIXELS)
            if small:
                st.image(small, width=160, alt=name)
            else:
                st.caption("no preview")
        with verdict:
            says = doubting_lines(prediction) if doubting else [label_line(prediction, unsure_below(run.champion))]
            _show_prediction(prediction, name, number, says)
        similar_images.show(run, content, key=f"{number}-{hashlib.sha256(content).hexdigest()[:8]}")


def _show_prediction(prediction: ImagePrediction, name: str, number: int, says: list[str]) -> None:
    label, probability = prediction.label, prediction.probability
    st.markdown("  \n".join([*says, f":gray[{plain(name)}]"]))
    st.altair_chart(
        legible(probability_chart(prediction.probabilities)),
        key=f"probabilities-{number}",
        alt=f"Probabilities of {name}: {label} {100 * probability:.1f} %",
    )


def _show_facts(champion: Path) -> None:
    card, facts = read_card(champion), list_facts(champion)
    if card:
        with st.expander("Model card", icon=":material/description:"):
            st.markdown(card)
    if facts:
        with st.expander("Metadata", icon=":material/list:"):
            rows = [f"| {plain(name)} | {plain(' '.join(text.split()))} |" for name, text in facts]
            st.markdown("\n".join(["| fact | value |", "|:--|:--|", *rows]))


show()
