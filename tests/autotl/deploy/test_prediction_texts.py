"""However predictions are written, the pieces put together are one whole text."""

from __future__ import annotations

import csv
import io
import json

from autotl.deploy.batch_prediction import as_csv, as_json, as_lines

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


def test_lines_are_for_people():
    assert "".join(as_lines([[CAT, TORN]])) == 'a, b.png: cat (75.0%)\ntorn.png: ? it is "empty"\n'
