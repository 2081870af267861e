"""A whole folder through a model: what to classify, how far it is, and what came out."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from autotl_ui.jobs import jobs
from autotl_ui.server.pages import DATA
from autotl_ui.try_model.batch_jobs import Batch, Summary, list_batches, look, start_batch, summarise
from autotl_ui.widgets.charts import count_chart
from autotl_ui.widgets.clicks import once
from autotl_ui.widgets.error_boundary import live
from autotl_ui.widgets.theme import legible
from autotl_ui.widgets.words import count, duration, moment, plain
from autotl_ui.workspace.data_sets import list_data_sets
from autotl_ui.workspace.runs import RunView
from autotl_ui.workspace.workspace import Workspace

ELSEWHERE = "elsewhere"


def show(workspace: Workspace, run: RunView) -> None:
    """Draw the form, then the table that was begun last, or another one."""
    _form(workspace, run)
    batches = list_batches(workspace)
    if not batches:
        return
    by_name = {batch.file.name: batch for batch in batches}
    if st.session_state.get("batch") not in by_name:
        st.session_state.pop("batch", None)
    name = st.selectbox(
        "Tables of predictions", list(by_name), key="batch",
        format_func=lambda name: f"{by_name[name].about} ({moment(by_name[name].started)})",
    )  # fmt: skip
    batch = by_name[name]
    if batch.condition == "running":
        live(_watch, run_every=1)(batch.file)
    else:
        _show_ended(batch)


def _form(workspace: Workspace, run: RunView) -> None:
    data_sets = {one.name: one for one in list_data_sets(workspace)}
    choices = [*data_sets, *([ELSEWHERE] if workspace.whole_machine else [])]
    if not choices:
        st.caption("Add pictures first, as many as you like; then they can be classified here.")
        st.page_link(DATA, label="Add pictures", icon=":material/photo_library:")
        return
    chosen = st.selectbox(
        "What to classify", choices, key="batch-data",
        format_func=lambda name: "A folder on this machine" if name == ELSEWHERE else data_sets[name].title,
    )  # fmt: skip
    text = ""
    if chosen == ELSEWHERE:
        text = st.text_input(
            "Folder, zip or table of pictures on this machine", key="batch-path", autocomplete="off",
            placeholder="such as /home/me/new-photos",
        )  # fmt: skip
    if not st.button("Classify them", key="classify", icon=":material/table_view:"):
        return
    if chosen == ELSEWHERE:
        data = _existing(text.strip())
        if data is None:
            st.error(f"There is nothing at {plain(text.strip())}. Check the spelling, or copy the path."
                     if text.strip() else "Give the path of a folder first.")  # fmt: skip
            return
        title, options = data.name, []
    else:
        one = data_sets[str(chosen)]
        data, title, options = one.path, one.title, one.options
    try:
        file = once(
            "batch", (run.folder, data), lambda: start_batch(workspace, run, data, title=title, options=options)
        )
    except OSError as error:
        st.error(f"That could not be started: {plain(str(error))}.")
        return
    st.session_state["batch"] = file.name
    st.rerun()


def _watch(file: Path) -> None:
    """Follow a table as long as it is being written; then the whole page is drawn anew."""
    batch = look(file)
    if batch is None or batch.condition != "running":
        st.rerun()
    if batch.total:
        left = batch.seconds_left
        pace = f", {batch.rate:.0f} per second, about {duration(left)} left" if left is not None else ""
        st.progress(min(batch.done / batch.total, 1.0), text=f"{batch.done:,} of {batch.total:,} pictures{pace}")
    else:
        st.progress(0.0, text="Looking for the pictures, or waiting for its turn")
    st.button(
        "Stopping" if batch.stopping else "Stop and keep the rows so far", key="stop-batch",
        icon=":material/stop_circle:", disabled=batch.stopping, on_click=jobs.stop, args=(file,),
    )  # fmt: skip


def _show_ended(batch: Batch) -> None:
    summary = summarise(batch)
    n_rows = 0 if summary is None else int(summary.counts.sum()) + summary.n_unreadable
    if batch.condition == "stopped":
        st.info(f"This was stopped after {count(n_rows, 'picture')}.", icon=":material/stop_circle:")
    elif batch.condition == "failed":
        kept = f" The {n_rows:,} rows that were written until then are below." if n_rows else ""
        st.error(f"{plain(batch.problem)}{kept}", icon=":material/error:")
    if summary is None:
        st.caption("No row was written.")
        return
    if batch.condition == "complete":
        st.markdown(f"Done: {count(int(summary.counts.sum()), 'picture')} classified.")
    if summary.n_unreadable:
        st.warning(f"{count(summary.n_unreadable, 'file')} could not be read as a picture; the table says why.")
    st.download_button(
        "Download the table", data=batch.file.read_bytes, file_name=batch.file.name, mime="text/csv",
        key="download-batch", type="primary", icon=":material/download:", on_click="ignore",
    )  # fmt: skip
    _show_summary(summary)


def _show_summary(summary: Summary) -> None:
    counts, rows = st.columns([2, 3], gap="medium")
    with counts:
        st.altair_chart(
            legible(count_chart(summary.counts)),
            key="batch-counts",
            alt="Pictures per class: " + ", ".join(f"{name} {n}" for name, n in summary.counts.head(12).items()),
        )
    with rows:
        st.dataframe(
            summary.head, key="batch-head", hide_index=True, placeholder="",
            column_config={
                "picture": st.column_config.TextColumn("picture", width="medium"),
                "probability": st.column_config.NumberColumn("probability", format="percent"),
            },
            alt="The first rows of the table.",
        )  # fmt: skip
        item, label, *classes, error = map(plain, summary.columns)
        st.caption(
            f"The first {count(len(summary.head), 'row')}, of pictures in {plain(summary.folder)}. The file has the "
            f"columns **{item}** (the picture's whole path), **{label}**, one for each of the {len(classes)} classes "
            f"(its probability) and **{error}** (why a file could not be read)."
        )


def _existing(text: str) -> Path | None:
    """The absolute path somebody typed, None where nothing is there or it is no path at all."""
    try:
        data = Path(text).expanduser().absolute()
        return data if text and data.exists() else None
    except (OSError, ValueError, RuntimeError):  # too long a name, a NUL, the home of nobody
        return None
