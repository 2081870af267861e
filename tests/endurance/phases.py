"""The phases of a run, recognised by the events that it has written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

RUN_PHASES = ("start", "scan", "prepare", "features", "trial", "fine-tuning", "conclusion", "recording")
"""Of `autotl fit`, in their order. start: before the first event. recording: tracked and registered, at the end."""
UPLOAD, EXPORT, REGISTRATION, SERVING = "upload", "export", "registration", "serving"
PHASES = (UPLOAD, *RUN_PHASES, EXPORT, REGISTRATION, SERVING)
END = "end"


class PhaseReader:
    """The phase of one attempt at a run. events: its file, of which only what comes after the beginning counts."""

    def __init__(self, run: Path, events: Path) -> None:
        self._run, self._events = run, events
        self._offset = events.stat().st_size if events.exists() else 0
        self._phase, self._result_before = "start", _result(run)

    def read(self) -> str:
        """The phase that the run is in now."""
        for event in self._new_events():
            self._phase = phase_after(self._phase, event)
        if self._phase == "conclusion" and _result(self._run) not in (None, self._result_before):
            return "recording"
        return self._phase

    def _new_events(self) -> Iterator[dict[str, Any]]:
        if not self._events.exists():
            return
        with self._events.open("rb") as file:
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._offset += len(line)
                try:
                    yield json.loads(line)
                except ValueError:  # half a line, of an attempt before
                    continue


def phase_after(phase: str, event: Mapping[str, Any]) -> str:
    """The phase that an event, as a line of events.jsonl holds it, leads to."""
    kind = event["event"]
    if kind in ("begin", "dataset"):
        return "prepare"
    if kind == "stage":
        return "conclusion" if event["stage"] == "conclude" else "features"
    if kind == "trial-begin":
        return "fine-tuning" if event["strategy"] == "fine-tune" else "trial"
    if kind == "features":
        return "prepare" if phase == "features" else phase
    if kind == "end":
        return END
    return "scan" if phase == "start" and kind == "progress" else phase


def _result(run: Path) -> Any:
    try:
        return json.loads((run / "run.json").read_text(encoding="utf-8")).get("result")
    except (OSError, ValueError):
        return None
