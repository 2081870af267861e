"""The confusion matrix, whose cells are chosen by a click or by two lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from autotl.evidence.evaluations import Evaluation
from autotl_ui.widgets.theme import MISTAKE_COLOUR, RIGHT_COLOUR, ink, legible

if TYPE_CHECKING:
    import altair as alt

N_WITH_NUMBERS = 16
"""With more classes than this the cells are too small for numbers; pointing at one shows them."""
N_CONFUSED = 12
_AXIS_PIXELS = 130
_PARAMETER = "cell"


@dataclass(frozen=True)
class Cell:
    """Pictures of one class that were taken for one class."""

    true: str
    predicted: str


def most_confused(evaluation: Evaluation) -> Cell:
    """The most frequent mistake; without any, the class that has most pictures."""
    mistakes = evaluation.confusion.copy()
    np.fill_diagonal(mistakes, 0)
    counts = mistakes if mistakes.any() else evaluation.confusion
    true, predicted = np.unravel_index(counts.argmax(), counts.shape)
    return Cell(evaluation.classes[true], evaluation.classes[predicted])


def choose_cell(evaluation: Evaluation, *, key: str) -> Cell:
    """Draw the matrix, and return the cell that was chosen in it."""
    true_key, predicted_key, round_key = f"{key}-true", f"{key}-predicted", f"{key}-round"
    # Lists forget their choice while another section is open; the chart that comes back begins with it.
    cell_key = f"{key}-cell"
    if true_key not in st.session_state:
        st.session_state[round_key] = st.session_state.get(round_key, 0) + 1
    first: Cell = st.session_state.get(cell_key) or most_confused(evaluation)
    for name, default in ((true_key, first.true), (predicted_key, first.predicted)):
        if st.session_state.get(name) not in evaluation.classes:
            st.session_state[name] = default
    chosen = Cell(st.session_state[true_key], st.session_state[predicted_key])
    shown = _shown_classes(evaluation, chosen, key=key)
    chart_key = f"{key}-chart-{st.session_state[round_key]}-{len(shown)}"
    # What a chart begins with is part of it: it may change only with its key, or a click would draw it anew.
    start_key = f"{key}-start"
    if st.session_state.get(start_key, ("",))[0] != chart_key:
        st.session_state[start_key] = (chart_key, chosen)
    start: Cell = st.session_state[start_key][1]

    def clicked() -> None:
        cell = clicked_cell(st.session_state.get(chart_key))
        if cell and {cell.true, cell.predicted} <= {*evaluation.classes}:
            st.session_state[true_key], st.session_state[predicted_key] = cell.true, cell.predicted

    def listed() -> None:
        st.session_state[round_key] += 1

    chart_at, lists_at = st.columns([3, 2], gap="large")
    with chart_at:
        st.altair_chart(
            legible(confusion_chart(evaluation, shown, chosen=start)),
            key=chart_key,
            on_select=clicked,
            selection_mode=_PARAMETER,
            alt="Confusion matrix: true classes down, predicted classes across. Two lists choose the same cells.",
        )
    with lists_at:
        st.caption("A cell opens its pictures. The fuller its colour, the larger its share of the true class.")
        # Their labels hold no counts: a list whose labels change forgets what was chosen in it.
        st.selectbox("True class", evaluation.classes, key=true_key, on_change=listed)
        st.selectbox("Predicted class", evaluation.classes, key=predicted_key, on_change=listed)
    st.session_state[cell_key] = cell = Cell(st.session_state[true_key], st.session_state[predicted_key])
    return cell


def confusion_chart(
    evaluation: Evaluation, classes: tuple[str, ...], *, chosen: Cell
) -> alt.LayerChart | alt.FacetChart:
    """Counts, coloured by the share of their row; only these classes are drawn."""
    import altair as alt

    table = _cells(evaluation, classes)
    cell = alt.selection_point(
        name=_PARAMETER, fields=["true", "predicted"], toggle=False, empty=False,
        value=[{"true": chosen.true, "predicted": chosen.predicted}],
    )  # fmt: skip
    rotated = max(map(len, classes)) > (2 if len(classes) > 6 else 12)
    axis: dict[str, Any] = {"labelLimit": 110, "ticks": False, "domain": False, "grid": False, "labelOverlap": False}
    axis["labelFontSize"] = 12 if len(classes) <= N_WITH_NUMBERS else 9
    scale = alt.Scale(domain=list(classes), paddingInner=0.06, paddingOuter=0)
    base = alt.Chart(table).encode(
        x=alt.X(
            "predicted:N", scale=scale, title="predicted class",
            axis=alt.Axis(orient="top", labelAngle=-60 if rotated else 0, **axis),
        ),
        y=alt.Y("true:N", scale=scale, title="true class", axis=alt.Axis(**axis)),
    )  # fmt: skip
    colours = alt.Scale(domain=["right", "mistaken"], range=[RIGHT_COLOUR, MISTAKE_COLOUR])
    squares = (
        base.mark_rect(cursor="pointer", cornerRadius=2)
        .encode(
            color=alt.Color("outcome:N", scale=colours, title=None, legend=alt.Legend(orient="bottom")),
            fillOpacity=alt.FillOpacity(
                "share:Q", scale=alt.Scale(type="sqrt", domain=[0, 1], range=[0.14, 1]), legend=None
            ),
            stroke=alt.condition(cell, alt.value(ink()), alt.value("transparent")),
            strokeWidth=alt.value(2.5),
            tooltip=[
                alt.Tooltip("true:N", title="true class"),
                alt.Tooltip("predicted:N", title="predicted class"),
                alt.Tooltip("count:Q", title="pictures"),
                alt.Tooltip("share:Q", title="share of the true class", format=".1%"),
            ],
        )
        .add_params(cell)
    )
    layers = [squares]
    if len(classes) <= N_WITH_NUMBERS:
        # Legible on a full square and on a faint one, on either background.
        colour = {
            "condition": [
                {"test": "datum.share > 0.6 && datum.outcome == 'right'", "value": "#ffffff"},
                {"test": "datum.share > 0.6", "value": "#0e1720"},
            ],
            "value": ink(),
        }
        layers.append(base.mark_text(fontSize=12).encode(text="count:Q", color=colour))
    step = max(15, min(44, 480 // len(classes)))
    return alt.layer(*layers).properties(height=step * len(classes) + _AXIS_PIXELS)


def _cells(evaluation: Evaluation, classes: tuple[str, ...]) -> pd.DataFrame:
    """One row per cell with pictures: true, predicted, count, share (of its row), outcome."""
    totals = evaluation.confusion.sum(axis=1)
    rows = [
        (evaluation.classes[t], evaluation.classes[p], int(evaluation.confusion[t, p]), t, p)
        for t, p in np.argwhere(evaluation.confusion)
    ]
    return pd.DataFrame(
        [
            {"true": true, "predicted": predicted, "count": n, "share": n / totals[t]}
            | {"outcome": "right" if t == p else "mistaken"}
            for true, predicted, n, t, p in rows
            if true in classes and predicted in classes
        ],
        columns=["true", "predicted", "count", "share", "outcome"],
    )


def _shown_classes(evaluation: Evaluation, chosen: Cell, *, key: str) -> tuple[str, ...]:
    """All classes, or, where they are many and the reader wants it, those confused most often."""
    if len(evaluation.classes) <= N_WITH_NUMBERS:
        return evaluation.classes
    if not st.toggle(f"Only the {N_CONFUSED} classes confused most often", key=f"{key}-few"):
        return evaluation.classes
    mistakes = evaluation.confusion.copy()
    np.fill_diagonal(mistakes, 0)
    order = np.argsort(-(mistakes.sum(axis=0) + mistakes.sum(axis=1)), kind="stable")[:N_CONFUSED]
    few = {evaluation.classes[i] for i in order} | {chosen.true, chosen.predicted}
    return tuple(name for name in evaluation.classes if name in few)


def clicked_cell(event: Any) -> Cell | None:
    """The cell that a click chose; None where it chose none."""
    points = (event or {}).get("selection", {}).get(_PARAMETER) or []
    if not isinstance(points, list) or not points:
        return None
    return Cell(str(points[-1].get("true")), str(points[-1].get("predicted")))
