"""How far a command is, from its file of events."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autotl.runs.progress_lines import ProgressSoFar, read_progress_so_far


def write(file: Path, *steps: tuple[int, float]) -> Path:
    file.write_text("".join(json.dumps({"time": at, "done": n, "total": 100}) + "\n" for n, at in steps))
    return file


def test_the_rate_is_that_since_the_first_line(tmp_path: Path) -> None:
    progress = read_progress_so_far(write(tmp_path / "e", (0, 100.0), (25, 105.0), (50, 110.0)))
    assert progress == ProgressSoFar(50, 100, 5.0)
    assert progress.seconds_left == 10
    assert not progress.is_complete


def test_a_line_that_is_still_being_written_is_ignored(tmp_path: Path) -> None:
    file = write(tmp_path / "e", (0, 100.0), (50, 110.0))
    with file.open("a", encoding="utf-8") as lines:
        lines.write('{"time": 12')
    assert read_progress_so_far(file).done == 50


def test_it_is_complete_when_everything_is_done(tmp_path: Path) -> None:
    assert read_progress_so_far(write(tmp_path / "e", (0, 100.0), (100, 120.0))).is_complete


@pytest.mark.parametrize("content", ["", "nonsense\n", "[]\n"])
def test_without_a_whole_line_nothing_is_known(content: str, tmp_path: Path) -> None:
    assert read_progress_so_far(tmp_path / "gone") == ProgressSoFar()
    (tmp_path / "e").write_text(content)
    assert read_progress_so_far(tmp_path / "e") == ProgressSoFar()
    assert not ProgressSoFar().is_complete


def test_the_time_left_is_unknown_without_a_rate() -> None:
    assert ProgressSoFar(0, 100).seconds_left is None
