"""Columns of numbers: every way of writing them is read rightly, or refused with the reason."""

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotl.data.number_column import read_numbers
from autotl.errors import DatasetError


def read(*cells: str):
    return read_numbers(pd.Series(cells, name="age", dtype=str), "x.csv")


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (("1", "2.5", "-3e2", "+.5", "4."), [1, 2.5, -300, 0.5, 4]),
        (("1,5", "2,25", "3"), [1.5, 2.25, 3]),
        (("1.234,5", "2,25"), [1234.5, 2.25]),
        (("1,234.5", "2.25"), [1234.5, 2.25]),
        (("1,234,567", "1,000"), [1234567, 1000]),
        (("1.234.567", "1.000"), [1234567, 1000]),
        (("1.500", "2.250"), [1.5, 2.25]),
        (("1,500", "950"), [1500, 950]),
        (("1,500", "2.5"), [1500, 2.5]),
        (("0,125", "1,500"), [0.125, 1.5]),
        (("1 234", "1'000", "12\u202f345"), [1234, 1000, 12345]),
        (("−4", "- 4".replace(" ", ""), "5"), [-4, -4, 5]),
    ],
)
def test_numbers_are_read_as_the_cells_together_show(cells, values):
    assert read(*cells).values.tolist() == values


def test_empty_cells_and_words_for_no_value_are_unlabelled():
    found = read("1", "", "nan", "N/A", "2")
    assert [math.isnan(value) for value in found.values] == [False, True, True, True, False]
    assert found.texts() == ["1.0", "", "", "", "2.0"]


def test_a_decimal_comma_is_said():
    [note] = read("1,5", "2,25", "3").notes
    assert note.message == "'1,5' in the column 'age' of x.csv is read as 1.5"


def test_few_different_whole_numbers_may_be_grades():
    [note] = read("1", "2", "3", "1").notes
    assert note.message == "the column 'age' of x.csv has only 3 different numbers (1, 2, 3)"
    assert "--target ordered" in note.advice
    assert read("1.5", "2", "3").notes == ()


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (("12 kg", "15 kg"), r"2 of the 2 cells in .* such as '12 kg' in row 1: it has a unit"),
        (("1", "45 %"), r"1 of the 2 cells .* such as '45 %' in row 2: it has a unit. Write the number alone"),
        (("€ 5", "7"), r"'€ 5' in row 1: it has a unit"),
        (("", "old", "5", "young"), r"2 of the 3 cells .* such as 'old' in row 2 \('young'\). Write one number"),
        (("10-20", "5"), r"such as '10-20' in row 1. Write one number into each cell"),
        (("2020-01-02", "5"), r"such as '2020-01-02' in row 1. Write one number"),
        (("1,500", "2,250"), r"has '1,500', which may be 1500 or 1.500, and no other cell tells"),
        (("1e999", "2"), "'1e999', which is too large"),
        (("inf", "2"), "such as 'inf' in row 1"),
        (("5", "5.0", ""), "all 2 numbers in .* are 5, so that there is nothing to learn"),
        (("", "nan"), "has no numbers"),
    ],
)
def test_what_is_no_number_is_refused_with_the_reason(cells, message):
    with pytest.raises(DatasetError, match=message):
        read(*cells)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, unique=True))
def test_what_python_writes_is_read_back(values):
    assert read(*map(repr, values)).values.tolist() == values


@given(st.lists(st.integers(-(10**9), 10**9), min_size=2, unique=True))
def test_thousands_are_read_back_unless_they_may_be_decimals(values):
    try:
        found = read(*(f"{value:,}" for value in values))
    except DatasetError as error:
        assert "which may be" in str(error)
    else:
        assert found.values.tolist() == values
