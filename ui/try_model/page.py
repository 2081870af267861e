"""The Try page: classify single items or a whole folder with the model of a run."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from autotl.data.item_kinds import IMAGES, KINDS, ItemKind
from autotl.deploy.model_facts import unsure_below
from autotl_ui.server.access import current
from autotl_ui.server.pages import TRAIN
from autotl_ui.try_model import batch_section, similar_images
from autotl_ui.try_model.doubts import doubting_lines, label_line
from autotl_ui.try_model.images_to_try import ask_for_images
from autotl_ui.try_model.item_prediction import ItemPrediction
from autotl_ui.try_model.model_facts import list_facts, read_card
from autotl_ui.try_model.texts_to_try import ask_for_texts
from autotl_ui.try_model.tried_item import TriedItem
from autotl_ui.widgets.charts import probability_chart
from autotl_ui.widgets.study import choose_run, wanted_run
from autotl_ui.widgets.theme import legible
from autotl_ui.widgets.words import moment, plain, worded
from autotl_ui.workspace.deployables import open_model
from autotl_ui.workspace.runs import RunView
from autotl_ui.workspace.workspace import Workspace

_ASK = {"image": ask_for_images, "text": ask_for_texts}
_WIDTHS = {"image": (1, 3), "text": (1, 1)}
_ALWAYS = "The model always names one of its classes, even for something it never saw."
_INVITATIONS = {
    ("image", True): "Drop a few images here, including some that show something else.",
    ("image", False): f"Drop a few images here. {_ALWAYS}",
    ("text", True): "Try a few texts, including some about something else.",
    ("text", False): f"Try a few texts. {_ALWAYS}",
}


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
    kind = KINDS[model.reader.item]
    if model.classes:
        what = "labels" if model.answers.kind == "labels" else "classes"
        st.caption(f"The model knows {len(model.classes)} {what}: {plain(', '.join(model.classes))}")
    items = _ASK[kind.name]()
    doubting = bool(model.doubts) and st.toggle(
        "Let the model say that it does not know", value=True, key="doubts",
        help="It says so if its confidence is below the threshold calibrated for this model, if several classes are "
        f"plausible, or if the {kind.name} is unlike all training {kind.plural}. The Results page shows how reliable "
        "this is.",
    )  # fmt: skip
    for number, item in enumerate(items):
        _show_item(run, kind, number, item, doubting=doubting)
    if items and kind is IMAGES:
        similar_images.offer(run)
    elif not items:
        st.caption(_INVITATIONS[kind.name, doubting])
    st.subheader("A whole folder" if kind is IMAGES else "A whole folder or table", anchor=False)
    batch_section.show(workspace, run, kind)
    st.subheader("About this model", anchor=False)
    _show_facts(run.champion)


def _show_item(run: RunView, kind: ItemKind, number: int, item: TriedItem, *, doubting: bool) -> None:
    prediction = item.predict(run)
    with st.container(border=True):
        if prediction.error:
            st.warning(worded(f"{plain(item.name)} cannot be read as an image: {plain(prediction.error)}", kind))
            return
        shown, verdict = st.columns(_WIDTHS[kind.name], vertical_alignment="center" if kind is IMAGES else "top")
        with shown:
            item.show()
        with verdict:
            says = doubting_lines(prediction) if doubting else [label_line(prediction, unsure_below(run.champion))]
            _show_prediction(prediction, item.name, number, says)
        item.show_reasons(run, f"{number}-{item.key}")


def _show_prediction(prediction: ItemPrediction, name: str, number: int, says: list[str]) -> None:
    st.markdown("  \n".join([*says, f":gray[{plain(name)}]"]))
    if not prediction.probabilities:
        return
    said = ", ".join(prediction.labels) if prediction.labels is not None else prediction.label
    share = f" {100 * prediction.probability:.1f} %" if prediction.label else ""
    st.altair_chart(
        legible(probability_chart(prediction.probabilities)),
        key=f"probabilities-{number}",
        alt=f"Probabilities of {name}: {said}{share}",
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
