"""The part of the data page that says how a dataset was understood: its layout, and a card for each class."""

from __future__ import annotations

import streamlit as st

from autotl.data.dataset import MIN_IMAGES_PER_CLASS
from autotl.data.item_kinds import IMAGES
from autotl.data.layout_notes import understood_as
from autotl.data.listing import ignored_kinds
from autotl_ui.data.columns import offer_columns
from autotl_ui.data.contents import Contents
from autotl_ui.data.item_choice import offer_item_choice
from autotl_ui.data.mapping_form import offer_unmapping, show_mapping
from autotl_ui.server.pages import LABEL
from autotl_ui.widgets.items import GridItem, show_items
from autotl_ui.widgets.paging import pick_page
from autotl_ui.widgets.words import counted, plain
from autotl_ui.workspace.columns import has_columns
from autotl_ui.workspace.data_sets import DataSet
from autotl_ui.workspace.workspace import Workspace

PER_PAGE, N_TRIED = 48, 5


def show_overview(workspace: Workspace, data_set: DataSet, contents: Contents) -> None:
    """Draw how the dataset was read: its layout, the numbers of items, and a card for each class."""
    source, classes = contents.source, contents.classes
    st.markdown(f"Understood as: {plain(understood_as(source.layout, list(classes)))}.")
    with st.container(horizontal=True, gap="large"):
        n_used = sum(classes.values())
        for label, number in (
            (contents.kind.plural, n_used), ("classes", len(classes)), ("without a class", contents.n_unlabelled),
            ("excluded", contents.n_excluded),
        ):  # fmt: skip
            if number or label in (contents.kind.plural, "classes"):
                st.metric(label, f"{number:,}", width="content")
    if data_set.skipped:
        st.info(f"Skipped when it was uploaded: {plain(data_set.skipped)}.", icon=":material/rule:")
    _warn(data_set, contents)
    names = list(classes)
    names = names[pick_page(len(names), PER_PAGE, key="page-classes")]
    used = contents.table[~contents.table["excluded"]]
    # One that came with its class stands for it, rather than one that was given it.
    order = (used["label"] != used["label_given"]).sort_values(kind="stable").index
    firsts = used.loc[order].groupby("label").head(N_TRIED).groupby("label")["path"].agg(list)
    faces = []
    for name in names:
        file, *others = map(contents.file, firsts[name])
        faces.append(GridItem(file, name, caption=name, detail=contents.kind.of(classes[name]), instead=others))
    show_items(faces, key="classes", pixels=112)
    if source.ignored:
        n = sum(source.ignored.values())
        st.caption(f"{counted(n, 'other file')} not used: {plain(ignored_kinds(source.ignored))}.")
    if has_columns(data_set) and (contents.kind is not IMAGES or source.label):
        offer_columns(workspace, data_set, open_at_once=not classes)
        if contents.kind is not IMAGES:
            return
    if not has_columns(data_set):
        offer_item_choice(workspace, data_set)
    if data_set.origin:
        st.info("You have selected which folders are the classes.", icon=":material/account_tree:")
        offer_unmapping(workspace, data_set)
    if not classes:
        st.subheader("Which folders are the classes?", anchor=False)
        show_mapping(workspace, data_set)
        return
    if st.toggle("Not right? Select which folders are the classes", key=f"mapping-{data_set.name}"):
        show_mapping(workspace, data_set)


def _warn(data_set: DataSet, contents: Contents) -> None:
    if contents.problem:
        st.error(plain(contents.problem), icon=":material/edit_off:")
    classes, kind = contents.classes, contents.kind
    where = (
        "which column holds the classes"
        if has_columns(data_set) and kind is not IMAGES
        else "which folders are the classes"
    )
    few = {name: n for name, n in classes.items() if n < MIN_IMAGES_PER_CLASS}
    if not classes:
        st.warning(
            f"No {kind.name} has a class yet. Select below {where}, or label the {kind.plural} one by one.",
            icon=":material/info:",
        )
        st.page_link(LABEL, label=f"Label {kind.plural}", icon=":material/sell:", query_params={"data": data_set.name})
    elif len(classes) < 2:
        st.warning(
            f"There is only one class; a model needs at least two. Select below {where}, or relabel {kind.plural} "
            f"under {kind.plural.capitalize()}.",
            icon=":material/info:",
        )
    elif few:
        named = ", ".join(f"{plain(name)} ({n})" for name, n in list(few.items())[:6])
        st.warning(
            f"Too few {kind.plural} in {named}: each class needs at least {MIN_IMAGES_PER_CLASS}. Add some, give them "
            "another class, or leave them out when you train.",
            icon=":material/info:",
        )
