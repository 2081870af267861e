"""The items of a dataset, class by class, and the decisions that can be made about selected ones."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from autotl.data.patch import Decision
from autotl_ui.data.choices import choose, last_step, take_back, undo_last
from autotl_ui.data.contents import Contents
from autotl_ui.widgets.items import GridItem, name_of, show_items
from autotl_ui.widgets.paging import pick_page
from autotl_ui.widgets.theme import sticky
from autotl_ui.widgets.words import plain
from autotl_ui.workspace.data_sets import DataSet

PER_PAGE = 60
PIXELS = 128
UNLABELLED, EXCLUDED = "\0unlabelled", "\0excluded"
_TITLES = {UNLABELLED: "without a class", EXCLUDED: "excluded"}
_TURN = "grid-turn"


def show_gallery(data_set: DataSet, contents: Contents) -> None:
    """Draw a page of one class's items, with what can be done with the selected ones."""
    groups = _groups(contents)
    if not groups:
        st.info(f"There are no {contents.kind.plural} in it.", icon=":material/inbox:")
        return
    key = f"class-{data_set.name}"
    if st.session_state.get(key) not in groups:
        st.session_state[key] = next(iter(groups))
    name = st.selectbox(
        "Class", list(groups), key=key, on_change=new_grid,
        format_func=lambda group: _TITLES.get(group, group),
    )  # fmt: skip
    rows = _rows(contents, name)
    grid, toolbar = st.container(), sticky(data_set.name)
    with toolbar:
        shown = rows.iloc[pick_page(len(rows), PER_PAGE, key=f"page-{data_set.name}-{name}", on_change=new_grid)]
    with grid:
        chosen = show_items(
            [_item(row, contents) for row in shown.itertuples()], key=grid_key(), pixels=PIXELS, choose=True
        )
    with toolbar:
        _show_actions(data_set, contents, chosen, n_rows=len(rows))


def _groups(contents: Contents) -> dict[str, int]:
    groups = dict(contents.classes)
    if contents.n_unlabelled:
        groups[UNLABELLED] = contents.n_unlabelled
    if contents.n_excluded:
        groups[EXCLUDED] = contents.n_excluded
    return groups


def _rows(contents: Contents, group: str) -> pd.DataFrame:
    table = contents.table
    if group == EXCLUDED:
        return table[table["excluded"]]
    return table[(table["label"] == ("" if group == UNLABELLED else group)) & ~table["excluded"]]


def _item(row: object, contents: Contents) -> GridItem:
    path, label, given, excluded = (getattr(row, name) for name in ("path", "label", "label_given", "excluded"))
    mark = "excluded" if excluded else f"was {given or 'unlabelled'}" if label != given else ""
    file = contents.file(path)
    return GridItem(file, path, caption=name_of(file, path.rpartition("/")[2]), mark=mark)


def _show_actions(data_set: DataSet, contents: Contents, chosen: list[str], *, n_rows: int) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        n = len(chosen)
        st.button(
            "Exclude", key="exclude", icon=":material/block:", disabled=not n, on_click=_exclude,
            args=(data_set, contents, chosen), help="The files stay where they are; training ignores them.",
        )  # fmt: skip
        with st.popover("Give another class", icon=":material/sell:", disabled=not n):
            label = st.selectbox(
                "Class", [*contents.classes], index=None, key="new-class", accept_new_options=True,
                placeholder="Select one, or type a new one",
            )  # fmt: skip
            st.button(
                f"Relabel {contents.kind.of(n)}", key="relabel", type="primary", disabled=not (n and label),
                on_click=_relabel, args=(data_set, contents, chosen, label),
            )  # fmt: skip
        decided = {decision.item for decision in contents.decisions}
        st.button(
            "Clear decisions", key="restore", icon=":material/restart_alt:", on_click=_restore,
            args=(data_set, contents, chosen), disabled=not decided.intersection(chosen),
            help=f"Remove the decisions about the selected {contents.kind.plural}.",
        )  # fmt: skip
        undo_button(data_set, contents, key="undo")
    st.caption(
        f"{contents.kind.of(n)} of {n_rows:,} selected."
        if n
        else f"{contents.kind.of(n_rows)}. Click {contents.kind.plural} to select them "
        "(Shift-click selects a range; the space bar also selects)."
    )


def grid_key(name: str = "gallery") -> str:
    """A key for a grid of items, another one after every decision, so that nothing stays selected."""
    return f"{name}-{st.session_state.get(_TURN, 0)}"


def new_grid() -> None:
    """Begin with nothing selected."""
    st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1


def undo_button(data_set: DataSet, contents: Contents, *, key: str) -> None:
    """Offer to undo the last decision."""
    step = last_step(data_set)
    st.button(
        "Undo", key=key, icon=":material/undo:", disabled=step is None, on_click=_undo, args=(data_set, contents),
        help=plain(step.said) if step else "There are no decisions yet.",
    )  # fmt: skip


def _undo(data_set: DataSet, contents: Contents) -> None:
    undo_last(data_set, contents)
    new_grid()


def _exclude(data_set: DataSet, contents: Contents, chosen: list[str]) -> None:
    if choose(data_set, contents, [Decision("exclude", item) for item in chosen], f"excluded {len(chosen)}"):
        new_grid()


def _relabel(data_set: DataSet, contents: Contents, chosen: list[str], label: str) -> None:
    new = [Decision("relabel", item, label) for item in chosen]
    if label.strip() and choose(data_set, contents, new, f"gave {len(new)} the class {label.strip()}"):
        new_grid()
        st.session_state["new-class"] = None


def _restore(data_set: DataSet, contents: Contents, chosen: list[str]) -> None:
    if take_back(data_set, contents, chosen, f"restored {len(chosen)}"):
        new_grid()
