"""Files of events: each event is a line, and is read onwards, whatever state the file is in."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest

from autotl.errors import ConfigError
from autotl.runs.event_log import EventReader, EventWriter, parse_event, read_events
from autotl.runs.events import (
    KINDS,
    ActivationsCached,
    DatasetRead,
    EngineChosen,
    Event,
    FeaturesRead,
    FindingMade,
    FineTuningProposed,
    FirstModelSaved,
    ForecastsMade,
    Message,
    Progress,
    RankedReading,
    ReadingsRanked,
    SearchBegun,
    SearchEnded,
    StageBegun,
    TrialBegun,
    TrialEnded,
)

EVENTS = (
    SearchBegun(1.5),
    DatasetRead(90, ("cat", "dög"), 54, 18, 18, ignored={"not an image": 2}, layout="folders"),
    FindingMade("copies", "warning", "two are alike", "Exclude one."),
    Progress("features", 64, 90, 12.5, 2.1),
    StageBegun("features", "net", "224x224"),
    FeaturesRead("net", "224x224", 90, seconds=7.2, n_features=3712, engine="onnxruntime", images_per_second=12.5),
    ReadingsRanked((RankedReading("net", (320, 240), "joined", "avg+max", 0.4),)),
    TrialBegun(1, "probe", "net", "224x224", "joined", "avg+max", "logistic"),
    TrialEnded(1, "logistic on net", value=0.8, low=0.7, high=0.9, seconds=2.0, best_trial=1),
    ActivationsCached("from stage 4"),
    Message("über"),
    EngineChosen("engine: onnxruntime"),
    FineTuningProposed("fine-tuning may change accuracy"),
    FirstModelSaved("a first model is saved", 24),
    ForecastsMade(({"kind": "twice", "value": 0.9, "low": 0.85, "high": None},)),
    SearchEnded("complete", 12.0),
)


def add(path: Path, *events: object) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(event)}\n" for event in events)


def test_what_is_written_is_read_again_event_for_event(tmp_path: Path) -> None:
    assert {type(event) for event in EVENTS} == set(KINDS.values())
    assert len(KINDS) == len(EVENTS)
    write = EventWriter(tmp_path / "e.jsonl")
    for event in EVENTS:
        write(event)
    found = read_events(tmp_path / "e.jsonl")
    assert found == list(EVENTS)
    assert [event.time for event in found] == [event.time for event in EVENTS]
    assert all(type(getattr(event, one.name)) is type(getattr(again, one.name))
               for event, again in zip(EVENTS, found, strict=True) for one in fields(event))  # fmt: skip


def test_of_progress_within_a_stage_only_some_is_written(tmp_path: Path) -> None:
    write = EventWriter.create(tmp_path / "e.jsonl")
    for stage in ("hash", "scan"):
        for done in range(1, 101):
            write(Progress(stage, done, 100))
    write(Message("done"))
    lines = [json.loads(line) for line in (tmp_path / "e.jsonl").read_text().splitlines()]
    told = [(line["stage"], line["done"]) for line in lines[:-1]]
    assert told[0] == ("hash", 1)
    assert {("hash", 100), ("scan", 1), ("scan", 100)} <= set(told)
    assert len(told) < 20
    assert (lines[-1]["event"], lines[-1]["text"]) == ("message", "done")


def test_a_new_file_replaces_an_old_one_and_one_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").write_text("old\n")
    EventWriter.create(tmp_path / "e.jsonl")
    assert (tmp_path / "e.jsonl").read_text() == ""
    with pytest.raises(ConfigError, match="--events FILE"):
        EventWriter.create(tmp_path / "nowhere" / "e.jsonl")


def test_after_a_kill_no_event_is_appended_to_half_a_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('{"event": "mess')
    write = EventWriter(path)
    write.repair()
    write(Message("a"))
    write.repair()
    assert read_events(path) == [Message("a")]
    assert path.read_text().count("\n") == 2


def test_only_what_is_new_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events.jsonl"
    write = EventWriter(path)
    write(StageBegun("conclude"))
    write(Message("a"))
    reader = EventReader(path)
    assert len(reader.read()) == 2
    parsed: list[bytes] = []
    loads = json.loads
    monkeypatch.setattr(json, "loads", lambda line: parsed.append(line) or loads(line))
    write(Message("b"))
    assert reader.read() == [StageBegun("conclude"), Message("a"), Message("b")]
    assert len(parsed) == 1


def test_a_line_that_is_still_being_written_waits_and_a_damaged_one_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('{"event": "message", "text": "a"}\n\x00{broken\n[1]\n{"no": "event"}\n{"event": "mess')
    reader = EventReader(path)
    assert reader.read() == [Message("a")]
    with path.open("a") as file:
        file.write('age", "text": "b"}\n')
    assert reader.read() == [Message("a"), Message("b")]


@pytest.mark.parametrize(
    "line",
    [
        {"event": "message"}, {"event": "message", "text": 5}, {"event": "progress", "stage": "x", "done": "?"},
        {"event": "dataset", "n_items": 1, "classes": 5}, {"event": "begin", "spent_seconds": 1, "time": [1]},
        {"event": "begin", "spent_seconds": 1, "time": float("nan")}, {"event": "begin", "spent_seconds": None},
        {"event": "begin", "spent_seconds": float("inf")}, {"event": "trial", "number": 1, "value": float("nan")},
        {"event": "nothing known"}, {"event": 7}, {"event": [1]}, {"event": "message", "text": "a", "time": "soon"},
    ],
)  # fmt: skip
def test_a_line_with_a_missing_or_odd_field_is_skipped(line: object) -> None:
    assert parse_event(json.dumps(line).encode()) is None


def test_what_another_version_added_is_ignored_and_a_time_that_is_missing_is_zero() -> None:
    event = parse_event(b'{"event": "message", "text": "a", "colour": "red"}')
    assert event == Message("a")
    assert event.time == 0.0


def test_another_file_by_the_same_name_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    assert read_events(path) == []
    EventWriter(path)(Message("a"))
    EventWriter(path)(Message("b"))
    assert len(read_events(path)) == 2
    path.unlink()
    assert read_events(path) == []
    EventWriter(path)(Message("c"))
    assert read_events(path) == [Message("c")]


def test_another_file_in_the_same_place_and_of_the_same_length_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    for text in ("old", "new"):
        write = EventWriter.create(path)  # the same inode, which a deleted file may leave to another, too
        write(Message(text, time=5.0))
        write(Message("and more"))
        assert read_events(path) == [Message(text), Message("and more")]


def test_a_line_that_nests_too_deeply_is_skipped() -> None:
    assert parse_event(b'{"event": "message", "text": ' + b"[" * 100_000) is None


def test_lists_of_files_and_outdated_progress_are_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    finding = FindingMade("copies", "info", "m")
    add(path, finding.to_json() | {"items": ["x"] * 1000}, *(Progress("scan", i, 50).to_json() for i in range(50)))
    found: list[Event] = read_events(path)
    assert found == [finding, Progress("scan", 49, 50)]
    assert not hasattr(found[0], "items")
