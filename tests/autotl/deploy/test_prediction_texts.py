"""However predictions are written, the pieces put together are one whole text."""

from __future__ import annotations

import csv
import io
import json

import pandas as pd
import pytest

from autotl.deploy.prediction_texts import as_csv, as_frame, as_json, as_lines

CAT = {"item": "a, b.png", "label": "cat", "probabilities": {"cat": 0.75, "dog": 0.25}}
TORN = {"item": "torn.png", "error": 'it is "empty"'}
BATCHES = [[CAT], [TORN, CAT]]


def test_json_is_one_list_as_if_it_had_been_written_at_once():
    rows = [CAT, TORN, CAT]
    assert "".join(as_json(BATCHES)) == json.dumps(rows, indent=2) + "\n"
    assert json.loads("".join(as_json([]))) == []


def test_csv_has_a_header_then_a_row_per_image():
    pieces = list(as_csv(BATCHES, ("cat", "dog")))
    assert len(pieces) == 3
    assert list(csv.reader(io.StringIO("".join(pieces)))) == [
        ["item", "label", "cat", "dog", "error"],
        ["a, b.png", "cat", "0.75", "0.25", ""],
        ["torn.png", "", "", "", 'it is "empty"'],
        ["a, b.png", "cat", "0.75", "0.25", ""],
    ]


@pytest.mark.parametrize("name", ["=HYPERLINK(A1).png", "+1.png", "-1.png", "@SUM(A1).png"])
def test_a_spreadsheet_runs_no_file_name_of_a_table_as_a_formula(name):
    batches = [[{**CAT, "item": name}]]
    [_, row] = csv.reader(io.StringIO("".join(as_csv(batches, ("cat", "dog")))))
    assert row[0] == f"./{name}"
    assert json.loads("".join(as_json(batches)))[0]["item"] == as_frame(batches[0], ("cat", "dog"))["item"][0] == name


def test_lines_are_for_people():
    assert "".join(as_lines([[CAT, TORN]])) == 'a, b.png: cat (75.0 %)\ntorn.png: ? it is "empty"\n'


@pytest.mark.parametrize(
    "classes", [("error", "item", "label", "ok"), ("label", "label (probability)"), ("probability", "image", "error")]
)
def test_no_class_has_the_column_of_something_else(classes):
    shares = {name: round(0.1 * place, 1) for place, name in enumerate(classes, start=1)}
    rows = [[{"item": "a.png", "label": classes[0], "probabilities": shares}, {"item": "b.png", "error": "torn"}]]
    first, second = csv.DictReader(io.StringIO("".join(as_csv(rows, classes))))
    assert (first["item"], first["label"], first["error"]) == ("a.png", classes[0], "")
    assert (second["item"], second["label"], second["error"]) == ("b.png", "", "torn")
    assert len(first) == len(classes) + 3
    frame = as_frame(rows[0], classes)
    assert frame.columns.tolist() == list(first)
    assert frame.iloc[0].tolist()[:-1] == ["a.png", classes[0], *shares.values()]
    assert frame["error"].tolist()[1:] == ["torn"]
    assert frame.iloc[1, 1:-1].isna().all()


def test_a_frame_has_the_index_that_is_asked_for():
    frame = as_frame([CAT, TORN], ("cat", "dog"), pd.Index([7, 3]))
    assert frame.index.tolist() == [7, 3]
    assert frame.loc[3, "error"] == 'it is "empty"'
    assert frame["label"].isna().tolist() == [False, True]
    assert frame["cat"].dtype == float
    assert as_frame([], ("cat", "dog")).columns.tolist() == ["item", "label", "cat", "dog", "error"]


DOUBTED = [
    {"item": "a.png", "label": "cat", "probabilities": {"cat": 0.9, "dog": 0.1}, "set": ["cat"], "unsure": False,
     "none_of_these": 0.6},
    {"item": "b.png", "label": "cat", "probabilities": {"cat": 0.6, "dog": 0.4}, "set": ["cat", "dog"], "unsure": True,
     "none_of_these": 0.01},
    {"item": "c.png", "label": "dog", "probabilities": {"cat": 0.4, "dog": 0.6}, "set": [], "unsure": True,
     "none_of_these": 0.5},
    {"item": "d.png", "error": "it is torn"},
]  # fmt: skip
DOUBTS = ("set", "unsure", "none_of_these")


def test_a_line_says_what_the_model_doubts_and_nothing_where_it_does_not():
    assert "".join(as_lines([DOUBTED])).splitlines() == [
        "a.png: cat (90.0 %)",
        "b.png: cat (60.0 %); unsure; may be cat or dog; like none of the classes (p = 0.01)",
        "c.png: dog (60.0 %); unsure; no class fits well",
        "d.png: ? it is torn",
    ]


def test_doubts_are_the_last_columns_of_a_table_and_only_where_they_are_offered():
    lines = "".join(as_csv([DOUBTED], ("cat", "dog"), DOUBTS)).splitlines()
    assert lines[0] == "item,label,cat,dog,error,set,unsure,none_of_these"
    assert lines[2] == "b.png,cat,0.6,0.4,,cat|dog,true,0.01"
    assert lines[4] == "d.png,,,,it is torn,,,"
    assert "".join(as_csv([DOUBTED], ("cat", "dog"))).splitlines()[1] == "a.png,cat,0.9,0.1,"


def test_a_class_that_is_called_as_a_doubt_keeps_its_column():
    rows = [{"item": "a.png", "label": "set", "probabilities": {"set": 0.9, "dog": 0.1}, "set": ["set"]}]
    assert "".join(as_csv([rows], ("set", "dog"), ("set",))).splitlines() == [
        "item,label,set,dog,error,set (doubts)", "a.png,set,0.9,0.1,,set",
    ]  # fmt: skip


def test_a_frame_holds_doubts_in_columns_of_their_own_kinds():
    frame = as_frame(DOUBTED, ("cat", "dog"), doubts=DOUBTS)
    assert frame["set"].tolist()[:3] == ["cat", "cat|dog", ""]
    assert frame["unsure"].tolist()[:3] == [False, True, True]
    assert frame["unsure"].isna().tolist() == [False, False, False, True]
    assert frame["none_of_these"].tolist()[:3] == [0.6, 0.01, 0.5]
    assert as_frame(DOUBTED, ("cat", "dog")).columns.tolist() == ["item", "label", "cat", "dog", "error"]
