"""The form in which folders are mapped to classes."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from autotl.data.folder_mapping import FolderTree, classes_by_level, count_classes
from autotl.errors import AutoTLError
from autotl_ui.data.mapping import map_folders, read_tree, unmap
from autotl_ui.widgets.words import counted, plain
from autotl_ui.workspace.data_sets import DataSet
from autotl_ui.workspace.workspace import Workspace

BY_HAND = -1
MOST_LEVELS = 6
MOST_FOLDERS = 2000
N_NAMED = 4
_USE, _UNLABELLED, _OUT = "use", "without a class", "exclude"


def show_mapping(workspace: Workspace, data_set: DataSet) -> None:
    """Draw the form that maps folders to classes."""
    try:
        with st.spinner("Reading the folders …"):
            tree = read_tree(workspace, data_set)
    except (AutoTLError, OSError) as error:
        st.error(plain(str(error)))
        return
    if not tree.images:
        st.warning("There are no images or texts in it.")
        return
    levels = [*range(min(tree.levels, MOST_LEVELS)), BY_HAND]
    level = st.radio(
        "Which folders name the classes?", levels, key=f"level-{data_set.name}",
        format_func=lambda level: _title(tree, level),
    )  # fmt: skip
    classes, excluded = _edit(tree, data_set) if level == BY_HAND else (classes_by_level(tree, level), [])
    counts, unlabelled, n_excluded = count_classes(tree, classes, excluded)
    st.caption(_say(tree, counts, unlabelled, n_excluded))
    st.button(
        "Use these classes", key="map", type="primary", icon=":material/check:", disabled=not counts,
        on_click=_map, args=(workspace, data_set, tree, classes, excluded),
    )  # fmt: skip


def offer_unmapping(workspace: Workspace, data_set: DataSet) -> None:
    """Draw the way back from a mapping, where there is one."""
    if data_set.origin:
        st.button(
            "Read the folders as they are", key="unmap", icon=":material/undo:", on_click=unmap,
            args=(workspace, data_set),
        )  # fmt: skip


def _title(tree: FolderTree, level: int) -> str:
    if level == BY_HAND:
        return "I select it folder by folder"
    names = tree.names(level)
    some = ", ".join(plain(name) for name in names[:N_NAMED])
    rest = f" and {len(names) - N_NAMED:,} more" if len(names) > N_NAMED else ""
    place = ("The outermost folders", "The folders within them")[level] if level < 2 else f"Those {level} levels down"
    return f"{place}: {some}{rest}"


def _edit(tree: FolderTree, data_set: DataSet) -> tuple[dict[str, str], list[str]]:
    """Each folder's class, and the folders that are excluded, as set in the form."""
    folders = list(tree.folders)[:MOST_FOLDERS]
    guess = classes_by_level(tree, max(tree.levels - 1, 0))
    plural, are = tree.kind.plural, f"{tree.kind.plural} are"
    rows = pd.DataFrame(
        {
            "folder": [folder or "(the folder itself)" for folder in folders],
            plural: [tree.folders[folder] for folder in folders],
            "class": [guess[folder] for folder in folders],
            are: [_USE if guess[folder] else _UNLABELLED for folder in folders],
        }
    )
    edited = st.data_editor(
        rows, key=f"folders-{data_set.name}", hide_index=True, disabled=["folder", plural],
        column_config={
            "class": st.column_config.TextColumn("class", help=f"The class of all {plural} directly in this folder."),
            are: st.column_config.SelectboxColumn(options=[_USE, _UNLABELLED, _OUT], required=True),
        },
        alt=f"Each folder with its number of {plural}, the class to give them, and whether to use them.",
    )  # fmt: skip
    if len(tree.folders) > MOST_FOLDERS:
        st.caption(f"The first {MOST_FOLDERS:,} of {len(tree.folders):,} folders; the others keep their own names.")
    use = dict(zip(folders, edited[are], strict=True))
    names = dict(zip(folders, edited["class"].fillna("").astype(str), strict=True))
    classes = {folder: names.get(folder, guess[folder]) for folder in tree.folders}
    classes = {folder: "" if use.get(folder) == _UNLABELLED else name for folder, name in classes.items()}
    return classes, [folder for folder in folders if use[folder] == _OUT]


def _say(tree: FolderTree, counts: Mapping[str, int], unlabelled: int, excluded: int) -> str:
    """What the classes would be."""
    named = ", ".join(f"{plain(name)} ({n:,})" for name, n in sorted(counts.items())[:8])
    more = f" and {len(counts) - 8:,} more" if len(counts) > 8 else ""
    rest = f"; {tree.kind.of(unlabelled)} without a class" if unlabelled else ""
    rest += f"; {tree.kind.of(excluded)} excluded" if excluded else ""
    found = f"This gives {counted(len(counts), 'class', 'classes')}: {named}{more}" if counts else "This gives no class"
    return f"{found}{rest}."


def _map(
    workspace: Workspace, data_set: DataSet, tree: FolderTree, classes: dict[str, str], excluded: list[str]
) -> None:
    try:
        map_folders(workspace, data_set, tree, classes, excluded=excluded)
    except (AutoTLError, OSError) as error:
        st.session_state["data-problem"] = f"The classes could not be kept: {error}"
    st.session_state[f"mapping-{data_set.name}"] = False
