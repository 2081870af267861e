"""Tables and folders with several labels per item; what is unknown is not taken for a no."""

import numpy as np
import pandas as pd
import pytest

from autotl.data.label_lists import columns_of_labels, merge_copies, read_label_column, read_label_columns
from autotl.errors import DatasetError
from autotl.targets import LABELS, Target, encode


def column(*cells: str) -> pd.Series:
    return pd.Series(cells, name="tags", dtype=str)


def test_names_are_sorted_and_each_item_has_its_labels():
    found = read_label_column(column('["dog", "cat"]', '["cat"]', "[]"), "x.csv")
    assert found.names == ("cat", "dog")
    assert found.applies.tolist() == [[True, True], [True, False], [False, False]]
    assert found.known.all()
    assert (found.layout, found.notes) == ("lists", ())


def test_an_empty_cell_is_unlabelled_and_an_empty_list_has_no_label():
    found = read_label_column(column("cat;dog", "", "nan", ";"), "x.csv")
    assert found.known.tolist() == [[True, True], [False, False], [False, False], [True, True]]
    assert found.texts() == ["cat;dog", "", "", ";"]


def test_the_separator_that_was_found_is_said_with_what_to_do_if_it_is_wrong():
    found = read_label_column(column("sea beach", "sea", "beach sunset", "sunset"), "x.csv")
    [note] = found.notes
    assert found.names == ("beach", "sea", "sunset")
    assert note.message == "the column 'tags' of x.csv has labels separated by spaces, such as 'beach', 'sea', 'sunset'"
    assert note.advice == "Separate the labels by semicolons if there are spaces within their names."
    [note] = read_label_column(column("hot dog", "pizza"), "x.csv").notes
    assert note.message.startswith("each cell of the column 'tags' of x.csv is one label")
    assert note.severity == "warning"


def test_names_with_spaces_and_commas_survive_between_semicolons():
    found = read_label_column(column("hot dog; salt, pepper", "hot dog"), "x.csv")
    assert found.names == ("hot dog", "salt, pepper")


def test_lists_and_single_names_may_stand_in_one_column():
    found = read_label_column(column("['cat', 'dog']", "cat", "bird"), "x.csv")
    assert found.names == ("bird", "cat", "dog")


def test_a_question_mark_before_a_name_says_that_it_is_unknown():
    found = read_label_column(column("cat;?dog", "dog"), "x.csv")
    assert found.names == ("cat", "dog")
    assert found.applies.tolist() == [[True, False], [False, True]]
    assert found.known.tolist() == [[True, False], [True, True]]


def test_texts_are_read_back_as_the_same_labels():
    found = read_label_column(column("cat;?dog", "dog", ";", "bird;cat"), "x.csv")
    encoded = encode(Target("tags", LABELS, found.names), np.array(found.texts()))
    assert np.array_equal(encoded == 1, found.applies)
    assert np.array_equal(encoded >= 0, found.known)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (("cat", '["cat", "dog]'), r"row 2 of x.csv has '\[\"cat\", \"dog\]' in the column 'tags', which looks like a"),
        (('["a;b"]',), r"row 1 of x.csv has the label 'a;b' .* a name cannot contain ';'"),
        (("", "nan", "[]"), "no row of x.csv has a label in the column 'tags'"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_row(cells, message):
    with pytest.raises(DatasetError, match=message):
        read_label_column(column(*cells), "x.csv")


def test_empty_cells_and_minus_one_are_unknown_beside_zeros():
    frame = pd.DataFrame({"b": ["1", "0", "", "-1.0"], "a": ["0.0", "1.0", "1", "nan"]})
    found = read_label_columns(frame, ["b", "a"], "x.csv")
    assert found.names == ("a", "b")
    assert found.applies.tolist() == [[False, True], [True, False], [True, False], [False, False]]
    assert found.known.tolist() == [[True, True], [True, True], [True, False], [False, False]]
    assert [note.message for note in found.notes] == ["3 of 8 labels in x.csv are unknown; they count neither way"]


def test_where_there_are_only_marks_an_empty_cell_is_a_no_and_that_is_said():
    frame = pd.DataFrame({"a": ["x", "", "x"], "b": ["", "x", "x"]})
    found = read_label_columns(frame, ["a", "b"], "x.csv")
    assert found.known.all()
    assert found.applies.tolist() == [[True, False], [False, True], [True, True]]
    assert "an empty cell is read as: the label does not apply" in found.notes[0].message


def test_an_answer_that_is_none_is_refused_with_its_row_and_column():
    frame = pd.DataFrame({"a": ["1", "0"], "b": ["0", "maybe"]})
    with pytest.raises(DatasetError, match=r"row 2 of x.csv has 'maybe' in the column 'b'.*expected 1 or 0"):
        read_label_columns(frame, ["a", "b"], "x.csv")


@pytest.mark.parametrize("name", ["a;b", "?b"])
def test_a_column_whose_name_cannot_be_that_of_a_label_is_refused(name):
    frame = pd.DataFrame({"a": ["1", "0"], name: ["0", "1"]})
    with pytest.raises(DatasetError, match=r"x.csv has a column for the label .*Rename it"):
        read_label_columns(frame, ["a", name], "x.csv")


def test_a_label_that_never_applies_is_named():
    frame = pd.DataFrame({"a": ["1", "0"], "b": ["0", "0"]})
    assert "these labels apply: 'b'" in read_label_columns(frame, ["a", "b"], "x.csv").notes[0].message


def test_columns_of_answers_are_told_from_others():
    frame = pd.DataFrame({"path": ["1.png", "2.png"], "a": ["1", "0"], "b": ["", "1"], "age": ["3", "1"]})
    assert columns_of_labels(frame, list(frame)) == ("a", "b")
    assert columns_of_labels(frame, ["path", "a", "age"]) == ()


def test_one_content_in_several_folders_has_the_labels_of_all():
    rows, found = merge_copies(["cat", "dog", "dog", "", "cat"], ["1", "1", "2", "3", ""])
    assert rows.tolist() == [0, 2]
    assert found.names == ("cat", "dog")
    assert found.applies.tolist() == [[True, True], [False, True]]
    assert found.known.all()
    assert found.notes[0].message.startswith("1 item in several class folders")


def test_without_labelled_items_there_are_no_labels():
    rows, found = merge_copies(["", ""], ["1", "2"])
    assert (len(rows), found.names, found.applies.shape) == (0, (), (0, 0))
