"""The confusion matrix, whose cells are selected by a click or by two lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from autotl.data.item_kinds import ItemKind
from autotl.evidence.confusions import Cell, count_cells, most_confused_cell, most_confused_classes
from autotl.evidence.evaluations import Evaluation
from autotl_ui.widgets.theme import MISTAKE_COLOUR, RIGHT_COLOUR, ink, legible

if TYPE_CHECKING:
    import altair as alt

N_WITH_NUMBERS = 16
"""With more classes than this the cells are too small for numbers, which appear when the pointer is over a cell."""
N_CONFUSED = 12
_AXIS_PIXELS = 130
_PARAMETER = "cell"


def choose_cell(evaluation: Evaluation, kind: ItemKind, *, key: str) -> Cell:
    """Draw the matrix, and return the cell that is selected in it."""
    true_key, predicted_key, round_key = f"{key}-true", f"{key}-predicted", f"{key}-round"
    # The lists forget their values while another section is open; the chart that comes back starts from this key.
    cell_key = f"{key}-cell"
    if true_key not in st.session_state:
        st.session_state[round_key] = st.session_state.get(round_key, 0) + 1
    first: Cell = st.session_state.get(cell_key) or most_confused_cell(evaluation)
    for name, default in ((true_key, first.true), (predicted_key, first.predicted)):
        if st.session_state.get(name) not in evaluation.classes:
            st.session_state[name] = default
    selected = Cell(st.session_state[true_key], st.session_state[predicted_key])
    shown = _shown_classes(evaluation, selected, key=key)
    chart_key = f"{key}-chart-{st.session_state[round_key]}-{len(shown)}"

    def clicked() -> None:
        cell = clicked_cell(st.session_state.get(chart_key))
        if cell and {cell.true, cell.predicted} <= {*evaluation.classes}:
            st.session_state[true_key], st.session_state[predicted_key] = cell.true, cell.predicted

    def listed() -> None:
        st.session_state[round_key] += 1

    chart_at, lists_at = st.columns([3, 2], gap="large")
    initial = _initial_cell(selected, chart_key, key=key)
    with chart_at:
        st.altair_chart(
            legible(confusion_chart(evaluation, shown, selected=initial, items=kind.plural)),
            key=chart_key,
            on_select=clicked,
            selection_mode=_PARAMETER,
            alt="Confusion matrix: true classes down, predicted classes across. Two lists select the same cells.",
        )
    with lists_at:
        st.caption(
            f"Select a cell to see its {kind.plural}. The stronger its colour, the larger its share of the true class."
        )
        # The labels hold no counts: a list whose labels change forgets its value.
        st.selectbox("True class", evaluation.classes, key=true_key, on_change=listed)
        st.selectbox("Predicted class", evaluation.classes, key=predicted_key, on_change=listed)
    st.session_state[cell_key] = cell = Cell(st.session_state[true_key], st.session_state[predicted_key])
    return cell


def _initial_cell(selected: Cell, chart_key: str, *, key: str) -> Cell:
    """The cell that a chart starts with, which must not change while the chart keeps its key: it would be redrawn."""
    start_key = f"{key}-start"
    if st.session_state.get(start_key, ("",))[0] != chart_key:
        st.session_state[start_key] = (chart_key, selected)
    cell: Cell = st.session_state[start_key][1]
    return cell


def confusion_chart(
    evaluation: Evaluation, classes: tuple[str, ...], *, selected: Cell, items: str = "images"
) -> alt.LayerChart | alt.FacetChart:
    """Counts, coloured by their share of the row; only these classes are drawn. items: what is counted."""
    import altair as alt

    cell = alt.selection_point(
        name=_PARAMETER, fields=["true", "predicted"], toggle=False, empty=False,
        value=[{"true": selected.true, "predicted": selected.predicted}],
    )  # fmt: skip
    rotated = max(map(len, classes)) > (2 if len(classes) > 6 else 12)
    scale = alt.Scale(domain=list(classes), paddingInner=0.06, paddingOuter=0)
    axis = alt.Axis(
        labelLimit=110, ticks=False, domain=False, grid=False, labelOverlap=False,
        labelFontSize=12 if len(classes) <= N_WITH_NUMBERS else 9,
    )  # fmt: skip
    top = axis.copy(deep=False)
    top.orient, top.labelAngle = "top", -60 if rotated else 0
    base = alt.Chart(_cells(evaluation, classes)).encode(
        x=alt.X("predicted:N", scale=scale, title="predicted class", axis=top),
        y=alt.Y("true:N", scale=scale, title="true class", axis=axis),
    )
    colours = alt.Scale(domain=["correct", "wrong"], range=[RIGHT_COLOUR, MISTAKE_COLOUR])
    opacity = alt.Scale(type="sqrt", domain=[0, 1], range=[0.14, 1])
    squares = (
        base.mark_rect(cursor="pointer", cornerRadius=2)
        .encode(
            color=alt.Color("outcome:N", scale=colours, title=None, legend=alt.Legend(orient="bottom")),
            fillOpacity=alt.FillOpacity("share:Q", scale=opacity, legend=None),
            stroke=alt.condition(cell, alt.value(ink()), alt.value("transparent")),
            strokeWidth=alt.value(2.5),
            tooltip=[
                alt.Tooltip("true:N", title="true class"),
                alt.Tooltip("predicted:N", title="predicted class"),
                alt.Tooltip("count:Q", title=items),
                alt.Tooltip("share:Q", title="share of the true class", format=".1%"),
            ],
        )
        .add_params(cell)
    )
    layers = [squares]
    if len(classes) <= N_WITH_NUMBERS:
        layers.append(base.mark_text(fontSize=12).encode(text="count:Q", color=_number_colour()))
    step = max(15, min(44, 480 // len(classes)))
    return alt.layer(*layers).properties(height=step * len(classes) + _AXIS_PIXELS)


def _number_colour() -> Mapping[str, object]:
    """A colour that is legible on a full square and on a faint one, on either background."""
    return {
        "condition": [
            {"test": "datum.share > 0.6 && datum.outcome == 'correct'", "value": "#ffffff"},
            {"test": "datum.share > 0.6", "value": "#0e1720"},
        ],
        "value": ink(),
    }


def _cells(evaluation: Evaluation, classes: tuple[str, ...]) -> pd.DataFrame:
    """One row per cell with images: true, predicted, count, share (of its row), outcome."""
    shown = frozenset(classes)
    return pd.DataFrame(
        [
            (one.cell.true, one.cell.predicted, one.n_items, one.share, "correct" if one.cell.is_correct else "wrong")
            for one in count_cells(evaluation)
            if {one.cell.true, one.cell.predicted} <= shown
        ],
        columns=["true", "predicted", "count", "share", "outcome"],
    )


def _shown_classes(evaluation: Evaluation, selected: Cell, *, key: str) -> tuple[str, ...]:
    """All classes or, where they are many and the reader prefers it, those confused most often."""
    if len(evaluation.classes) <= N_WITH_NUMBERS:
        return evaluation.classes
    if not st.toggle(f"Only the {N_CONFUSED} classes confused most often", key=f"{key}-few"):
        return evaluation.classes
    few = most_confused_classes(evaluation, N_CONFUSED) | {selected.true, selected.predicted}
    return tuple(name for name in evaluation.classes if name in few)


def clicked_cell(event: object) -> Cell | None:
    """The cell that a click selected; None if it selected none."""
    selection = event.get("selection") if isinstance(event, Mapping) else None
    points = selection.get(_PARAMETER) if isinstance(selection, Mapping) else None
    if not isinstance(points, list) or not points:
        return None
    return Cell(str(points[-1].get("true")), str(points[-1].get("predicted")))
