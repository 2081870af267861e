"""What is printed while a run goes on."""

from __future__ import annotations

import pytest

from autotl.cli.progress import ProgressPrinter


@pytest.mark.parametrize(
    ("event", "line"),
    [
        ({"stage": "features", "done": 512, "total": 2000, "rate": 200.0}, "features: 512 of 2000, 200/s, ETA 7s"),
        ({"stage": "fine-tuning", "done": 3, "total": 6, "eta_seconds": 42.0}, "fine-tuning: 3 of 6, ETA 42s"),
    ],
)  # fmt: skip
def test_long_work_tells_now_and_then_how_far_it_is_and_when_it_ends(event, line, monkeypatch, capsys):
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    printer = ProgressPrinter(budget_seconds=None)
    printer({"event": "progress", **event, "done": 0})
    now[0] += 60
    printer({"event": "progress", **event})
    printer({"event": "progress", **event})
    [told] = capsys.readouterr().err.splitlines()
    assert line in told
