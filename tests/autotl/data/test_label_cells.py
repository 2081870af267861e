"""Cells with several labels: lists of three dialects, and names joined by what the data show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotl.data.label_cells import UnreadableCell, find_separator, looks_like_list, parse_list, split_cell

NAMES = st.lists(st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=2, max_size=8), unique=True)


@pytest.mark.parametrize(
    ("cell", "labels"),
    [
        ('["cat", "hot dog"]', ("cat", "hot dog")),
        ("['cat', 'hot dog']", ("cat", "hot dog")),
        ("['cat' 'hot dog']", ("cat", "hot dog")),
        ("('cat', 'dog')", ("cat", "dog")),
        ("('cat',)", ("cat",)),
        ("{'dog', 'cat'}", ("cat", "dog")),
        ("[cat, hot dog]", ("cat", "hot dog")),
        ("[1, 2.0]", ("1", "2")),
        ('["cat", null, "", "cat", " dog "]', ("cat", "dog")),
        ("[]", ()),
        ("set()", ()),
        ('["it\'s"]', ("it's",)),
    ],
)
def test_lists_are_read_as_json_python_and_numpy_write_them(cell, labels):
    assert parse_list(cell) == labels


@pytest.mark.parametrize("cell", ['["cat", "dog]', '{"cat": 1}', '[["cat"]]', "['cat', dog]"])
def test_a_damaged_list_is_refused(cell):
    assert looks_like_list(cell)
    with pytest.raises(UnreadableCell):
        parse_list(cell)


@pytest.mark.parametrize(
    ("cells", "mark"),
    [
        (["cat;hot dog", "cat"], ";"),
        (["red, green; blue", "blue"], ";"),
        (["cat|dog", "dog"], "|"),
        (["cat, dog", "dog"], ","),
        (["beach sunset", "beach", "sunset", "sea beach"], " "),
        (["beach sea", "sea sunset", "beach sunset", "beach"], " "),
        (["hot dog", "ice cream", "pizza"], ""),
        (["great white shark", "white stork", "great auk"], ""),
        (["cat", "dog"], ""),
        ([], ""),
    ],
)
def test_the_separator_is_what_the_data_show(cells, mark):
    assert find_separator(cells).mark == mark


def test_names_with_spaces_survive_where_semicolons_separate():
    separator = find_separator(["hot dog; ice cream", "hot dog"])
    assert split_cell("hot dog ;  ice  cream;;hot dog", separator) == ("hot dog", "ice cream")


def test_a_semicolon_alone_says_that_no_label_applies():
    assert split_cell(";", find_separator(["a;b"])) == ()


@given(NAMES)
def test_what_json_and_python_write_is_read_back(names):
    import json
    import unicodedata

    from autotl.data.label_cells import is_empty

    expected = tuple(dict.fromkeys(n for name in names if not is_empty(n := unicodedata.normalize("NFC", name))))
    assert parse_list(json.dumps(names)) == expected
    assert parse_list(repr(names)) == expected
