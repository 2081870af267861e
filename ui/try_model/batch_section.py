"""Classifying a whole folder: the form, the progress of the job, and the table it writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from autotl.data.item_kinds import TEXTS, ItemKind
from autotl.deploy.prediction_summary import PredictionSummary
from autotl_ui.jobs import jobs
from autotl_ui.server.pages import DATA
from autotl_ui.try_model.batch_jobs import Batch, list_batches, look, start_batch, summarise
from autotl_ui.try_model.uploaded_table import ask_for_table, keep_table
from autotl_ui.widgets.charts import count_chart
from autotl_ui.widgets.clicks import once
from autotl_ui.widgets.error_boundary import live
from autotl_ui.widgets.theme import legible
from autotl_ui.widgets.words import counted, duration, moment, plain, worded
from autotl_ui.workspace.data_sets import list_data_sets
from autotl_ui.workspace.runs import RunView
from autotl_ui.workspace.workspace import Workspace

ELSEWHERE, UPLOADED = "elsewhere", "\0uploaded"
_TITLES = {ELSEWHERE: "A folder on this machine", UPLOADED: "A table that I upload"}


@dataclass(frozen=True)
class _Input:
    """What to classify. options: how the command line has to read it."""

    data: Path
    title: str
    options: list[str] = field(default_factory=list)


def show(workspace: Workspace, run: RunView, kind: ItemKind) -> None:
    """Draw the form, then the latest table or the one that the reader selects. kind: of the items the model takes."""
    _form(workspace, run, kind)
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
    if batch.status == "running":
        live(_watch, run_every=1)(batch.file, kind)
    else:
        _show_ended(batch, kind)


def _form(workspace: Workspace, run: RunView, kind: ItemKind) -> None:
    data_sets = {one.name: one for one in list_data_sets(workspace)}
    uploads = [UPLOADED] if kind is TEXTS else []
    choices = [*data_sets, *uploads, *([ELSEWHERE] if workspace.whole_machine else [])]
    if not choices:
        st.caption(f"Add {kind.plural} first, as many as you like; then you can classify them here.")
        st.page_link(DATA, label=f"Add {kind.plural}", icon=":material/photo_library:")
        return
    chosen = st.selectbox(
        "What to classify", choices, key="batch-data",
        format_func=lambda name: _TITLES.get(name) or data_sets[name].title,
    )  # fmt: skip
    text, sent = "", None
    if chosen == UPLOADED:
        sent = ask_for_table()
    if chosen == ELSEWHERE:
        text = st.text_input(
            f"Folder, archive or table of {kind.plural} on this machine", key="batch-path", autocomplete="off",
            placeholder=f"such as /home/me/new-{kind.plural}",
        ).strip()  # fmt: skip
    if not st.button("Classify", key="classify", icon=":material/table_view:"):
        return
    if chosen == UPLOADED:
        if sent is None:
            st.error("Upload a table first.")
        else:
            _start(workspace, run, _Input(keep_table(workspace, sent), sent.name, sent.options))
    elif chosen != ELSEWHERE:
        one = data_sets[str(chosen)]
        _start(workspace, run, _Input(one.path, one.title, one.columns))
    elif data := _existing(text):
        _start(workspace, run, _Input(data, data.name))
    elif text:
        st.error(f"There is nothing at {plain(text)}. Check the spelling, or copy the path.")
    else:
        st.error("Enter the path of a folder first.")


def _start(workspace: Workspace, run: RunView, chosen: _Input) -> None:
    def start() -> Path:
        return start_batch(workspace, run, chosen.data, title=chosen.title, options=chosen.options)

    try:
        file = once("batch", (run.folder, chosen.data), start)
    except OSError as error:
        st.error(f"The job could not be started: {plain(str(error))}.")
        return
    st.session_state["batch"] = file.name
    st.rerun()


def _watch(file: Path, kind: ItemKind) -> None:
    """Follow a table while it is being written; then redraw the whole page."""
    batch = look(file)
    if batch is None or batch.status != "running":
        st.rerun()
    progress = batch.progress
    if progress.total:
        rate, left = progress.rate, progress.eta_seconds
        pace = f", {rate:.0f} per second, about {duration(left)} left" if rate and left is not None else ""
        share = min(progress.done / progress.total, 1.0)
        st.progress(share, text=f"{progress.done:,} of {progress.total:,} {kind.plural}{pace}")
    else:
        st.progress(0.0, text=f"Listing the {kind.plural}, or waiting in the queue")
    st.button(
        "Stopping" if batch.stopping else "Stop and keep the rows so far", key="stop-batch",
        icon=":material/stop_circle:", disabled=batch.stopping, on_click=jobs.stop, args=(file,),
    )  # fmt: skip


def _show_ended(batch: Batch, kind: ItemKind) -> None:
    summaries = summarise(batch)
    summary = next(iter(summaries.values()), None)
    n_rows = 0 if summary is None else summary.n_classified + summary.n_unreadable
    if batch.status == "stopped":
        st.info(f"The job was stopped after {kind.of(n_rows)}.", icon=":material/stop_circle:")
    elif batch.status == "failed":
        kept = f" The {counted(n_rows, 'row')} written so far are below." if n_rows else ""
        st.error(f"{plain(batch.problem)}{kept}", icon=":material/error:")
    if summary is None:
        st.caption("No rows were written.")
        return
    if batch.status == "complete":
        st.markdown(f"Done: {kind.of(summary.n_classified)} classified.")
    if summary.n_unreadable:
        unread = f"{counted(summary.n_unreadable, 'file')} could not be read as an image; the table gives the reason."
        st.warning(worded(unread, kind))
    st.download_button(
        "Download the table", data=batch.file.read_bytes, file_name=batch.file.name, mime="text/csv",
        key="download-batch", type="primary", icon=":material/download:", on_click="ignore",
    )  # fmt: skip
    for target, one in summaries.items():
        if target:
            st.subheader(plain(target), anchor=False)
        _show_doubts(one, kind)
        _show_summary(one, kind, key=f"-{target}" if target else "")


def _show_doubts(summary: PredictionSummary, kind: ItemKind) -> None:
    doubted = [
        *([f"{counted(summary.n_unsure, 'answer')} unsure"] if summary.n_unsure else []),
        *([f"{kind.of(summary.n_none)} like none of the classes"] if summary.n_none else []),
    ]
    if doubted:
        st.info(f"What the model does not know: {', '.join(doubted)}.", icon=":material/help:")


def _show_summary(summary: PredictionSummary, kind: ItemKind, *, key: str) -> None:
    if summary.is_number:
        _show_rows(summary, kind, key=key)
        return
    counts, rows = st.columns([2, 3], gap="medium")
    named = ", ".join(f"{name} {n}" for name, n in summary.counts.head(12).items())
    with counts:
        st.altair_chart(
            legible(count_chart(summary.counts, kind.plural)),
            key=f"batch-counts{key}",
            alt=f"{kind.plural.capitalize()} per class: {named}",
        )
    with rows:
        _show_rows(summary, kind, key=key)


def _show_rows(summary: PredictionSummary, kind: ItemKind, *, key: str) -> None:
    """The first rows of the table, and what its columns hold."""
    number = {"label": st.column_config.NumberColumn("value", format="%.4g")} if summary.is_number else {}
    st.dataframe(
        summary.head, key=f"batch-head{key}", hide_index=True, placeholder="",
        column_config={
            "image": st.column_config.TextColumn(kind.name, width="medium"),
            "probability": st.column_config.NumberColumn("probability", format="percent"),
            **number,
        },
        alt="The first rows of the table.",
    )  # fmt: skip
    item, label, *others, error = map(plain, summary.columns)
    if summary.is_number:
        answer = f"**{label}**, **{'** and **'.join(others)}** (the ends of its interval)"
    else:
        answer = f"**{label}**, one for each of the {len(others)} classes (its probability)"
    doubts = (
        " The model's doubts follow: the set of plausible classes, whether it is unsure, and a p-value that is "
        f"small if the {kind.name} is like none of the classes."
    )
    st.caption(
        f"The first {counted(len(summary.head), 'row')}, for {kind.plural} in {plain(summary.folder)}. The columns "
        f"of the file are **{item}** (the full path of the {kind.name}), {answer} and **{error}** (why a file could "
        "not be read)." + (doubts if summary.has_doubts else "")
    )


def _existing(text: str) -> Path | None:
    """The absolute path that was entered; None if nothing is there or it is not a path."""
    try:
        data = Path(text).expanduser().absolute()
        return data if text and data.exists() else None
    except (OSError, ValueError, RuntimeError):  # too long a name, a NUL, the home of an unknown user
        return None
