"""JSON lines are read line by line as text, and a file that is not a table is refused with the line."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from autotl.data.json_lines import NESTED, read_json_lines
from autotl.data.tables import column_names, read_side_table, read_table, require_column
from autotl.errors import DatasetError


@pytest.fixture
def lines(tmp_path):
    """Read text as JSON lines."""

    def lines(text, encoding="utf-8", **options):
        (tmp_path / "x.jsonl").write_bytes(text.encode(encoding))
        return read_json_lines(tmp_path / "x.jsonl", **options)

    return lines


def test_values_become_text_and_missing_ones_are_empty(lines):
    rows = [
        {"text": 'Hi,\n"you"', "label": "ham", "n": 3, "real": 2.5, "yes": True},
        {"label": None, " n ": 4, "text": "Größe 😀", "tags": ["a", "b"]},
        {"text": "", "real": float("nan")},
    ]
    table = lines("\n\n".join(map(json.dumps, rows)))
    assert table.to_dict("list") == {
        "text": ['Hi,\n"you"', "Größe 😀", ""], "label": ["ham", "", ""], "n": ["3", "4", ""], "real": ["2.5", "", ""],
        "yes": ["true", "", ""], "tags": ["", '["a", "b"]', ""],
    }  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_every_encoding_of_tables_is_read(lines, encoding):
    assert lines('{"text": "Größe"}\r\n', encoding)["text"].tolist() == ["Größe"]


def test_half_a_character_is_replaced(lines):
    assert lines(r'{"text": "a\ud83d b"}')["text"].tolist() == ["a\ufffd b"]


def test_only_the_first_rows_are_read_where_few_are_wanted(lines):
    assert lines('{"a": 1}\n{"a": 2}\nnonsense\n', rows=2)["a"].tolist() == ["1", "2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n \n", "it is empty"),
        ('{"a": 1}\n{"a": \n', r"line 2 is not JSON \(.*\): '{\"a\":'. Write one JSON object on each line$"),
        ('[\n  {"a": 1}\n]\n', "line 1 is not JSON .* on each line, not one document over several lines"),
        ('[{"a": 1}]', r"line 1 is a list, not an object: .* such as {\"text\": "),
        ("3\n", "line 1 is a single value, not an object"),
        ("[" * 100_000, "line 1 has too many brackets within each other"),
        ('{"a": 1, " a": 2}', "line 1 has the key 'a' more than once"),
        ("\n".join(f'{{"{n}": 1}}' for n in range(10_002)), "more than 10,000 different keys by line 10001"),
        ('{"a": ' + "1" * 5000 + "}", "line 1 is not JSON"),
    ],
)
def test_what_is_no_table_is_refused_with_the_line(lines, text, message):
    with pytest.raises(ValueError, match=message):
        lines(text)


def test_columns_with_objects_are_left_out_and_refused_where_they_are_asked_for(lines, tmp_path):
    table = lines('{"text": "a", "votes": {}, "ids": [[1]]}\n{"text": "b", "votes": {"x": 1}}\n')
    assert list(table) == ["text"]
    assert table.attrs[NESTED] == {"votes": 1, "ids": 1}
    with pytest.raises(DatasetError, match=r"'votes' of .*x\.jsonl, given with --text, has objects .*line 1.* Write "):
        require_column(read_table(tmp_path / "x.jsonl"), "votes", tmp_path / "x.jsonl", "--text")


@pytest.mark.parametrize("name", ["x.jsonl", "x.NDJSON"])
def test_json_lines_are_a_table_as_any_other(tmp_path, name):
    path = tmp_path / name
    path.write_text('{"path": "a.txt", " age": 3}\n')
    assert read_table(path).to_dict("list") == {"path": ["a.txt"], "age": ["3"]}
    assert column_names(path) == ["path", "age"]
    path.write_text('{"path": \n')
    assert column_names(path) == []
    with pytest.raises(DatasetError, match="cannot be read as a JSON lines file: line 1 is not JSON"):
        read_table(path)


def test_a_side_table_may_be_json_lines(tmp_path):
    (tmp_path / "x.jsonl").write_text('{"path": "a.png", "group": "g"}\n')
    assert read_side_table(tmp_path / "x.jsonl", pd.Series(["a.png"]), column="group")["group"].tolist() == ["g"]
