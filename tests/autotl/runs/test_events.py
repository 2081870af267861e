"""Events as lines of JSON: one per event, of progress only what is news."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autotl.errors import ConfigError
from autotl.runs.events import EventLines


def test_every_event_is_a_line_and_progress_is_thinned(tmp_path: Path) -> None:
    lines = EventLines(tmp_path / "e.jsonl")
    for stage in ("hash", "scan"):
        for done in range(1, 101):
            lines({"event": "progress", "stage": stage, "done": done, "total": 100})
    lines({"event": "message", "text": "über"})
    lines.close()
    events = [json.loads(line) for line in (tmp_path / "e.jsonl").read_text().splitlines()]
    told = [(event["stage"], event["done"]) for event in events[:-1]]
    assert told[0] == ("hash", 1)
    assert {("hash", 100), ("scan", 1), ("scan", 100)} <= set(told)
    assert len(told) < 20
    assert events[-1]["text"] == "über"


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--events FILE"):
        EventLines(tmp_path / "nowhere" / "e.jsonl")
