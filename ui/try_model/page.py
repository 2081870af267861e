"""The Try page: classify single items or a whole folder with the model of a run."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from autotl.data.item_kinds import IMAGES, KINDS, ItemKind
from autotl.deploy.model_facts import unsure_below
from autotl_ui.server.access import current
from autotl_ui.server.pages import TRAIN
from autotl_ui.try_model import batch_section, similar_images
from autotl_ui.try_model.clips_to_try import ask_for_clips
from autotl_ui.try_model.doubts import doubting_lines, label_line
from autotl_ui.try_model.images_to_try import ask_for_images
from autotl_ui.try_model.item_prediction import ItemPrediction, Predictions
from autotl_ui.try_model.model_facts import list_facts, read_card
from autotl_ui.try_model.pairs_to_try import ask_for_pairs
from autotl_ui.try_model.texts_to_try import ask_for_texts
from autotl_ui.try_model.tried_item import TriedItem
from autotl_ui.widgets.charts import probability_chart
from autotl_ui.widgets.study import choose_run, turn_to_run, wanted_run
from autotl_ui.widgets.theme import legible
from autotl_ui.widgets.words import moment, plain, worded
from autotl_ui.workspace.deployables import OpenModel, answers_of, has_doubts, open_model
from autotl_ui.workspace.runs import RunView, has_model, title_of
from autotl_ui.workspace.workspace import Workspace

_ASK = {"image": ask_for_images, "text": ask_for_texts, "pair": ask_for_pairs, "clip": ask_for_clips}
_WIDTHS = {"image": (1, 3), "text": (1, 1), "pair": (1, 1), "clip": (1, 3)}
TARGETS_IN_A_ROW = 2
_ALWAYS = "The model always names one of its classes, even for something it never saw."
_INVITATIONS = {
    ("image", True): "Drop a few images here, including some that show something else.",
    ("image", False): f"Drop a few images here. {_ALWAYS}",
    ("text", True): "Try a few texts, including some about something else.",
    ("text", False): f"Try a few texts. {_ALWAYS}",
    ("pair", True): "Try a few images with their texts, including some of something else.",
    ("pair", False): f"Try a few images with their texts. {_ALWAYS}",
    ("clip", True): "Drop a few clips here, including some that show something else.",
    ("clip", False): f"Drop a few clips here. {_ALWAYS}",
}


def show() -> None:
    """Draw the page."""
    st.title("Try a model")
    workspace = current()
    runs = workspace.list_runs()
    wanted = wanted_run(workspace, runs, usable=has_model)
    offered = {run.name: f"{title_of(run)} ({moment(run.started)})" for run in runs if has_model(run)}
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
    _say_classes(model)
    items = _ASK[kind.name]()
    doubting = has_doubts(model) and st.toggle(
        "Let the model say that it does not know", value=True, key="doubts",
        help="It says so if its confidence is below the threshold calibrated for this model, if several classes are "
        f"plausible, or if the {kind.name} is unlike all training {kind.plural}. The Results page shows how reliable "
        "this is.",
    )  # fmt: skip
    for number, item in enumerate(items):
        _show_item(run, kind, number, item, doubting=doubting)
    if items and run.targets:
        _offer_targets(run, kind)
    elif items and kind is IMAGES:
        similar_images.offer(run)
    elif not items:
        st.caption(_INVITATIONS[kind.name, doubting])
    st.subheader("A whole folder" if kind is IMAGES else "A whole folder or table", anchor=False)
    batch_section.show(workspace, run, kind)
    st.subheader("About this model", anchor=False)
    _show_facts(run.champion)


def _say_classes(model: OpenModel) -> None:
    for name, answers in answers_of(model).items():
        who = f"Of {plain(name)} the model" if name else "The model"
        what = "labels" if answers.kind == "labels" else "classes"
        if answers.classes:
            st.caption(f"{who} knows {len(answers.classes)} {what}: {plain(', '.join(answers.classes))}")
        elif name:
            st.caption(f"{who} says a number.")


def _offer_targets(study: RunView, kind: ItemKind) -> None:
    """Say what is about one target only, and where it is."""
    reasons = "The training images that are similar" if kind is IMAGES else "The words that speak for an answer"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{reasons} can be shown for one target at a time:", width="content")
        for run in study.targets:
            if run.result:
                # A link to this page would look like the current page.
                st.button(
                    plain(run.label or run.folder.name), key=f"try-{run.name}", icon=":material/arrow_forward:",
                    on_click=turn_to_run, args=(run.name,),
                )  # fmt: skip


def _show_item(run: RunView, kind: ItemKind, number: int, item: TriedItem, *, doubting: bool) -> None:
    predictions = item.predict(run)
    error = next((one.error for one in predictions.values() if one.error), "")
    with st.container(border=True):
        if error:
            st.warning(worded(f"{plain(item.name)} cannot be read as an image: {plain(error)}", kind))
            return
        shown, verdict = st.columns(_WIDTHS[kind.name], vertical_alignment="center" if kind is IMAGES else "top")
        with shown:
            item.show()
        with verdict:
            _show_predictions(run, predictions, item.name, number, doubting=doubting)
        item.show_reasons(run, f"{number}-{item.key}")


def _show_predictions(run: RunView, predictions: Predictions, name: str, number: int, *, doubting: bool) -> None:
    """What the model says of an item: of its target, or of each of several, side by side."""

    def says(target: str, prediction: ItemPrediction) -> list[str]:
        if doubting:
            return doubting_lines(prediction)
        return [label_line(prediction, unsure_below(run.champion, target))]

    if "" in predictions:
        lines = [*says("", predictions[""]), f":gray[{plain(name)}]"]
        _show_prediction(predictions[""], name, f"{number}", lines)
        return
    st.markdown(f":gray[{plain(name)}]")
    targets = list(predictions.items())
    for start in range(0, len(targets), TARGETS_IN_A_ROW):
        beside = targets[start : start + TARGETS_IN_A_ROW]
        for column, (target, prediction) in zip(st.columns(TARGETS_IN_A_ROW), beside, strict=False):
            with column:
                lines = [f":gray[{plain(target)}:]", *says(target, prediction)]
                _show_prediction(prediction, f"{target} of {name}", f"{number}-{target}", lines)


def _show_prediction(prediction: ItemPrediction, name: str, key: str, lines: list[str]) -> None:
    st.markdown("  \n".join(lines))
    if not prediction.probabilities:
        return
    said = ", ".join(prediction.labels) if prediction.labels is not None else prediction.label
    share = f" {100 * prediction.probability:.1f} %" if prediction.label else ""
    st.altair_chart(
        legible(probability_chart(prediction.probabilities)),
        key=f"probabilities-{key}",
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
