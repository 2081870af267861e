"""The part of the data page where data come from: dropped, a path on this machine, or a sample."""

from __future__ import annotations

import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import streamlit as st

from autotl.data.archives.unpack import is_archive
from autotl.data.listing import TABLE_SUFFIXES
from autotl.errors import AutoTLError
from autotl_ui.data.dropzone import drop_zone
from autotl_ui.data.mapping import read_tree
from autotl_ui.data.pasting import show_pasting
from autotl_ui.uploads.finishing import UnfinishedUpload, discard, finish_upload, list_unfinished
from autotl_ui.uploads.upload import INCOMING, UploadError
from autotl_ui.widgets.clicks import once
from autotl_ui.widgets.words import counted, megabytes, moment, plain
from autotl_ui.workspace.data_sets import DataSet, bring_back, free_name, free_title, list_data_sets, save_data_set
from autotl_ui.workspace.workspace import Workspace

SAMPLE = "Handwritten digits"
_WRITE_SAMPLE = "import sys, pathlib; from autotl.cli.demo import write_digits; write_digits(pathlib.Path(sys.argv[1]))"
_SAMPLE_SECONDS = 120


def show_adding(workspace: Workspace) -> DataSet | None:
    """Draw the ways to add data; returns the dataset that was just added."""
    drop_zone(workspace, key="drop")
    added = _show_unfinished(workspace)
    added = show_pasting(workspace) or added
    left, right = st.columns(2, gap="large") if workspace.whole_machine else (None, st.container())
    if left:
        with left:
            added = _show_path(workspace) or added
    with right:
        st.markdown("**No data yet?**")
        st.caption("1,797 handwritten digits, 8 by 8 pixels each, in ten classes.")
        if st.button("Try a sample", key="sample", icon=":material/science:"):
            added = once("sample", workspace.root, lambda: _add_sample(workspace)) or added
    return added


def _show_path(workspace: Workspace) -> DataSet | None:
    with st.form("path", border=False):
        text = st.text_input(
            "Or the path of a folder, zip or table on the machine that runs this app", key="path-text",
            placeholder="such as /home/me/photos", autocomplete="off",
        )  # fmt: skip
        pressed = st.form_submit_button("Use it where it is", key="use-path", icon=":material/folder_open:")
    return _add_path(workspace, str(text).strip()) if pressed else None


def _add_path(workspace: Workspace, text: str) -> DataSet | None:
    """The dataset of a path, a new one if need be; None, with the reason on the page, where it cannot be one."""
    if not text:
        st.warning("Give the path of a folder first: the one whose sub-folders are named after the classes.")
        return None
    try:
        path = Path(text).expanduser().absolute()
        there = path.exists()
        usable = path.is_dir() or (path.is_file() and (path.suffix.lower() in TABLE_SUFFIXES or is_archive(path)))
    except (OSError, ValueError, RuntimeError):  # too long a name, a NUL, an unknown home
        there = usable = False
    if not usable:
        found = f"There is nothing at {plain(text)}. Check the spelling, or copy the path from your file manager."
        if there:
            found = "That is a file; a folder, a zip or tar, or a table (CSV, TSV, Parquet, JSON lines) is needed."
        st.error(found)
        return None
    for known in list_data_sets(workspace):
        if path in (known.path, known.origin):
            return known
    if removed := bring_back(workspace, path):
        _unpack_again(workspace, removed)
        return removed
    title = free_title(workspace, path.name or str(path))
    data_set = DataSet(free_name(workspace, title), title, path)
    save_data_set(workspace, data_set)
    return data_set


def _unpack_again(workspace: Workspace, data_set: DataSet) -> None:
    """What the app had unpacked of an archive, to map its folders to classes, went when the dataset was removed."""
    if data_set.origin and is_archive(data_set.origin):
        try:
            read_tree(workspace, data_set)
        except (AutoTLError, OSError) as error:
            st.session_state["data-problem"] = str(error)


def _add_sample(workspace: Workspace) -> DataSet | None:
    name = free_name(workspace, "digits")
    scratch = workspace.data / INCOMING / f"sample-{uuid.uuid4().hex}"
    scratch.parent.mkdir(parents=True, exist_ok=True)
    try:
        with st.spinner("Writing the images …"):
            # A process of its own: what it imports would stay in the app's memory.
            subprocess.run(
                [sys.executable, "-c", _WRITE_SAMPLE, str(scratch)],
                check=True, capture_output=True, timeout=_SAMPLE_SECONDS, stdin=subprocess.DEVNULL,
            )  # fmt: skip
            scratch.rename(workspace.data / name)
            # Before anything is drawn: another click ends this run of the page at the next drawing.
            data_set = DataSet(name, free_title(workspace, SAMPLE), workspace.data / name)
            save_data_set(workspace, data_set)
    except (OSError, subprocess.SubprocessError):
        shutil.rmtree(scratch, ignore_errors=True)
        st.error(f"The sample could not be written to {plain(str(workspace.data))}. Is there room on the disk?")
        return None
    return data_set


def _show_unfinished(workspace: Workspace) -> DataSet | None:
    taken = None
    for one in list_unfinished(workspace):
        with st.container(border=True):
            doing = "is arriving, here or in another window" if one.active else f"was interrupted {moment(one.touched)}"
            st.markdown(
                f"**{plain(one.title)}** {doing}: {one.n_there:,} of {counted(one.n_files, 'file')} "
                f"({megabytes(one.n_bytes)}) are here."
            )
            if one.active:
                continue
            st.caption("Drop the same folder again to continue; what is here is not sent again.")
            with st.container(horizontal=True):
                if one.n_there and st.button("Use what is here", key=f"settle-{one.identity}"):
                    taken = _settle(workspace, one)
                st.button(
                    "Discard", key=f"discard-{one.identity}", icon=":material/delete:", on_click=discard,
                    args=(workspace, one.identity),
                )  # fmt: skip
    return taken


def _settle(workspace: Workspace, one: UnfinishedUpload) -> DataSet | None:
    try:
        return finish_upload(workspace, one.identity, whole=False)
    except UploadError as error:
        st.error(plain(str(error)))
        return None
