"""events.jsonl is read onwards, whatever state it is in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autotl_ui.workspace.event_log import EventLog, read_events


def add(path: Path, *events: object) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(event)}\n" for event in events)


def test_only_what_is_new_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events.jsonl"
    add(path, {"event": "stage"}, {"event": "message", "text": "a"})
    log = EventLog(path)
    assert len(log.read()) == 2
    parsed: list[bytes] = []
    loads = json.loads
    monkeypatch.setattr(json, "loads", lambda line: parsed.append(line) or loads(line))
    add(path, {"event": "message", "text": "b"})
    assert [event.get("text") for event in log.read()] == [None, "a", "b"]
    assert len(parsed) == 1


def test_a_line_that_is_still_being_written_waits_and_a_damaged_one_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('{"event": "stage"}\n\x00{broken\n[1]\n{"no": "event"}\n{"event": "mess')
    log = EventLog(path)
    assert log.read() == [{"event": "stage"}]
    with path.open("a") as file:
        file.write('age"}\n')
    assert log.read() == [{"event": "stage"}, {"event": "message"}]


def test_another_file_by_the_same_name_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    assert read_events(tmp_path) == []
    add(path, {"event": "a"}, {"event": "b"})
    assert len(read_events(tmp_path)) == 2
    path.unlink()
    assert read_events(tmp_path) == []
    add(path, {"event": "c"})
    assert read_events(tmp_path) == [{"event": "c"}]


def test_lists_of_files_and_outdated_progress_are_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    add(path, {"event": "finding", "message": "m", "items": ["x"] * 1000})
    add(path, *({"event": "progress", "done": i} for i in range(50)))
    assert read_events(tmp_path) == [{"event": "finding", "message": "m"}, {"event": "progress", "done": 49}]
