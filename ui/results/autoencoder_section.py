"""Autoencoders of a run: the form that trains one, and what each has learned."""

from __future__ import annotations

import streamlit as st

from autotl.evidence.autoencoder_tables import RAREST, how, tables, title
from autotl.evidence.autoencoder_words import sentences_now
from autotl.evidence.panels import CORE, ShownPanel
from autotl.interfaces import Autoencoder
from autotl.runs.autoencoders import (
    RARE,
    RARE_FILE,
    SHEETS,
    AutoencoderResult,
    autoencoder_folder,
    find_autoencoders,
)
from autotl.runs.result import RunResult
from autotl_ui.results.panels import show_panels
from autotl_ui.results.run_jobs import AUTOENCODE, start_job
from autotl_ui.results.running_job import show_job
from autotl_ui.server.access import current
from autotl_ui.widgets.items import GridItem, name_of, show_items
from autotl_ui.widgets.words import plain
from autotl_ui.workspace.evidence import find_evidence
from autotl_ui.workspace.installed import loaded_plugins
from autotl_ui.workspace.runs import RunView

TIMES = {30: "30 seconds", 120: "2 minutes", 600: "10 minutes"}
_DEFAULT_METHOD, _DEFAULT_SECONDS = "vae", 120
_PIXELS = 110


def show_autoencoders(run: RunView, result: RunResult) -> None:
    """Draw what is known, and what trains an autoencoder."""
    if not show_job(AUTOENCODE, run):
        _show_form(run)
    for found in find_autoencoders(run.folder):
        with st.container(key=f"autoencoder-{found.name}"):
            _show(run, found, result.champion.trial)


def _show_form(run: RunView) -> None:
    st.markdown(
        "An autoencoder learns to encode each image into a few numbers and to decode it from these. It shows which "
        "images are rare, and makes new ones."
    )
    methods = list(loaded_plugins().all(Autoencoder))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        place = methods.index(_DEFAULT_METHOD) if _DEFAULT_METHOD in methods else 0
        method = st.selectbox("Method", methods, index=place, key="autoencoder-method", width=220)
        seconds = st.selectbox(
            "Training time", list(TIMES), index=list(TIMES).index(_DEFAULT_SECONDS), format_func=TIMES.__getitem__,
            key="autoencoder-seconds", width=220,
        )  # fmt: skip
        if st.button("Train", key="autoencoder-train", icon=":material/model_training:", disabled=not methods):
            try:
                options = ["--method", method, "--seconds", str(seconds)]
                start_job(current(), AUTOENCODE, run, options, about="an autoencoder of")
            except OSError as error:
                st.error(f"The job could not be started: {plain(str(error))}.", icon=":material/error:")
            else:
                st.rerun()


def _show(run: RunView, found: AutoencoderResult, champion: int) -> None:
    shown = tuple(table for table in tables(found) if table.title != RAREST)  # the images themselves are shown
    st.subheader(title(found), anchor=False)
    sentences = sentences_now(found, champion)
    show_panels((ShownPanel("what it has learned", CORE, shown, sentences=sentences),), run.kind)
    folder = autoencoder_folder(run.folder, found.name)
    for name, caption in SHEETS.items():
        if name != RARE and (folder / name).exists():
            st.markdown(f"**{caption}**")
            st.image(str(folder / name), alt=caption)
    _show_rare(run, found)
    st.caption(how(found))


def _show_rare(run: RunView, found: AutoencoderResult) -> None:
    """The rarest images, from their files where these are still there."""
    evidence = find_evidence(run.folder)
    if not (found.rare and evidence):
        return
    st.markdown(f"**{SHEETS[RARE]}**")
    root = evidence.run.dataset.root
    items = [
        GridItem(root / one.path, one.path, plain(one.label), name_of(root / one.path, one.path)) for one in found.rare
    ]
    show_items(items, key=f"rare-{found.name}", pixels=_PIXELS)
    table = autoencoder_folder(run.folder, found.name) / RARE_FILE
    if table.exists():
        st.download_button(
            "All images, the rarest first", table.read_bytes(), file_name=RARE_FILE, mime="text/csv",
            key=f"rare-csv-{found.name}", icon=":material/download:",
        )  # fmt: skip
