"""The form of the Train page: three main choices, and the rest under "Advanced"."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from autotl.data.dataset import MIN_IMAGES_PER_CLASS
from autotl.data.item_kinds import IMAGES, ItemKind
from autotl.interfaces import NOT_COMMERCIAL
from autotl_ui.server.access import current
from autotl_ui.train.network_file import NetworkFileError, SentFile, ask_for_path, ask_for_upload, keep_upload
from autotl_ui.train.plugin_choices import installed_choices
from autotl_ui.train.start_search import SearchRequest
from autotl_ui.widgets.study import GROUPS_ANSWER
from autotl_ui.widgets.words import OBJECTIVES, STRATEGIES, STRATEGY_MEANINGS, duration, plain, score_name, worded
from autotl_ui.workspace.data_sets import DataSet

LEAVE_OUT = "leave-out"
_TOGETHER = {
    "image": "Images of one patient, place or film must stay on one side of every split, or the scores are too "
    "optimistic. Enter a column of the table of labels, exif:FIELD such as exif:BodySerialNumber,",
    "text": "Texts of one author, thread or source must stay on one side of every split, or the scores are too "
    "optimistic. Enter a column of the table,",
    "clip": "Clips of one person, place or film must stay on one side of every split, or the scores are too "
    "optimistic. Enter a column of the table of labels,",
    "pair": "Pairs of one person, place or source must stay on one side of every split, or the scores are too "
    "optimistic. Enter a column of the table,",
}
BUDGETS = (60, 180, 600, 1800, 7200)
"""Seconds."""


@dataclass(frozen=True)
class _Advanced:
    """The values of the options that most people do not need.

    network: the path of a network, or the files of one that was uploaded.
    """

    backbones: tuple[str, ...]
    crops: tuple[str, ...]
    network: str | tuple[SentFile, ...]
    heads: tuple[str, ...]
    trials: int | None
    workers: int
    seed: int
    register: str
    groups: str
    mirrored: bool
    leave_out: bool


def show_form(
    data_set: DataSet, kind: ItemKind, labels: tuple[str, ...], *, refused: bool, leave_out: bool | None
) -> SearchRequest | None:  # fmt: skip
    """Draw the form for a search on a dataset; returns the request when Start is pressed.

    kind: of the items. labels: the columns to learn, none for the one that is recognised.
    refused: whether the data cannot be trained on, which the page says above. leave_out: whether
    classes with too few images are left out, None if the form is to ask.
    """
    offered = installed_choices(kind.name, data_set.target)
    with st.form("train", border=True):
        seconds = st.segmented_control(
            "How long", BUDGETS, key="seconds", default=180, required=True, format_func=duration
        )
        objective = st.selectbox(
            "What matters most", offered.objectives, key="objective",
            format_func=lambda name: worded(OBJECTIVES.get(name, score_name(name)), kind),
        )  # fmt: skip
        strategy = _choose_route(kind)
        with st.expander("Advanced", icon=":material/tune:"):
            advanced = _advanced(data_set, kind, leave_out)
        pressed = st.form_submit_button(
            "These data cannot be trained on" if refused else "Start", key="start", type="primary",
            icon=":material/play_arrow:", disabled=refused,
        )  # fmt: skip
    if not pressed:
        return None
    chosen = dict(vars(advanced))
    network = chosen.pop("network")
    try:
        path = network if isinstance(network, str) else keep_upload(network, current())
    except (NetworkFileError, OSError) as error:
        st.error(f"The network cannot be used: {plain(str(error))}")
        return None
    if path:
        chosen["backbones"] = (*advanced.backbones, path)
    return SearchRequest(
        data_set, float(seconds or 180), str(objective or ""), strategy, labels=labels, **chosen
    )  # fmt: skip


def _choose_route(kind: ItemKind) -> str:
    if kind is not IMAGES:
        st.caption(f"Networks that read {kind.plural} are used as they are: only networks of images can be fine-tuned.")
        return "auto"
    return str(st.radio(
        "Route", list(STRATEGIES), key="strategy", format_func=STRATEGIES.__getitem__, captions=STRATEGY_MEANINGS
    ))  # fmt: skip


def _about(remarks: Mapping[str, str]) -> str:
    """What to know of networks that are not the default."""
    text = "Backbones that download their weights need an internet connection the first time."
    if restricted := [name for name, remark in remarks.items() if NOT_COMMERCIAL in remark]:
        text += f" The licences of {', '.join(restricted)} forbid commercial use, so they take part only if chosen."
    return text


def _choose_crops(offered: Mapping[str, str]) -> tuple[str, ...]:
    """The crops to compare with whole images."""
    if not offered:
        return ()
    return tuple(st.multiselect(
        "Parts of images (crops)", list(offered), key="crops", placeholder="Whole images only",
        format_func=lambda name: f"{name} ({offered[name]})" if offered[name] else name,
        help="The search compares whole images with the part that is found in each, and keeps what is better.",
    ))  # fmt: skip


def _advanced(data_set: DataSet, kind: ItemKind, leave_out: bool | None) -> _Advanced:
    offered = installed_choices(kind.name, data_set.target)
    remarks = offered.backbones
    backbones = st.multiselect(
        "Networks (backbones)", list(remarks), key="backbones", placeholder="All that are installed",
        format_func=lambda name: f"{name} ({remarks[name]})" if remarks[name] else name, help=_about(remarks),
    )  # fmt: skip
    crops = _choose_crops(offered.crops)
    own = ask_for_path() if current().whole_machine else ask_for_upload()
    heads = st.multiselect(
        "Classifiers (heads)", offered.heads, key="heads", placeholder="The default selection",
        help="The classifier on top of the network. Heads of installed plugins are listed here too.",
    )  # fmt: skip
    left, right = st.columns(2)
    trials = left.number_input(
        "Maximum number of trials", min_value=1, max_value=10_000, value=None, key="trials", placeholder="No limit"
    )
    workers = right.number_input(
        "Worker processes", min_value=0, max_value=os.cpu_count() or 1, value=1, key="workers",
        help="How many processes search in parallel; 0: as many as suit this machine. With more than one, the same "
        "seed may give other trials.",
    )  # fmt: skip
    seed = left.number_input(
        "Seed", min_value=0, max_value=2**31 - 1, value=0, key="seed", help="The same seed gives the same trials."
    )
    register = right.text_input(
        "Register the model as", key="register", placeholder="Not registered", max_chars=100, autocomplete="off",
        help="A name in the model registry. See the Models page.",
    )  # fmt: skip
    # What was answered on the Data page, until something else is written here.
    if answer := st.session_state.get(f"{GROUPS_ANSWER}{data_set.name}"):
        st.session_state.setdefault("groups", answer)
    groups = st.text_input(
        worded("Images that belong together", kind), key="groups", placeholder="Such as (patient\\d+)", max_chars=500,
        autocomplete="off",
        help=f"{_TOGETHER[kind.name]} or a regular expression whose one pair of brackets encloses the part of the path "
        "that names the group. Empty: groups that are found and that matter are kept together; none: they are mixed.",
    )  # fmt: skip
    mirrored = kind is IMAGES and st.toggle("Treat mirror images as near-duplicates", key="mirrored")
    if leave_out is None:
        leave_out = st.toggle(
            worded(f"Leave out classes with fewer than {MIN_IMAGES_PER_CLASS} usable images", kind), key=LEAVE_OUT,
            help=worded("Some files may turn out not to be images, or to be copies.", kind)
            + " Without this, a class that is left with too few ends the search.",
        )  # fmt: skip
    return _Advanced(
        backbones=tuple(backbones), crops=crops, network=own if isinstance(own, str) else tuple(own),
        heads=tuple(heads), trials=int(trials) if trials else None, workers=int(workers), seed=int(seed),
        register=register.strip(), groups=groups.strip(), mirrored=mirrored, leave_out=leave_out,
    )  # fmt: skip
