"""The champion's answers as pictures, page by page, and what can be decided about those that are chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from autotl.data.patch import Decision
from autotl.errors import AutoTLError
from autotl_ui.results.decisions import NOTE, Desk, mark
from autotl_ui.widgets.images import Picture, show_pictures
from autotl_ui.widgets.words import plain

N_ON_A_PAGE = 24
N_NAMED = 5
_LONGEST_NAME = 200


def show_answers(
    answers: pd.DataFrame, *, key: str, desk: Desk | None, classes: Sequence[str], suggestion: str | None = None
) -> None:
    """Draw answers (path, file, label, predicted, confidence) and the tools for the chosen ones.

    suggestion: the class that is offered first to relabel to.
    """
    rows = _one_page(answers, key=key)
    decisions = _decisions(desk)
    there = rows["file"].map(lambda file: Path(file).exists()).to_numpy(dtype=bool)
    pictures = [_picture(row, decisions) for row in rows[there].itertuples()]
    # After a decision the grid is another one, in which nothing is chosen.
    grid_key = f"{key}-grid-{st.session_state.get(f'{key}-round', 0)}"
    chosen = show_pictures(pictures, key=grid_key, pixels=130, choose=desk is not None) if pictures else []
    _tell_gone(list(rows["path"][~there]))
    if desk and pictures:
        _tools(chosen, decisions, key=key, desk=desk, classes=classes, suggestion=suggestion)
    problem = st.session_state.pop(f"{key}-problem", "")
    if problem:
        st.error(plain(problem), icon=":material/error:")


def _one_page(answers: pd.DataFrame, *, key: str) -> pd.DataFrame:
    n_pages = -(-len(answers) // N_ON_A_PAGE)
    if n_pages <= 1:
        return answers
    page_key = f"{key}-page-{n_pages}"
    page = st.pagination(n_pages, key=page_key)
    first = (page - 1) * N_ON_A_PAGE
    st.caption(f"Pictures {first + 1} to {min(first + N_ON_A_PAGE, len(answers))} of {len(answers)}, surest first.")
    return answers.iloc[first : first + N_ON_A_PAGE]


def _picture(row: object, decisions: Mapping[str, Decision]) -> Picture:
    path, label, predicted = (str(getattr(row, name)) for name in ("path", "label", "predicted"))
    sure = f"{100 * float(getattr(row, 'confidence')):.0f} % sure"  # noqa: B009, a row of itertuples has no type
    caption = f"{label}, {sure}" if label == predicted else f"{label}, taken for {predicted}, {sure}"
    return Picture(
        file=Path(str(getattr(row, "file"))),  # noqa: B009, see above
        name=path,
        caption=caption,
        detail=path,
        mark=mark(decisions.get(path)),
    )


def _tell_gone(paths: list[str]) -> None:
    if paths:
        named = ", ".join(paths[:N_NAMED]) + (f" and {len(paths) - N_NAMED} more" if len(paths) > N_NAMED else "")
        st.info(
            f"{len(paths)} of these pictures are no longer where they were when the search ran: {plain(named)}. "
            "Put them back to see them here; everything that was measured stays.",
            icon=":material/hide_image:",
        )


def _decisions(desk: Desk | None) -> Mapping[str, Decision]:
    try:
        return desk.decisions() if desk else {}
    except AutoTLError as error:
        st.warning(plain(str(error)), icon=":material/edit_off:")
        return {}


def _tools(
    chosen: list[str],
    decisions: Mapping[str, Decision],
    *,
    key: str,
    desk: Desk,
    classes: Sequence[str],
    suggestion: str | None,
) -> None:
    """What can be done with the chosen pictures, always in the same place."""
    n = len(chosen)
    st.markdown(
        f"**{n} chosen**" if n else "Choose pictures by a click or with the space bar; Shift chooses all between."
    )
    # What the model took it for comes first and is not chosen: who is in a hurry would make its mistakes true.
    names = sorted(classes, key=lambda name: name != suggestion)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label = st.selectbox(
            "Right class", names, index=None, key=f"{key}-label", accept_new_options=True,
            placeholder="a class, or a new one", width=240,
        )  # fmt: skip
        name = (label or "")[:_LONGEST_NAME]
        relabel = [Decision("relabel", path, name, note=NOTE) for path in chosen]
        exclude = [Decision("exclude", path, note=NOTE) for path in chosen]
        undo = [path for path in chosen if path in decisions]
        for action, word, icon, new, back, possible in (
            ("relabel", "Relabel", ":material/sell:", relabel, [], bool(chosen and name.strip())),
            ("exclude", "Leave out", ":material/block:", exclude, [], bool(chosen)),
            ("undo", "As it was", ":material/restart_alt:", [], undo, bool(undo)),
        ):
            st.button(
                word, icon=icon, key=f"{key}-{action}", disabled=not possible,
                on_click=_note, args=(desk, new, back, key),
            )  # fmt: skip


def _note(desk: Desk, new: list[Decision], undo: list[str], key: str) -> None:
    try:
        desk.note(new, undo=undo)
    except AutoTLError as error:
        st.session_state[f"{key}-problem"] = str(error)
        return
    st.session_state[f"{key}-round"] = st.session_state.get(f"{key}-round", 0) + 1
