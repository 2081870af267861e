"""Which classes are confused."""

from __future__ import annotations

import numpy as np
import pandas as pd

from autotl.evidence.confusions import (
    Cell,
    CellCount,
    count_cells,
    most_confused_cell,
    most_confused_classes,
    most_frequent_mistakes,
)
from autotl.evidence.evaluations import Evaluation


def evaluation(confusion: list[list[int]]) -> Evaluation:
    counts = np.array(confusion)
    return Evaluation({}, counts, tuple(f"class {i:02d}" for i in range(len(counts))), int(counts.sum()))


def test_a_cell_has_its_count_and_its_share_of_the_true_class() -> None:
    cells = {count.cell: (count.n_items, count.share) for count in count_cells(evaluation([[3, 1], [0, 4]]))}
    assert cells == {
        Cell("class 00", "class 00"): (3, 0.75),
        Cell("class 00", "class 01"): (1, 0.25),
        Cell("class 01", "class 01"): (4, 1.0),
    }
    assert [cell.is_correct for cell in cells] == [True, False, True]


def test_mistakes_are_counted_without_the_diagonal_most_frequent_first() -> None:
    found = evaluation([[5, 1, 0], [0, 9, 3], [0, 0, 4]])
    first, second = (
        CellCount(Cell("class 01", "class 02"), n_items=3, n_true=12),
        CellCount(Cell("class 00", "class 01"), n_items=1, n_true=6),
    )
    assert most_frequent_mistakes(found, 5) == (first, second)
    assert most_frequent_mistakes(found, 1) == (first,)


def test_of_mistakes_that_are_as_frequent_those_of_the_first_class_come_first() -> None:
    found = most_frequent_mistakes(evaluation([[5, 0, 2], [2, 9, 0], [0, 2, 4]]), 2)
    assert [one.cell for one in found] == [Cell("class 00", "class 02"), Cell("class 01", "class 00")]


def test_the_most_confused_cell_is_the_most_frequent_mistake_and_without_any_the_largest_class() -> None:
    assert most_confused_cell(evaluation([[9, 1, 0], [2, 9, 0], [0, 0, 30]])) == Cell("class 01", "class 00")
    assert most_confused_cell(evaluation([[9, 0], [0, 30]])) == Cell("class 01", "class 01")


def test_the_most_confused_classes_count_mistakes_on_either_side() -> None:
    found = evaluation([[9, 0, 0, 0], [0, 9, 3, 0], [0, 0, 9, 2], [0, 0, 0, 9]])
    assert most_confused_classes(found, 2) == {"class 01", "class 02"}


def test_a_cell_selects_its_answers() -> None:
    answers = pd.DataFrame({"path": ["a", "b", "c"], "label": ["x", "x", "y"], "predicted": ["x", "y", "y"]})
    assert list(Cell("x", "y").select(answers)["path"]) == ["b"]
