"""The confusion matrix as a chart."""

from __future__ import annotations

import numpy as np

from autotl.evidence.confusions import Cell
from autotl.evidence.evaluations import Evaluation
from autotl_ui.results.confusion_matrix import clicked_cell, confusion_chart


def evaluation(confusion: list[list[int]] | np.ndarray) -> Evaluation:
    counts = np.array(confusion)
    return Evaluation({}, counts, tuple(f"class {i:02d}" for i in range(len(counts))), int(counts.sum()))


def test_a_cell_shows_its_count_its_share_of_the_true_class_and_whether_it_is_correct() -> None:
    found = evaluation([[3, 1], [0, 4]])
    chart = confusion_chart(found, found.classes, selected=Cell("class 00", "class 01")).to_dict()
    [rows] = chart["datasets"].values()
    cells = {(row["true"], row["predicted"]): (row["count"], row["share"], row["outcome"]) for row in rows}
    assert cells == {
        ("class 00", "class 00"): (3, 0.75, "correct"),
        ("class 00", "class 01"): (1, 0.25, "wrong"),
        ("class 01", "class 01"): (4, 1.0, "correct"),
    }


def test_the_chart_starts_with_the_selected_cell() -> None:
    found = evaluation([[3, 1], [0, 4]])
    chart = confusion_chart(found, found.classes, selected=Cell("class 00", "class 01")).to_dict()
    [parameter] = chart["params"]
    assert parameter["value"] == [{"true": "class 00", "predicted": "class 01"}]


def test_many_classes_have_every_name_on_both_axes_and_no_numbers() -> None:
    found = evaluation(np.eye(40, dtype=int) * 5 + 1)
    chart = confusion_chart(found, found.classes, selected=Cell("class 00", "class 01")).to_dict()
    [squares] = chart["layer"]
    for axis in ("x", "y"):
        assert squares["encoding"][axis]["scale"]["domain"] == list(found.classes)
        assert squares["encoding"][axis]["axis"]["labelOverlap"] is False
    assert len(confusion_chart(evaluation([[1]]), ("class 00",), selected=Cell("", "")).to_dict()["layer"]) == 2


def test_a_click_selects_its_cell_and_a_click_beside_the_cells_selects_none() -> None:
    points = [{"true": "class 00", "predicted": "class 01"}]
    assert clicked_cell({"selection": {"cell": points}}) == Cell("class 00", "class 01")
    for nothing in (None, {}, {"selection": {}}, {"selection": {"cell": {}}}, {"selection": {"cell": []}}):
        assert clicked_cell(nothing) is None
