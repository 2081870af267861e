"""The form of the Train page: the data set, three choices in sight, and the rest behind "Advanced"."""

from __future__ import annotations

import os
from typing import Any

import streamlit as st

from autotl_ui.train.plugin_choices import installed_offers
from autotl_ui.train.start_search import Choices
from autotl_ui.widgets.words import OBJECTIVES, STRATEGIES, STRATEGY_MEANINGS, duration, score_name
from autotl_ui.workspace.data_sets import DataSet

BUDGETS = (60, 180, 600, 1800, 7200)
"""Seconds."""


def show_form(data_sets: list[DataSet], *, chosen: str | None) -> Choices | None:
    """Draw the form; returns what was chosen at the moment when start is pressed. chosen: a data set's name."""
    offers = installed_offers()
    by_name = {one.name: one for one in data_sets}
    names = list(by_name)
    with st.form("train", border=True):
        name = st.selectbox(
            "Data set", names, key="data-set", index=names.index(chosen) if chosen in by_name else 0,
            format_func=lambda name: by_name[name].title,
        )  # fmt: skip
        seconds = st.segmented_control(
            "How long", BUDGETS, key="seconds", default=180, required=True, format_func=duration
        )
        objective = st.selectbox(
            "What matters most", offers.objectives, key="objective",
            format_func=lambda name: OBJECTIVES.get(name, score_name(name)),
        )  # fmt: skip
        strategy = st.radio(
            "Route", list(STRATEGIES), key="strategy", format_func=STRATEGIES.__getitem__, captions=STRATEGY_MEANINGS
        )
        with st.expander("Advanced", icon=":material/tune:"):
            advanced = _advanced()
        pressed = st.form_submit_button("Start", key="start", type="primary", icon=":material/play_arrow:")
    if not pressed:
        return None
    return Choices(by_name[str(name)], float(seconds or 180), str(objective), str(strategy), **advanced)


def _advanced() -> dict[str, Any]:
    """What most people never need."""
    offers = installed_offers()
    here = set(offers.backbones[: offers.embedded])
    backbones = st.multiselect(
        "Networks (backbones)", offers.backbones, key="backbones", placeholder="All that came with the installation",
        format_func=lambda name: name if name in here else f"{name} (fetches its weights)",
        help="Those that fetch their weights need a connection to the internet the first time.",
    )  # fmt: skip
    heads = st.multiselect(
        "Classifiers (heads)", offers.heads, key="heads", placeholder="All that are worth trying",
        help="The small classifier on top of the network. Those of plugins appear here by themselves.",
    )  # fmt: skip
    left, right = st.columns(2)
    trials = left.number_input(
        "Trials at most", min_value=1, max_value=10_000, value=None, key="trials", placeholder="No limit"
    )
    workers = right.number_input(
        "Processes", min_value=1, max_value=os.cpu_count() or 1, value=1, key="workers",
        help="So many search side by side. With more than one, the same seed may give other trials.",
    )  # fmt: skip
    seed = left.number_input(
        "Seed", min_value=0, max_value=2**31 - 1, value=0, key="seed", help="The same seed gives the same trials."
    )
    register = right.text_input(
        "Register the model as", key="register", placeholder="Not registered", max_chars=100, autocomplete="off",
        help="A name in the model registry; see the Models page.",
    )  # fmt: skip
    groups = st.text_input(
        "Pictures that belong together", key="groups", placeholder="Such as (patient\\d+)", max_chars=500,
        autocomplete="off",
        help="Pictures of one patient, place or film belong on one side of every split, or the scores flatter. Name a "
        "column of the table of labels, or exif:FIELD such as exif:BodySerialNumber, or give a regular expression "
        "with one pair of brackets around the part of the file's path that names the group.",
    )  # fmt: skip
    mirrored = st.toggle("Mirror images count as near-duplicates", key="mirrored")
    return {
        "backbones": tuple(backbones), "heads": tuple(heads), "trials": int(trials) if trials else None,
        "workers": int(workers), "seed": int(seed), "register": register.strip(), "groups": groups.strip(),
        "mirrored": mirrored,
    }  # fmt: skip
