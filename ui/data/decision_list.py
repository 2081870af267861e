"""All decisions about a dataset, each of which can be undone."""

from __future__ import annotations

import streamlit as st

from autotl.data.item_kinds import TEXTS
from autotl.data.patch import Decision
from autotl_ui.data.choices import take_back
from autotl_ui.data.contents import Contents
from autotl_ui.data.findings import say
from autotl_ui.data.gallery import new_grid, undo_button
from autotl_ui.widgets.items import GridItem, show_items
from autotl_ui.widgets.paging import pick_page
from autotl_ui.widgets.words import counted, plain
from autotl_ui.workspace.data_sets import DataSet

PER_PAGE = 10
PIXELS = 72
_WIDTHS = (1, 5, 2)
_WIDTHS_OF_TEXTS = (3, 4, 2)


def show_decisions(data_set: DataSet, contents: Contents) -> None:
    """Draw the decisions about a dataset, the latest first."""
    decisions = list(reversed(contents.decisions))
    if not decisions:
        st.info(
            f"There are no decisions about these data yet. Exclude or relabel {contents.kind.plural} under "
            f"{contents.kind.plural.capitalize()}, or run a check, which proposes some.",
            icon=":material/inbox:",
        )
        undo_button(data_set, contents, key="undo-decisions")
        return
    where = (
        "with the app's own files, because nothing can be written beside the data"
        if data_set.patch
        else "beside the data"
    )
    st.markdown(
        f"{counted(len(decisions), 'decision')}, kept in `{data_set.patch_file.name}` {where}; no file "
        "of yours was changed. The next check and the next training follow them."
    )
    with st.container(horizontal=True):
        undo_button(data_set, contents, key="undo-decisions")
        st.button(
            "Undo all", key="forget-all", icon=":material/delete_sweep:", on_click=_forget,
            args=(data_set, contents, [decision.item for decision in decisions]),
        )  # fmt: skip
    widths = _WIDTHS_OF_TEXTS if contents.kind is TEXTS else _WIDTHS
    shown = decisions[pick_page(len(decisions), PER_PAGE, key="page-decisions")]
    for number, decision in enumerate(shown):
        with st.container(border=True):
            item, text, button = st.columns(widths, vertical_alignment="center")
            known = decision.item in contents.known
            if known and decision.decision != "merge":
                with item:
                    show_items(
                        [GridItem(contents.file(decision.item), decision.item)], key=f"decided-{number}", pixels=PIXELS
                    )
            gone = "" if known or decision.decision == "merge" else f"  \n:gray[{_say_gone(decision)}]"
            note = f"  \n:gray[{plain(decision.note)}]" if decision.note else ""
            text.markdown(plain(say(decision)) + note + gone)
            button.button(
                "Undo", key=f"take-back-{number}", on_click=_forget, args=(data_set, contents, [decision.item])
            )


def _say_gone(decision: Decision) -> str:
    """About a missing item: the page reads no file, so it cannot recognise a renamed one."""
    if not decision.sha256:
        return "no longer in the data"
    return "not in the data under this name; if it was only renamed, the check and training find it by its content"


def _forget(data_set: DataSet, contents: Contents, items: list[str]) -> None:
    if take_back(data_set, contents, items, f"undid {counted(len(items), 'decision')}"):
        new_grid()
