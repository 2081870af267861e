"""Telling a person at a terminal what a run is doing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_LINE_SECONDS = 10.0
"""How often progress is printed where there is no terminal for a bar."""
_TITLES = {
    "unpack": "unpacking", "hash": "hashing files", "scan": "looking at images", "compare": "finding near-duplicates",
    "features": "reading features", "index": "reading training images", "predict": "classifying",
}  # fmt: skip


class ProgressPrinter:
    """A listener that prints a run's events on standard error: bars with an ETA, and a line per trial."""

    def __init__(self, *, budget_seconds: float | None) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._budget_seconds = budget_seconds
        self._started = time.monotonic()
        self._bar: Progress | None = None
        self._stage, self._stage_started, self._last_line = "", 0.0, 0.0

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Print one event."""
        handler = getattr(self, f"_on_{event['event'].replace('-', '_')}", None)
        if event["event"] != "progress":
            self.close()
        if handler:
            handler(event)

    def close(self) -> None:
        """Take a bar that is drawn off the screen."""
        if self._bar:
            self._bar.stop()
            self._bar = None
        self._stage = ""

    def tell(self, stage: str, done: int, total: int) -> None:
        """Print how far a stage is, where no run emits events."""
        self({"event": "progress", "stage": stage, "done": done, "total": total})

    def _say(self, text: str) -> None:
        self._console.print(f"[dim]{self._clock():>7}[/dim]  {text}")

    def _clock(self) -> str:
        return duration(time.monotonic() - self._started)

    def _on_progress(self, event: Mapping[str, Any]) -> None:
        done, total, stage = event["done"], event["total"], event["stage"]
        if stage != self._stage:
            self.close()
            self._stage, self._stage_started = stage, time.monotonic()
            self._last_line = time.monotonic()
        title = _TITLES.get(stage, stage)
        rate = event.get("rate") or done / max(time.monotonic() - self._stage_started, 1e-3)
        if self._console.is_terminal:
            if self._bar is None:
                columns = (
                    TextColumn(f"         {title}"), BarColumn(), MofNCompleteColumn(),
                    TextColumn("{task.fields[rate]}"), TextColumn("ETA"), TimeRemainingColumn(compact=True),
                )  # fmt: skip
                self._bar = Progress(*columns, console=self._console, transient=True)
                self._bar.start()
                self._bar.add_task(title, total=total, rate="")
            self._bar.update(self._bar.task_ids[0], completed=done, rate=f"{rate:.0f}/s" if rate >= 1 else "")
        elif time.monotonic() - self._last_line >= _LINE_SECONDS:
            self._last_line = time.monotonic()
            eta = event.get("eta_seconds", (total - done) / max(rate, 1e-3))
            pace = f", {rate:.0f}/s" if rate >= 1 else ""
            self._say(f"{title}: {done} of {total}{pace}, ETA {duration(eta)}")

    def _on_dataset(self, event: Mapping[str, Any]) -> None:
        kinds = {
            "quarantined": "skipped or excluded",
            "unlabelled": "unlabelled",
            "left_out": "left out because of the given split",
        }
        aside = "".join(f", {event[kind]} {text}" for kind, text in kinds.items() if event.get(kind))
        self._say(
            f"{event['n_items']} images in {len(event['classes'])} classes{aside}: {event['train']} to train, "
            f"{event['validation']} to validate, {event['test']} kept for one test"
        )

    def _on_finding(self, event: Mapping[str, Any]) -> None:
        if event["severity"] != "info":
            self._say(f"[yellow]{event['severity']}[/yellow] {escape(event['message'])}. {escape(event['advice'])}")

    def _on_features(self, event: Mapping[str, Any]) -> None:
        name, n, seconds = f"{event['backbone']} at {event['size']}", event["computed"], event["seconds"]
        if n:
            reused = f", {event['reused']} reused" if event["reused"] else ""
            by = f" by {event['engine']}" if event.get("engine") else ""
            rate = event.get("images_per_second") or n / max(seconds, 1e-3)
            self._say(f"features of {name}: {n} images in {seconds:.1f} s ({rate:.0f}/s{by}){reused}")
        else:
            self._say(f"features of {name}: all {event['reused']} reused from the cache ({seconds:.1f} s)")

    def _on_trial(self, event: Mapping[str, Any]) -> None:
        if event["state"] != "complete":
            self._say(
                f"trial {event['number']:>2}  {event['state']}: {escape(event['name'])}: {escape(event['reason'])}"
            )
            return
        where = ", ".join(["", *filter(None, (event["size"], event["stage"]))]) if event["head"] else ""
        tuned = ", fine-tuned" if event["strategy"] == "fine-tune" else ""
        best = "  [bold]best so far[/bold]" if event.get("best_trial") == event["number"] else ""
        self._say(
            f"trial {event['number']:>2}  {event['value']:.3f} ({event['low']:.3f} to {event['high']:.3f})  "
            f"{escape(event['name'])}{tuned}{where}  {event['seconds']:.1f} s{best}"
        )
        if self._budget_seconds and self._console.is_terminal:
            left = self._budget_seconds - (time.monotonic() - self._started)
            self._console.print(f"         [dim]about {duration(max(0.0, left))} left[/dim]", end="\r")

    def _on_message(self, event: Mapping[str, Any]) -> None:
        self._say(escape(event["text"]))


def duration(seconds: float) -> str:
    """Seconds as a person says them: 42s, 3m10s, 2h05m."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
