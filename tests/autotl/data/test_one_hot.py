"""Tables with one column per class: read where each row has one class, refused or left alone otherwise."""

from __future__ import annotations

import pandas as pd
import pytest

from autotl.data.one_hot import read_one_hot
from autotl.errors import DatasetError


def table(**columns: str) -> pd.DataFrame:
    return pd.DataFrame({name: text.split(" ") for name, text in columns.items()}).replace("_", "")


@pytest.mark.parametrize("marks", [("1", "0"), ("1.0", "0.0"), ("True", "False"), ("x", "_"), ("yes", "no")])
def test_the_marked_column_is_the_class_of_a_row(marks):
    yes, no = marks
    frame = table(cat=f"{yes} {no} {no}", dog=f"{no} {yes} {yes}", site="a b c")
    found = read_one_hot(frame, list(frame), "labels.csv")
    assert found is not None
    assert (found.columns, found.labels.tolist()) == (("cat", "dog"), ["cat", "dog", "dog"])


def test_a_row_without_a_mark_is_unlabelled_and_said_to_be():
    found = read_one_hot(table(cat="1 0 0", dog="0 1 0"), ["cat", "dog"], "labels.csv")
    assert found is not None
    assert found.labels.tolist() == ["cat", "dog", ""]
    assert "1 of 3 rows of labels.csv are of no class" in found.notes[0].message


def test_rows_of_several_classes_are_refused_by_name():
    with pytest.raises(DatasetError, match="1 of its rows are of several classes, such as row 2: cat, dog"):
        read_one_hot(table(cat="1 1 0", dog="0 1 1"), ["cat", "dog"], "labels.csv")


def test_a_class_called_like_a_column_of_labels_is_one_of_the_classes():
    found = read_one_hot(table(target="1 0", background="0 1"), ["target", "background"], "labels.csv")
    assert found is not None
    assert found.labels.tolist() == ["target", "background"]


@pytest.mark.parametrize(
    "columns",
    [
        {"label": "cat dog", "night": "0 1", "rain": "1 0"},
        {"label": "0 1 1", "night": "0 1 0", "rain": "0 0 1"},
        {"defect": "0 1"},
        {"score": "0.2 0.8", "defect": "0 1"},
    ],
)
def test_columns_of_true_and_false_beside_a_label_are_no_classes(columns):
    assert read_one_hot(table(**columns), list(columns), "labels.csv") is None
