"""Labels in a column: one rule says which cells hold none, and a number is one class however it is written."""

from __future__ import annotations

import pandas as pd
import pytest

from autotl.data.column_words import MISSING_WORDS, without_missing
from autotl.data.label_words import label_notes, label_text


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (["cat", " cat ", "Cat"], ["cat", "cat", "Cat"]),
        (["1", "1.0", "2.", "3,0"], ["1", "1", "2", "3"]),
        (["01", "1", ""], ["01", "1", ""]),
        (["1.0", "1.5"], ["1.0", "1.5"]),
        (["K\u00e4fer", "Ka\u0308fer"], ["K\u00e4fer", "K\u00e4fer"]),
        (["True", "False", "NA"], ["True", "False", ""]),
        (["2024-01-03", "?"], ["2024-01-03", ""]),
        (["none", "None", "unknown"], ["none", "None", "unknown"]),
        (["a", "N/A", "null", "NaN", "-", "<NA>", "#N/A"], ["a", *[""] * 6]),
    ],
)
def test_labels_are_written_in_one_way(written, read):
    assert label_text(pd.Series(written, dtype=str)).tolist() == read


def test_words_for_no_value_are_the_same_everywhere_in_any_case():
    words = [word.upper() for word in MISSING_WORDS]
    assert set(without_missing(pd.Series(words, dtype=str))) == {""}


def test_words_that_were_read_as_no_value_or_may_mean_it_are_told():
    labels = pd.Series(["a", "NA", "?", "none", "none", ""], name="kind", dtype=str)
    missing, doubtful = label_notes(labels, "x.csv")
    assert missing.message == (
        "2 of 6 rows of x.csv have no label: their 'kind' is 'NA', '?', which is read as no value"
    )
    assert doubtful.message == "'none' (2 rows) in the column 'kind' of x.csv is read as a class"
    assert label_notes(pd.Series(["a", ""], name="kind", dtype=str), "x.csv") == ()


def test_lists_in_cells_are_said_to_be_read_as_one_class():
    column = pd.Series(['["a", "b"]', '["a"]', "", '["b"]'], name="tags")
    (note,) = label_notes(column, "x.jsonl")
    assert note.message == (
        "the column 'tags' of x.jsonl holds lists, such as '[\"a\", \"b\"]', each of which is read as one class"
    )
    assert note.advice == "To learn each label by itself, add --target labels."
    assert not label_notes(pd.Series(["[a]", "b", "c"], name="tags"), "x.csv")
