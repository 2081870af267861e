"""Columns of ordered classes: the order is told in a note, or the data are refused."""

import pandas as pd
import pytest

from autotl.data.ordered_column import read_ordered
from autotl.errors import DatasetError


def read(*cells: str, given=()):
    return read_ordered(pd.Series(cells, name="grade", dtype=str), "x.csv", given)


def test_classes_are_coded_in_their_order_and_the_order_is_said():
    found = read("high", "low", "", "medium", "nan")
    assert found.names == ("low", "medium", "high")
    assert found.codes.tolist() == [2, 0, -1, 1, -1]
    [note] = found.notes
    assert note.message == (
        "the classes in the column 'grade' of x.csv are in this order, by a known scale: low, medium, high"
    )
    assert note.advice


def test_numbers_are_in_numeric_order_also_with_decimals_that_a_program_added():
    found = read("10.0", "9.0", "", "2.0")
    assert found.names == ("2", "9", "10")
    assert found.notes[0].advice == ""


def test_an_order_that_is_given_decides_and_is_said():
    found = read("dog", "cat", "ant", "", given=("cat", "dog", "ant"))
    assert found.names == ("cat", "dog", "ant")
    assert found.codes.tolist() == [1, 0, 2, -1]
    assert found.notes[0].message.endswith("are in this order, as given: cat, dog, ant")
    assert not found.notes[0].advice
    assert read("low", "high", given=("high", "low")).names == ("high", "low")


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (("cat", "dog"), r"the order of the classes in .* is not known: 'cat', 'dog'. .* --order cat,dog\. Or begin"),
        (("low", "low"), r"has 1 class \(low\); at least 2 are needed"),
        (("", ""), "has 0 classes; at least 2"),
    ],
)
def test_an_order_that_nothing_tells_is_refused(cells, message):
    with pytest.raises(DatasetError, match=message):
        read(*cells)
