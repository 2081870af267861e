"""The page that starts a search: a folder, how long, what matters most, which route."""

from __future__ import annotations

import time
from pathlib import Path

import streamlit as st

from autotl.run import default_run_folder
from autotl_ui import jobs
from autotl_ui.pages import RESULTS
from autotl_ui.words import OBJECTIVES, STRATEGIES, STRATEGY_MEANINGS, plain
from autotl_ui.workspace import current

MINUTES = (1, 3, 10, 30)


def show() -> None:
    """Draw the page."""
    st.title("Train a model")
    st.markdown(
        "Give a folder of pictures with one sub-folder per class, a zip of it, or a table of labels. AutoTL looks for "
        "the model that fits them best, tests it once on pictures it has never seen, and writes a folder you can take "
        "away."
    )
    _say_what_is_running()
    with st.form("train", border=True):
        data = st.text_input(
            "Folder, zip or table of labels on this machine",
            key="data",
            placeholder="such as /home/me/photos",
            autocomplete="off",
        )
        with st.expander("What the folder should look like", icon=":material/folder_open:"):
            st.code("photos/\n    cats/   a.jpg  b.jpg ...\n    dogs/   c.jpg  d.jpg ...", language=None)
        minutes = st.segmented_control(
            "How long", MINUTES, key="minutes", default=3, required=True, format_func=lambda m: f"{m} min"
        )
        objective = st.selectbox(
            "What matters most", list(OBJECTIVES), key="objective", format_func=OBJECTIVES.__getitem__
        )
        strategy = st.radio(
            "Route", list(STRATEGIES), key="strategy", format_func=STRATEGIES.__getitem__, captions=STRATEGY_MEANINGS
        )
        pressed = st.form_submit_button("Start", key="start", type="primary", icon=":material/play_arrow:")
    if pressed:
        _start(str(data).strip(), 60.0 * int(minutes or 0), str(objective), str(strategy))
    st.caption(
        "The search runs by itself: you may close this page and come back. Pictures and models stay on this machine."
    )


def _say_what_is_running() -> None:
    active = [run for run in current().list_runs() if run.active]
    if active:
        names = ", ".join(plain(run.name) for run in active)
        st.info(f"At work: {names}. Another search now would slow it down.", icon=":material/hourglass_top:")
        st.page_link(RESULTS, label="Watch it", icon=":material/leaderboard:", query_params={"run": active[0].name})


def _start(text: str, budget_seconds: float, objective: str, strategy: str) -> None:
    """Start the search and go to its page, or say what is wrong with the folder given."""
    if not text:
        st.warning("Give the path of a folder first: the one whose sub-folders are named after the classes.")
        return
    data = _existing(text)
    if data is None:
        st.error(f"There is nothing at {plain(text)}. Check the spelling, or copy the path from your file manager.")
        return
    folder = _free(current().runs / default_run_folder(data, time.localtime()).name)
    try:
        jobs.start(
            folder,
            ["fit", str(data), "--run", str(folder), "--budget", f"{budget_seconds:g}s", "--objective", objective,
             "--strategy", strategy],
            about=str(data), budget_seconds=budget_seconds,
        )  # fmt: skip
    except OSError as error:
        st.error(
            f"The search could not be started: {plain(str(error))}. Runs are written to "
            f"{plain(str(folder.parent))}; the environment variable AUTOTL_WORKSPACE names another folder."
        )
        return
    st.switch_page(RESULTS, query_params={"run": folder.name})


def _existing(text: str) -> Path | None:
    """The absolute path somebody typed, None where nothing is there or it is no path at all."""
    try:
        data = Path(text).expanduser().absolute()
        return data if data.exists() else None
    except (OSError, ValueError, RuntimeError):  # too long a name, a NUL, the home of nobody
        return None


def _free(folder: Path) -> Path:
    """The folder, or one with a number, so that two searches started in one second do not meet."""
    number = 2
    wanted = folder
    while folder.exists() or jobs.read(folder):
        folder = wanted.with_name(f"{wanted.name}-{number}")
        number += 1
    return folder


show()
