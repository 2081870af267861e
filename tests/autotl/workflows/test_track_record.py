"""The track record: a line a run, and how often forecasts of each kind held."""

import json

from autotl.runs.forecasts import CHAMPION, KINDS, TWICE, Forecast
from autotl.workflows.track_record import FILE, Record, read_records, tally


def write(folder, *records):
    lines = [json.dumps(record.to_json()) for record in records]
    (folder / FILE).write_text("\n".join([*lines, "{damaged", ""]), encoding="utf-8")


def record(n_images, default, *forecasts, data="here"):
    return Record("run", data, "balanced_accuracy", n_images, default, forecasts)


def counts(folder, kind):
    found = {one.kind: one for one in tally(read_records(folder))}[kind]
    return found.held, found.graded, found.open


def test_no_record_is_no_forecast(tmp_path):
    assert read_records(tmp_path) == []
    assert [one.graded for one in tally([])] == [0] * len(KINDS)


def test_forecasts_that_held_are_counted_and_damaged_lines_are_left_out(tmp_path):
    right, wrong = (Forecast(CHAMPION, 0.9, 0.85, 0.95, outcome=outcome) for outcome in (0.9, 0.5))
    write(tmp_path, record(100, 0.8, right), record(100, 0.8, wrong), record(100, 0.8, Forecast(CHAMPION)))
    assert counts(tmp_path, CHAMPION) == (1, 2, 0)


def test_a_later_run_on_twice_the_images_of_the_same_data_grades_what_was_said_of_them(tmp_path):
    twice = Forecast(TWICE, 0.9, 0.85, 0.95, now=0.8, n_images=200)
    write(tmp_path, record(100, 0.8, twice), record(204, 0.99, data="elsewhere"), record(120, 0.7))
    assert counts(tmp_path, TWICE) == (0, 0, 1)
    write(tmp_path, record(100, 0.8, twice), record(204, 0.94), record(204, 0.2))
    assert counts(tmp_path, TWICE) == (1, 1, 0)
