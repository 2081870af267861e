"""The champion's predictions as a grid of items, page by page, and the tools that relabel or exclude some of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from autotl.data.item_kinds import ItemKind
from autotl.data.patch import Decision
from autotl.errors import AutoTLError
from autotl_ui.results.decisions import NOTE, RunDecisions, mark
from autotl_ui.widgets.items import GridItem, name_of, show_items
from autotl_ui.widgets.words import plain

PER_PAGE = 24
N_NAMED = 5
_MAX_CLASS_NAME = 200


def show_predictions(
    answers: pd.DataFrame,
    kind: ItemKind,
    *,
    key: str,
    decisions: RunDecisions | None,
    classes: Sequence[str],
    suggestion: str | None = None,
) -> None:
    """Draw the items of a table of answers (path, file, label, predicted, confidence), and the tools for them.

    suggestion: the class that is listed first as the right one.
    """
    rows = one_page(answers, kind, key=key)
    decided = _read(decisions)
    present = rows["file"].map(lambda file: Path(file).exists()).to_numpy(dtype=bool)
    items = [_item(row, decided) for row in rows[present].itertuples()]
    # Each decision makes a new grid, in which nothing is selected.
    grid_key = f"{key}-grid-{st.session_state.get(f'{key}-round', 0)}"
    selected = show_items(items, key=grid_key, pixels=130, choose=decisions is not None) if items else []
    report_missing(list(rows["path"][~present]), kind)
    if decisions and items:
        _show_tools(kind, selected, decided, key=key, decisions=decisions, classes=classes, suggestion=suggestion)
    problem = st.session_state.pop(f"{key}-problem", "")
    if problem:
        st.error(plain(problem), icon=":material/error:")


def one_page(answers: pd.DataFrame, kind: ItemKind, *, key: str, order: str = "most confident first") -> pd.DataFrame:
    """The rows of the page that the reader chose. order: of all of them, in words."""
    n_pages = -(-len(answers) // PER_PAGE)
    if n_pages <= 1:
        return answers
    page = st.pagination(n_pages, key=f"{key}-page-{n_pages}")
    first = (page - 1) * PER_PAGE
    last = min(first + PER_PAGE, len(answers))
    st.caption(f"{kind.plural.capitalize()} {first + 1} to {last} of {len(answers)}, {order}.")
    return answers.iloc[first : first + PER_PAGE]


def _item(row: object, decided: Mapping[str, Decision]) -> GridItem:
    path, label, predicted = (str(getattr(row, name)) for name in ("path", "label", "predicted"))
    confidence = f"{100 * float(getattr(row, 'confidence')):.0f} %"  # noqa: B009, a row of itertuples has no type
    caption = f"{label}, {confidence}" if label == predicted else f"{label}, predicted as {predicted}, {confidence}"
    file = Path(str(getattr(row, "file")))  # noqa: B009, see above
    return GridItem(
        file=file,
        name=path,
        caption=caption,
        detail=name_of(file, path),
        mark=mark(decided.get(path)),
    )


def report_missing(paths: list[str], kind: ItemKind) -> None:
    """Name the items whose files are gone."""
    if paths:
        named = ", ".join(paths[:N_NAMED]) + (f" and {len(paths) - N_NAMED} more" if len(paths) > N_NAMED else "")
        st.info(
            f"{len(paths)} of these {kind.plural} are no longer where they were when the search ran: {plain(named)}. "
            "Put them back to see them here. The scores are not affected.",
            icon=":material/hide_image:",
        )


def _read(decisions: RunDecisions | None) -> Mapping[str, Decision]:
    try:
        return decisions.by_image() if decisions else {}
    except AutoTLError as error:
        st.warning(plain(str(error)), icon=":material/edit_off:")
        return {}


def _show_tools(
    kind: ItemKind,
    selected: list[str],
    decided: Mapping[str, Decision],
    *,
    key: str,
    decisions: RunDecisions,
    classes: Sequence[str],
    suggestion: str | None,
) -> None:
    """What can be done with the selected items, always in the same place."""
    st.markdown(
        f"**{len(selected)} selected**"
        if selected
        else f"Select {kind.plural} with a click or the space bar; hold Shift to select a range."
    )
    # The predicted class is listed first but not preselected: accepting the model's mistakes should take a decision.
    names = sorted(classes, key=lambda name: name != suggestion)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label = st.selectbox(
            "Right class", names, index=None, key=f"{key}-label", accept_new_options=True,
            placeholder="a class, or a new one", width=240,
        )  # fmt: skip
        name = (label or "")[:_MAX_CLASS_NAME]
        relabel = [Decision("relabel", path, name, note=NOTE) for path in selected]
        exclude = [Decision("exclude", path, note=NOTE) for path in selected]
        undo = [path for path in selected if path in decided]
        for action, word, icon, new, back, possible in (
            ("relabel", "Relabel", ":material/sell:", relabel, [], bool(selected and name.strip())),
            ("exclude", "Exclude", ":material/block:", exclude, [], bool(selected)),
            ("undo", "Undo", ":material/undo:", [], undo, bool(undo)),
        ):
            st.button(
                word, icon=icon, key=f"{key}-{action}", disabled=not possible,
                on_click=_decide, args=(decisions, new, back, {path: decided.get(path) for path in selected}, key),
            )  # fmt: skip


def _decide(
    decisions: RunDecisions, new: list[Decision], undo: list[str], seen: dict[str, Decision | None], key: str
) -> None:  # fmt: skip
    try:
        decisions.add(new, undo=undo, seen=seen)
    except AutoTLError as error:
        st.session_state[f"{key}-problem"] = str(error)
        return
    st.session_state[f"{key}-round"] = st.session_state.get(f"{key}-round", 0) + 1
